import { generateKeyPairSync } from "node:crypto";
import type { KeyPair } from "../world/merkle-rekor.ts";
import type { Spoil } from "./ancestry.ts";
import { type Document, put, type Rendered } from "./document.ts";
import { SOURCE } from "./faults-of-provenance.ts";
import { flipped } from "./faults-of-signatures.ts";
import type { Fault, Harmless } from "./mutation.ts";
import type { Trial } from "./trial.ts";

const newKey = (): KeyPair => generateKeyPairSync("ec", { namedCurve: "prime256v1" });
export const publishersKey = newKey();
const anothersKey = newKey();
const pemOf = ({ publicKey }: KeyPair) => publicKey.export({ format: "pem", type: "spki" }).toString();

const BORROWED = "Whoever is trusted for one image signs another's.";
const SHARED = "Whoever uses somebody's shared configuration signs under its name.";
const UNSEEN = "A stolen key signs unseen, and at a time of the thief's choice.";

/** The policy with another entry in the place of the base's own. */
const insteadOf =
  (entry: (host: string) => Document, more = ""): NonNullable<Fault["policy"]> =>
  (text, { registry: { host } }) => {
    const [head = "", ...entries] = text.split("\n    - ");
    const others = entries.filter((each) => !each.includes("/*/base"));
    const own = JSON.stringify({ images: [`${host}/*/base`], ...entry(host) });
    return `${[head, own, ...others.map((each) => each.trimEnd())].join("\n    - ")}\n${more}`;
  };

export const byKey = (key: Document = {}, more = "") =>
  insteadOf(() => ({ key: { pem: pemOf(publishersKey), ...key }, level: 2, builds: true }), more);

const ISSUER = "https://gitlab.example";
const CONFIGURATION = "https://gitlab.example/acme/pipelines//build.yml@refs/heads/main";
const bySource = (source?: Document, more = "") =>
  insteadOf(
    () => ({ identity: { issuer: ISSUER, name: CONFIGURATION, ...(source && { source }) }, level: 2, builds: true }),
    more,
  );

const GITLAB = {
  repository: "https://gitlab.example/acme/base",
  "repository-id": 4301,
  "owner-id": 77,
  refs: ["refs/tags/**"],
  events: ["push"],
};

/** A certificate as another service's pipeline gets it. */
const asPipeline = (extensions: Readonly<Record<number, string>> = {}, name = CONFIGURATION): Spoil => ({
  sign: {
    subjectAlternativeName: name,
    overrideExtensions: {
      1: ISSUER,
      8: ISSUER,
      9: CONFIGURATION,
      12: "https://gitlab.example/acme/base",
      16: "https://gitlab.example/acme",
      21: "https://gitlab.example/acme/base/-/jobs/101",
      ...extensions,
    },
  },
  provenance: fromGitlab,
});

/** The provenance of a build from another host's repository. */
function fromGitlab(statement: Document): Document {
  const said = JSON.stringify(statement).replaceAll("github.com/acme/base.git", "gitlab.example/acme/base.git");
  return JSON.parse(said) as Document;
}

/** The base's provenance, signed by a key. */
const keySigned =
  (key: KeyPair, options: Parameters<Trial["sigstore"]["signWithKey"]>[3] = {}): NonNullable<Spoil["bundle"]> =>
  async (_, { sigstore, payload }): Promise<Rendered> =>
    (await sigstore.signWithKey(payload, key, "publisher", options)) as unknown as Document;

function refused(
  rule: string,
  what: string,
  cause: string,
  code: string,
  gain: string,
  base: Spoil,
  policy: NonNullable<Fault["policy"]>,
): Fault {
  return { rule, what, gain, cause, spoil: { base }, policy, node: "base", kind: "refused", code };
}

function keys(): readonly Fault[] {
  const key = (what: string, cause: string, code: string, gain: string, bundle: Spoil["bundle"], entry = byKey()) =>
    refused("R4", what, cause, code, gain, bundle === undefined ? {} : { bundle }, entry);
  return [
    key(
      "policy wants a key's word on the base, and its workflow signed",
      "signer-kind",
      "signer-kind",
      BORROWED,
      undefined,
    ),
    {
      ...key(
        "policy wants a workflow's word on the base, and a key signed that it takes for others",
        "signer-kind",
        "signer-kind",
        BORROWED,
        keySigned(publishersKey),
      ),
      policy: (text, { registry: { host } }) =>
        `${text}    - ${JSON.stringify({ images: [`${host}/*/tools`], key: { pem: pemOf(publishersKey) } })}\n`,
    },
    key(
      "another key signed the base than the one that policy names",
      "signature",
      "signature",
      BORROWED,
      keySigned(anothersKey),
    ),
    key(
      "another key signed the base, which policy takes for other images",
      "key",
      "key",
      BORROWED,
      keySigned(anothersKey),
      (text, trial) =>
        `${byKey()(text, trial)}    - ${JSON.stringify({ images: [`${trial.registry.host}/*/tools`], key: { pem: pemOf(anothersKey) } })}\n`,
    ),
    {
      ...key(
        "a key's signature is in no log, and policy wants it there",
        "log-entry",
        "log-entry",
        UNSEEN,
        keySigned(publishersKey, { rekor: false }),
      ),
      rule: "R12",
    },
    key(
      "one bit of a key's signature is changed",
      "signature",
      "signature",
      "Whoever can push could forge provenance for what he pushed.",
      async (bundle, make) =>
        put(
          (await keySigned(publishersKey, { rekor: false })(bundle, make)) as Document,
          ["dsseEnvelope", "signatures", 0, "sig"],
          flipped,
        ),
      byKey({ log: "optional" }),
    ),
    {
      ...key(
        "policy revokes a key for a day of which nothing proves that it signed on another",
        "revoked",
        "revoked",
        UNSEEN,
        keySigned(publishersKey, { rekor: false, tsa: false }),
        byKey(
          { log: "optional" },
          '  revoked:\n    - { identity: "sha256:*", from: "2020-01-01", until: "2020-01-02", reason: it leaked }\n',
        ),
      ),
      kind: "revoked",
      rule: "R12",
    },
    {
      ...refused(
        "R10",
        "a key signed provenance of another source than policy binds it to",
        "source",
        "source-repository",
        BORROWED,
        {
          provenance: (statement) => put(statement, [...SOURCE, "uri"], (uri: string) => uri.replace("acme/", "evil/")),
          bundle: keySigned(publishersKey),
        },
        byKey({ source: "https://github.com/acme/base" }),
      ),
    },
  ];
}

function services(): readonly Fault[] {
  const service = (what: string, cause: string, code: string, gain: string, base: Spoil, entry = bySource(GITLAB)) =>
    refused("R4", what, cause, code, gain, base, entry);
  return [
    service(
      "another service than policy names vouched for the base's signer",
      "issuer",
      "issuer",
      "Another identity provider gives out tokens that claim to be of any repository.",
      asPipeline({ 1: "https://gitlab.other", 8: "https://gitlab.other" }),
    ),
    service(
      "another configuration of the service signed the base",
      "signer-name",
      "signer-name",
      SHARED,
      asPipeline({}, `${CONFIGURATION}x`),
    ),
    service(
      "the service's shared configuration signed the base for a stranger's repository",
      "source",
      "source-repository",
      SHARED,
      asPipeline({ 12: "https://gitlab.example/evil/base" }),
    ),
    service(
      "the service's certificate names a source, and policy binds none",
      "source",
      "source-repository",
      SHARED,
      asPipeline(),
      bySource(),
    ),
    service("the service's certificate names no source, and policy binds one", "source", "source-repository", SHARED, {
      ...asPipeline(),
      sign: { ...asPipeline().sign, omitExtensions: [12, 5] },
    }),
    service(
      "the service's repository has the right name and another number",
      "source-id",
      "repository-id",
      "Whoever takes over an abandoned name inherits its trust.",
      asPipeline({ 15: "666" }),
    ),
    service(
      "the service's pipeline ran for a merge request",
      "event",
      "event",
      "Code of strangers is signed beside secrets.",
      asPipeline({ 20: "merge_request_event" }),
    ),
    service(
      "the service's pipeline ran for a branch",
      "ref",
      "ref",
      "Anybody who may push a branch signs for a release.",
      asPipeline({ 14: "refs/heads/feature" }),
    ),
  ];
}

/** The name by which the base is known where policy has a mirror stand for it. */
const mirrored =
  (of: string, more: string) =>
  (text: string, { registry: { host } }: Trial) =>
    `${text}  mirrors:\n    - { images: "${host}/{ns}/base", of: "${of}" }\n${more}`;

function named(): readonly Fault[] {
  const gain = "A name that policy takes for a publisher's has images that the publisher never signed.";
  return [
    {
      ...refused(
        "R4",
        "the base stands for one of a publisher's, and another key signed it",
        "signature",
        "signature",
        gain,
        { bundle: keySigned(anothersKey) },
        mirrored("dhi.io/base", "  publishers: [docker-hardened-images]\n"),
      ),
    },
    {
      ...refused(
        "R4",
        "the base stands for one of a publisher's, and its own workflow signed it",
        "source",
        "source-repository",
        gain,
        {},
        mirrored("cgr.dev/chainguard/base", "  publishers: [chainguard]\n"),
      ),
    },
    {
      ...refused(
        "R4",
        "the base stands for one of a publisher's who signs nothing",
        "no-builder",
        "no-builder",
        gain,
        {},
        mirrored("docker.io/library/base", "  publishers: [docker-official-images]\n"),
      ),
    },
    {
      ...refused(
        "R4",
        "the base stands for an image that policy gives to nobody",
        "no-builder",
        "no-builder",
        gain,
        {},
        mirrored("registry.example/base", ""),
      ),
    },
    {
      ...refused(
        "R4",
        "policy takes an owner's repositories by their names, and another of them built the base",
        "source",
        "source-repository",
        gain,
        { run: { repository: "acme/tools", repositoryId: 4303 } },
        (text, { registry: { host } }) =>
          `${text.replace("/*/base", "/*/other")}  publishers:\n    - github-actions: { owner: acme, owner-id: 77, images: ["${host}/trials/{repo}"] }\n  mirrors:\n    - { images: "${host}/{ns}/base", of: "${host}/trials/base" }\n`,
      ),
    },
    {
      ...refused(
        "R29",
        "a known builder is accepted for the base, and its caller's own workflow signed",
        "workflow",
        "workflow",
        "Whoever may write to the source builds as he likes.",
        { run: { jobWorkflowRef: "acme/base/.github/workflows/release.yml@refs/tags/v1.0.0" } },
        (text, { registry: { host } }) =>
          `${insteadOf(() => ({ github: { repository: "acme/base", "owner-id": 77 } }))(text, { registry: { host } } as Trial)}  builder-presets: [docker-github-builder]\n`,
      ),
    },
    {
      ...refused(
        "R5",
        "the base was built from a branch, and nothing shows that it is the default one",
        "ref",
        "default-branch-unknown",
        "Anybody who may push a branch signs for a release.",
        { run: { ref: "refs/heads/main" } },
        (text) => text.replace("workflow-digest", "refs: [default-branch]\n        workflow-digest"),
      ),
      cause: "default-branch",
    },
  ];
}

/** Mutations of signers other than a workflow that policy spells out: keys, other services, publishers, mirrors. */
export const FAULTS_OF_SIGNERS: readonly Fault[] = [...keys(), ...services(), ...named()];

/** Such signers, accepted: the positives of the above. */
export const SIGNED_BY_OTHERS: readonly Harmless[] = [
  {
    rule: "R4",
    what: "a key that policy names signed the base",
    why: "Policy takes its holder's word; level 2 at most.",
    spoil: { base: { bundle: keySigned(publishersKey) } },
    policy: byKey({ source: "https://github.com/acme/base" }),
    level: 2,
  },
  {
    rule: "R12",
    what: "a key that policy names signed the base without a log, and policy doesn't want one",
    why: "Policy says so, and revokes nothing of it.",
    spoil: { base: { bundle: keySigned(publishersKey, { rekor: false, tsa: false }) } },
    policy: byKey({ log: "optional", source: "https://github.com/acme/base" }),
    level: 2,
  },
  {
    rule: "R4",
    what: "a pipeline of another service signed the base, as policy says",
    why: "Issuer, name and source are policy's; level 2 at most.",
    spoil: { base: asPipeline() },
    policy: bySource(GITLAB),
    level: 2,
  },
  {
    rule: "R4",
    what: "policy takes the base's name for a mirror of one that it knows",
    why: "It is judged as what it stands for.",
    policy: (text, { registry: { host } }) =>
      `${text.replace("/*/base", "/upstream/base")}  mirrors:\n    - { images: "${host}/{ns}/base", of: "${host}/upstream/base" }\n`,
  },
];
