/** A publisher whose images and signer are known: naming it in a policy is naming them (RULES R4). */
export interface PublisherPreset {
  readonly publisher: string;
  /** Patterns of the images' names. */
  readonly images: readonly string[];
  /** In the form of an entry of `trust.builders`; none where the publisher signs nothing. */
  readonly signers: readonly object[];
  /** What it attests. */
  readonly attests: string;
  /** What it doesn't, and what isn't sure. */
  readonly doesNot: string;
  /** Where this is known from. */
  readonly facts: readonly string[];
}

/** A reusable workflow of somebody else's, which whoever calls it can't change (RULES R29). It accepts nothing alone. */
export interface BuilderPreset {
  readonly builder: string;
  /** `OWNER/REPO/.github/workflows/FILE@REF`, as patterns. */
  readonly workflows: readonly string[];
  /** The level of what it builds. */
  readonly level: number;
  /** Whether it makes the provenance itself, inside of what it signs (RULES R11). */
  readonly builds: boolean;
  readonly attests: string;
  readonly doesNot: string;
  readonly facts: readonly string[];
}

/** Docker's key for hardened images, from roots/dhi/dhi.pub of github.com/moby/policy-helpers. */
const DOCKER_HARDENED_IMAGES_KEY = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEKdROmntRJFBrOJOQF5ww6gDBJqGm
Fxa4333s1KsL9ISjtmRzGNih9lNRsqfRVjgFgJIdL6EQ9dohdanvn7r2cg==
-----END PUBLIC KEY-----
`;

/** Known publishers, as of 2026-11. */
export const PUBLISHERS = {
  "docker-hardened-images": {
    publisher: "Docker Hardened Images",
    images: ["dhi.io/{name}"],
    signers: [{ key: { pem: DOCKER_HARDENED_IMAGES_KEY, log: "optional" }, builds: true, level: 2 }],
    attests: "SLSA provenance, signed with Docker's key; it may be in no log",
    doesNot:
      "name a run or a source repository that a key could be held to: level 1 at most. A mirror of these images has to be named in trust.mirrors",
    facts: [
      "https://docs.docker.com/dhi/how-to/verify/",
      "https://github.com/docker-hardened-images/keyring",
      "https://github.com/moby/policy-helpers/blob/main/roots/dhi/dhi.pub",
    ],
  },
  chainguard: {
    publisher: "Chainguard's public images",
    images: ["cgr.dev/chainguard/{name}"],
    signers: [
      {
        github: {
          repository: "chainguard-images/images",
          workflow: "chainguard-images/images/.github/workflows/release.yaml@refs/heads/main",
          refs: ["refs/heads/main"],
          events: ["push", "schedule", "workflow_dispatch"],
        },
        level: 2,
      },
    ],
    attests: "signatures, SBOMs, apko's configuration and SLSA provenance",
    doesNot:
      "say in its documentation by which numbers its repository is known: level 1 at most. A move to new bundles and a new log is announced, and private catalogues have other signers: neither is sure, and what isn't signed as here is refused",
    facts: [
      "https://edu.chainguard.dev/chainguard/chainguard-images/how-to-use/verifying-chainguard-images-and-metadata-signatures-with-cosign/",
    ],
  },
  distroless: {
    publisher: "Distroless",
    images: ["gcr.io/distroless/{name}"],
    signers: [
      {
        identity: { issuer: "https://accounts.google.com", name: "keyless@distroless.iam.gserviceaccount.com" },
        level: 1,
      },
    ],
    attests: "signatures: these bytes are Google's",
    doesNot:
      "attest how its images were built or from what, so that the walk can't go on: name the digest in trust.roots. That the signer is still this one isn't sure",
    facts: ["https://github.com/GoogleContainerTools/distroless#how-do-i-verify-distroless-images"],
  },
  "docker-official-images": {
    publisher: "Docker Official Images",
    images: ["docker.io/library/{name}"],
    signers: [],
    attests: "nothing that is signed: the provenance in its indexes is anybody's word",
    doesNot: "sign its provenance, so that nothing is accepted: name the digest in trust.roots",
    facts: ["https://github.com/docker/roadmap/issues/493", "https://github.com/docker-library/official-images"],
  },
} as const satisfies Readonly<Record<string, PublisherPreset>>;

/** Known builders, as of 2026-11. All are workflows of github.com. */
export const BUILDERS = {
  "docker-github-builder": {
    builder: "Docker GitHub Builder",
    workflows: [
      "docker/github-builder/.github/workflows/build.yml@refs/tags/v*",
      "docker/github-builder/.github/workflows/bake.yml@refs/tags/v*",
    ],
    level: 3,
    builds: true,
    attests: "BuildKit's provenance of a build from a git commit, signed in a workflow that its caller can't change",
    doesNot: "look at what the image is built on: that is the rest of the walk",
    facts: [
      "https://docs.docker.com/build/ci/github-actions/github-builder/",
      "https://github.com/docker/github-builder",
    ],
  },
  "slsa-github-generator": {
    builder: "SLSA's generator for containers",
    workflows: ["slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml@refs/tags/v*"],
    level: 3,
    builds: false,
    attests: "that a run of the source repository vouches for the digest",
    doesNot: "build the image or record what went into it: the node stays opaque without other provenance",
    facts: ["https://github.com/slsa-framework/slsa-github-generator/blob/main/internal/builders/container/README.md"],
  },
} as const satisfies Readonly<Record<string, BuilderPreset>>;

/** Names of presets, for the schema of policies. */
export const PUBLISHER_NAMES = Object.keys(PUBLISHERS) as (keyof typeof PUBLISHERS)[];
export const BUILDER_NAMES = Object.keys(BUILDERS) as (keyof typeof BUILDERS)[];
