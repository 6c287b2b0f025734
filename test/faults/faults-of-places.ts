import { sign } from "node:crypto";
import { githubClaims } from "../world/github-claims.ts";
import { CONFIG, MANIFEST, referrerOf, type Spoil, sizeOf } from "./ancestry.ts";
import { bytesOf, type Document, put } from "./document.ts";
import { flipped } from "./faults-of-signatures.ts";
import { byKey, publishersKey } from "./faults-of-signers.ts";
import type { Fault, Harmless } from "./mutation.ts";
import type { Trial } from "./trial.ts";

const SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json";

/** A signature that is no statement, as cosign 2 made it: under the image's tag, over what names a digest. */
function signSimply(
  { registry, images: { base } }: Trial,
  change: (payload: Document) => Document = (payload) => payload,
  signatureOf = (payload: Buffer) => sign("sha256", payload, publishersKey.privateKey).toString("base64"),
): void {
  const payload = bytesOf(
    change({
      critical: {
        identity: { "docker-reference": base.repository },
        image: { "docker-manifest-digest": base.manifest.digest },
        type: "cosign container image signature",
      },
      optional: null,
    }),
  );
  const config = Buffer.from("{}");
  for (const bytes of [payload, config]) registry.putBlob(base.path, bytes);
  const annotations = { "dev.cosignproject.cosign/signature": signatureOf(payload) };
  const manifest = bytesOf({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: sizeOf(config, CONFIG),
    layers: [{ ...sizeOf(payload, SIMPLE_SIGNING), annotations }],
  });
  registry.putManifest(base.path, manifest, MANIFEST, `${base.manifest.digest.replace(":", "-")}.sig`);
}

/** A bundle about the base in another repository than the base's, where policy has it looked for. */
const elsewhere =
  (bundle: (trial: Trial) => Promise<unknown>): NonNullable<Fault["after"]> =>
  async (trial) => {
    const {
      registry,
      namespace,
      images: { base },
    } = trial;
    const bytes = Buffer.from(JSON.stringify(await bundle(trial)));
    const path = `${namespace}/signed`;
    registry.putBlob(path, bytes);
    registry.putManifest(path, bytesOf(referrerOf(registry, path, bytes, base.manifest)), MANIFEST);
  };

const lookingElsewhere: NonNullable<Fault["policy"]> = (text, { registry: { host } }) =>
  `${text}  referrers:\n    - { images: "${host}/{ns}/base", at: "${host}/{ns}/signed" }\n`;

/** A signature and nothing else beside the base, whose signer is a key without a log. */
const simply = (what: string, cause: string, after: NonNullable<Fault["after"]>, more: Partial<Fault>): Fault => ({
  rule: "R15",
  what,
  gain: "That somebody published it passes for how it was built; or whoever can push writes the signature himself.",
  cause,
  spoil: { base: { attached: false, inIndex: false } },
  after,
  policy: byKey({ log: "optional" }),
  node: "base",
  kind: "refused",
  code: "",
  ...more,
});

function besides(): readonly Fault[] {
  const absent: Spoil = { attached: false };
  return [
    simply(
      "a publisher's key signed the base, and said nothing of how it was built",
      "unrecorded",
      (trial) => signSimply(trial),
      {
        kind: "opaque",
        code: "parents-unrecorded",
      },
    ),
    simply(
      "the signature under the base's tag is over another digest",
      "subject",
      (trial) =>
        signSimply(trial, (payload) =>
          put(payload, ["critical", "image", "docker-manifest-digest"], `sha256:${"0".repeat(64)}`),
        ),
      { code: "subject-mismatch" },
    ),
    simply(
      "one bit of the signature under the base's tag is changed",
      "signature",
      (trial) =>
        signSimply(trial, undefined, (payload) =>
          flipped(sign("sha256", payload, publishersKey.privateKey).toString("base64")),
        ),
      { code: "signature" },
    ),
    simply(
      "what the signature under the base's tag is over names two digests",
      "statement-form",
      (trial) =>
        signSimply(trial, (payload) =>
          put(payload, ["critical", "image", "Docker-Manifest-Digest"], `sha256:${"0".repeat(64)}`),
        ),
      { code: "malformed-statement" },
    ),
    simply("the signature under the base's tag is by a key that nobody named", "key", (trial) => signSimply(trial), {
      code: "key",
      policy: (text) => text,
    }),
    {
      rule: "R15",
      what: "a stranger's statement stands where policy has the base's looked for",
      gain: "Who may write to the place that policy names speaks for the image.",
      cause: "source",
      spoil: { base: absent },
      policy: lookingElsewhere,
      node: "base",
      kind: "refused",
      code: "source-repository",
      after: elsewhere(({ sigstore, images: { base } }) =>
        sigstore.sign(
          bytesOf(base.statement),
          githubClaims({
            repository: "evil/base",
            repositoryId: 666,
            ownerId: 666,
            jobWorkflowRef: "acme/builder/.github/workflows/build.yml@refs/tags/v1.2.3",
          }),
        ),
      ),
    },
    {
      rule: "R15",
      what: "the base's bundle stands in a repository that policy doesn't name",
      gain: "Evidence that one asker sees and another doesn't makes two verdicts.",
      cause: "nothing-signed",
      spoil: { base: absent },
      after: elsewhere(async ({ images: { base } }) => JSON.parse(base.bundle.toString()) as unknown),
      node: "base",
      kind: "unattested",
      code: "unattested",
    },
    {
      rule: "R15",
      what: "the place where policy has the base's statements looked for can't be looked at",
      gain: "Whoever can break a connection hides what was signed.",
      cause: "down",
      spoil: { base: absent },
      policy: lookingElsewhere,
      replies: ({ registry, namespace }) => registry.fail(new RegExp(`^GET /v2/${namespace}/signed/`), { status: 500 }),
      node: "base",
      kind: "unreachable",
      code: "server-error",
      outcome: "undetermined",
    },
  ];
}

/** What GitHub answers about the base, beside a registry that has nothing signed of it. */
function github(what: string, cause: string, more: Partial<Fault>): Fault {
  return {
    rule: "R15",
    what,
    gain: "Whoever is given attestations by GitHub takes them for GitHub's word; or a broken answer for none.",
    cause,
    spoil: { base: { attached: false } },
    node: "base",
    kind: "refused",
    code: "",
    ...more,
  };
}

const listed = (...bundles: readonly unknown[]) => ({
  body: { attestations: bundles.map((bundle) => ({ repository_id: 4301, bundle })) },
});
const bundleOf = (bytes: Buffer): unknown => JSON.parse(bytes.toString());

function fromGithub(): readonly Fault[] {
  const down = { kind: "unreachable", code: "server-error", outcome: "undetermined" } as const;
  return [
    github("GitHub has the bundle of another image for the base", "subject", {
      code: "subject-mismatch",
      github: ({ images: { app } }) => listed(bundleOf(app.bundle)),
    }),
    github("GitHub has something for the base that is no bundle", "bundle-form", {
      code: "malformed-attestation",
      github: () => listed({ mediaType: "text/plain" }),
    }),
    github("GitHub has neither a bundle for the base nor an address of one", "bundle-form", {
      code: "malformed-attestation",
      github: () => ({ body: { attestations: [{ bundle: null }] } }),
    }),
    github("GitHub has a bundle for the base that was changed after it was signed", "signature", {
      code: "log-entry",
      github: ({ images: { base } }) =>
        listed(put(bundleOf(base.bundle) as Document, ["dsseEnvelope", "signatures", 0, "sig"], flipped)),
    }),
    github("GitHub has nothing for the base", "nothing-signed", {
      kind: "unattested",
      code: "unattested",
      github: () => listed(),
    }),
    github("GitHub has the base's bundle at an address of this machine's own network", "address", {
      kind: "unreachable",
      code: "address-refused",
      outcome: "undetermined",
      github: () => ({ body: { attestations: [{ bundle: null, bundle_url: "http://169.254.169.254/bundle" }] } }),
    }),
    github("GitHub answers with something else than a list", "down", {
      ...down,
      github: () => ({ body: { attestations: 7 } }),
    }),
    github("GitHub answers 502", "down", { ...down, github: () => ({ status: 502, body: {} }) }),
  ];
}

/** Mutations of what stands elsewhere than in bundles beside the image: under its tag, in another repository, at GitHub. */
export const FAULTS_OF_PLACES: readonly Fault[] = [...besides(), ...fromGithub()];

/** Places as good as beside the image. */
export const OTHER_PLACES: readonly Harmless[] = [
  {
    rule: "R15",
    what: "the base's bundle stands in another repository, where policy has it looked for",
    why: "The digest is the same, and so is the signer.",
    spoil: { base: { attached: false } },
    after: elsewhere(async ({ images: { base } }) => JSON.parse(base.bundle.toString()) as unknown),
    policy: lookingElsewhere,
  },
  {
    rule: "R15",
    what: "the base's bundle is at GitHub alone",
    why: "Wherever it stands, the signature is the same.",
    spoil: { base: { attached: false } },
    github: ({ images: { base } }) => listed(bundleOf(base.bundle)),
  },
  {
    rule: "R15",
    what: "GitHub is down, and the base's bundle stands beside it in the registry",
    why: "What sufficed was found.",
    github: () => ({ status: 502, body: {} }),
  },
];
