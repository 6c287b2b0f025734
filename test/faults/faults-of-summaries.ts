import { generateKeyPairSync } from "node:crypto";
import { type GithubRun, githubClaims } from "../world/github-claims.ts";
import type { KeyPair } from "../world/merkle-rekor.ts";
import type { BundleOptions } from "../world/sigstore.ts";
import { type Built, hex, MANIFEST, referrerOf, sha256 } from "./ancestry.ts";
import { bytesOf, type Document, put } from "./document.ts";
import type { Fault, Harmless } from "./mutation.ts";
import type { Trial } from "./trial.ts";

const VERIFIER = "https://verifier.example/policies/7";
const THEIR_POLICY = sha256(Buffer.from("their policy"));
const newKey = (): KeyPair => generateKeyPairSync("ec", { namedCurve: "prime256v1" });
const verifiersKey = newKey();
const anothersKey = newKey();

/** A workflow that judges images, and can be called by anybody. */
const WORKFLOW = "acme/verifier/.github/workflows/verify.yml";
const VERIFIERS_RUN: GithubRun = {
  repository: "acme/verifier",
  repositoryId: 4399,
  ownerId: 77,
  jobWorkflowRef: `${WORKFLOW}@refs/tags/v1.0.0`,
};
const BY_WORKFLOW = {
  identity: {
    issuer: "https://token.actions.githubusercontent.com",
    name: `https://github.com/${WORKFLOW}@refs/tags/v*`,
    source: "https://github.com/acme/verifier",
  },
};

const pemOf = ({ publicKey }: KeyPair) => publicKey.export({ format: "pem", type: "spki" }).toString();

/** The policy with verifiers in it. Summaries are old when a written corpus is judged, so that they may be. */
const naming =
  (...changes: readonly Document[]): NonNullable<Fault["policy"]> =>
  (text) => {
    const entries = (changes.length === 0 ? [{}] : changes).map((change) => ({
      id: VERIFIER,
      ...("identity" in change ? {} : { key: { pem: pemOf(verifiersKey) } }),
      policy: THEIR_POLICY,
      "max-age": "9999d",
      minimum: "SLSA_BUILD_LEVEL_2",
      ...change,
    }));
    return `${text}  verifiers: ${JSON.stringify(entries)}\n`;
  };

/** What a verifier says of the base: level 3, and built on nothing. */
export function summaryOf({ repository, manifest }: Built): Document {
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ digest: { sha256: hex(manifest.digest) } }],
    predicateType: "https://slsa.dev/verification_summary/v1",
    predicate: {
      verifier: { id: VERIFIER },
      timeVerified: new Date().toISOString(),
      resourceUri: `${repository}:1.0.0`,
      policy: { uri: `${VERIFIER}.yml`, digest: { sha256: hex(THEIR_POLICY) } },
      verificationResult: "PASSED",
      verifiedLevels: ["SLSA_BUILD_LEVEL_3"],
      dependencyLevels: {},
      slsaVersion: "1.2",
    },
  };
}

/** Hangs a summary on the base, signed by a key. */
async function summarise(
  trial: Trial,
  change: (statement: Document, base: Built) => Document = (statement) => statement,
  { by = verifiersKey, ...options }: BundleOptions & { readonly by?: KeyPair } = {},
): Promise<void> {
  const { base } = trial.images;
  const statement = bytesOf(change(summaryOf(base), base));
  hang(trial, await trial.sigstore.signWithKey(statement, by, "verifier", options));
}

/** … or by a workflow's run. */
async function summariseAs(trial: Trial, run: GithubRun): Promise<void> {
  hang(trial, await trial.sigstore.sign(bytesOf(summaryOf(trial.images.base)), githubClaims(run)));
}

function hang({ registry, images: { base } }: Trial, bundle: unknown): void {
  const bytes = Buffer.from(JSON.stringify(bundle));
  registry.putBlob(base.path, bytes);
  registry.putManifest(base.path, bytesOf(referrerOf(registry, base.path, bytes, base.manifest)), MANIFEST);
}

/** A summary beside a base that nothing else vouches for. */
function refused(
  what: string,
  code: string,
  gain: string,
  after: NonNullable<Fault["after"]>,
  more: Partial<Fault> = {},
): Fault {
  return {
    rule: "R28",
    what,
    gain,
    cause: code,
    spoil: { base: { attached: false } },
    after,
    policy: naming(),
    node: "base",
    kind: "refused",
    code,
    ...more,
  };
}

const changed =
  (change: (predicate: Document, base: Built) => Document): NonNullable<Fault["after"]> =>
  (trial) =>
    summarise(trial, (statement, base) => put(statement, ["predicate"], (old: Document) => change(old, base)));

const WEAK = "A verdict by weaker rules passes for one by those that the asker wants.";
const ANOTHERS = "A verdict on one image ends the walk at another.";
const STRANGER = "Whoever can sign anything answers for images that he never judged.";
const STALE = "A verdict from before somebody was found out holds for ever.";

/** Mutations of another verifier's word on the base, which nobody else vouches for. */
export const FAULTS_OF_SUMMARIES: readonly Fault[] = [
  refused("the verifier's summary doesn't say PASSED or FAILED", "vsa-malformed", WEAK, (trial) =>
    summarise(trial, (statement) => put(statement, ["predicate", "verificationResult"], "MOSTLY")),
  ),
  refused("the verifier's summary is about the base's index alone", "vsa-subject", ANOTHERS, (trial) =>
    summarise(trial, (statement, { index }) => put(statement, ["subject", 0, "digest", "sha256"], hex(index.digest))),
  ),
  refused(
    "the verifier's summary is about another image",
    "subject-mismatch",
    ANOTHERS,
    (trial) => summarise(trial, (statement) => put(statement, ["subject", 0, "digest", "sha256"], "0".repeat(64))),
    { cause: "subject" },
  ),
  refused("the summary is of a verifier that policy doesn't name", "vsa-verifier", STRANGER, (trial) =>
    summarise(trial, (statement) => put(statement, ["predicate", "verifier", "id"], `${VERIFIER}0`)),
  ),
  refused(
    "another verifier's key signed the summary",
    "vsa-signer",
    STRANGER,
    (trial) => summarise(trial, undefined, { by: anothersKey }),
    {
      policy: naming({}, { id: "https://another.example", key: { pem: pemOf(anothersKey) } }),
    },
  ),
  refused(
    "the verifier's workflow signed the summary for a stranger's repository that calls it",
    "vsa-signer",
    STRANGER,
    (trial) => summariseAs(trial, { ...VERIFIERS_RUN, repository: "evil/base", repositoryId: 666, ownerId: 666 }),
    { policy: naming(BY_WORKFLOW) },
  ),
  refused(
    "another workflow of the verifier's repository signed the summary",
    "vsa-signer",
    STRANGER,
    (trial) =>
      summariseAs(trial, {
        ...VERIFIERS_RUN,
        jobWorkflowRef: "acme/verifier/.github/workflows/test.yml@refs/tags/v1.0.0",
      }),
    { policy: naming(BY_WORKFLOW) },
  ),
  refused(
    "the verifier judged by another policy",
    "vsa-policy",
    WEAK,
    changed((predicate) => put(predicate, ["policy", "digest", "sha256"], "1".repeat(64))),
  ),
  refused(
    "the verifier's summary names no policy by digest",
    "vsa-policy",
    WEAK,
    changed((predicate) => put(predicate, ["policy", "digest"], undefined)),
  ),
  refused(
    "the verifier's summary is about another name",
    "vsa-resource",
    ANOTHERS,
    changed((predicate) => put(predicate, ["resourceUri"], (uri: string) => uri.replace("/base:", "/runtime:"))),
  ),
  refused(
    "the verifier's summary is about another digest of that name",
    "vsa-resource",
    ANOTHERS,
    changed((predicate, { repository }) => put(predicate, ["resourceUri"], `${repository}@sha256:${"0".repeat(64)}`)),
  ),
  refused(
    "the verifier's summary says FAILED",
    "vsa-result",
    WEAK,
    changed((predicate) => put(predicate, ["verificationResult"], "FAILED")),
  ),
  refused("a younger summary of the verifier says FAILED", "vsa-result", STALE, async (trial) => {
    await summarise(trial, (statement) => put(statement, ["predicate", "timeVerified"], "2026-01-02T03:04:05Z"));
    await changed((predicate) => put(predicate, ["verificationResult"], "FAILED"))(trial);
  }),
  refused(
    "the verifier found the base at a level below policy's",
    "vsa-level",
    WEAK,
    changed((predicate) => put(predicate, ["verifiedLevels"], ["SLSA_BUILD_LEVEL_1"])),
  ),
  refused(
    "the verifier's level is one of its own making",
    "vsa-level",
    WEAK,
    changed((predicate) => put(predicate, ["verifiedLevels"], ["SLSA_BUILD_LEVEL_4"])),
  ),
  refused(
    "the verifier's summary says PASSED with FAILED among its levels",
    "vsa-level",
    WEAK,
    changed((predicate) => put(predicate, ["verifiedLevels"], (list: string[]) => [...list, "FAILED"])),
  ),
  refused(
    "the verifier's summary says nothing of what the base is built on",
    "vsa-dependencies",
    "An ancestor that nobody judged goes into the image unseen.",
    changed((predicate) => put(predicate, ["dependencyLevels"], undefined)),
  ),
  refused(
    "the verifier found something below the base at a level below policy's",
    "vsa-dependencies",
    "An ancestor that nobody judged goes into the image unseen.",
    changed((predicate) => put(predicate, ["dependencyLevels"], { SLSA_BUILD_LEVEL_3: 3, SLSA_BUILD_LEVEL_1: 1 })),
  ),
  refused(
    "the verifier's summary says nothing of its time, and was timestamped anew",
    "vsa-time",
    STALE,
    changed((predicate) => put(predicate, ["timeVerified"], undefined)),
  ),
  refused("nothing proves when the verifier's summary was signed", "vsa-time", STALE, (trial) =>
    summarise(trial, undefined, { rekor: false, tsa: false }),
  ),
  refused(
    "the verifier's summary is older than policy takes",
    "vsa-age",
    STALE,
    changed((predicate) => put(predicate, ["timeVerified"], "2026-01-02T03:04:05Z")),
    { policy: naming({ "max-age": "30d" }) },
  ),
  refused(
    "policy revokes something since the verifier's summary was made",
    "vsa-revocation",
    STALE,
    (trial) => summarise(trial),
    {
      policy: (text, trial) =>
        `${naming()(text, trial)}  revoked:\n    - { digest: "sha256:${"0".repeat(64)}", reason: it leaked }\n`,
    },
  ),
  refused("the verifier's summary was changed after it was signed", "signature", STRANGER, async (trial) => {
    const { base } = trial.images;
    const bundle = (await trial.sigstore.signWithKey(
      bytesOf(summaryOf(base)),
      verifiersKey,
      "verifier",
    )) as unknown as Document;
    hang(
      trial,
      put(bundle, ["dsseEnvelope", "payload"], (text: string) =>
        Buffer.from(Buffer.from(text, "base64").toString().replace("LEVEL_3", "LEVEL_2")).toString("base64"),
      ),
    );
  }),
  refused("policy revokes the verifier's key", "revoked", STALE, (trial) => summarise(trial), {
    cause: "revoked",
    policy: (text, trial) =>
      `${naming()(text, trial)}  revoked:\n    - { identity: "sha256:*", made: "2020-01-01", reason: it leaked }\n`,
  }),
  refused("the verifier answers for an image that policy revokes", "revoked", STALE, (trial) => summarise(trial), {
    cause: "revoked",
    kind: "revoked",
    policy: (text, trial) =>
      `${naming()(text, trial)}  revoked:\n    - { digest: "${trial.images.base.index.digest}", made: "2020-01-01", reason: it leaked }\n`,
  }),
];

const ENDS = "A verifier that policy names answers for it and all below it.";

/** Summaries that end the walk at a base that nobody else vouches for. */
export const SUMMARISED: readonly Harmless[] = [
  {
    rule: "R28",
    what: "nobody but a verifier that policy names answers for the base",
    why: ENDS,
    spoil: { base: { attached: false } },
    after: (trial) => summarise(trial),
    policy: naming(),
    level: 2,
    base: "summarised",
  },
  {
    rule: "R28",
    what: "a workflow's run that policy names as verifier answers for the base",
    why: `${ENDS} Its repository is named without numbers, so that the level is 1 at most.`,
    spoil: { base: { attached: false } },
    after: (trial) => summariseAs(trial, VERIFIERS_RUN),
    policy: naming(BY_WORKFLOW),
    level: 1,
    base: "summarised",
  },
  {
    rule: "R28",
    what: "a stranger's summary says FAILED of the base",
    why: "It is nobody's word whom policy names.",
    after: async (trial) => {
      const { base } = trial.images;
      const failed = put(summaryOf(base), ["predicate", "verificationResult"], "FAILED");
      hang(trial, await trial.sigstore.sign(bytesOf(failed), githubClaims({ repository: "evil/base" })));
    },
    policy: naming(),
  },
];
