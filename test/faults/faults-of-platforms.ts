import type { GithubRun } from "../world/github-claims.ts";
import { type Built, INDEX, MANIFEST, makeImage, type Name, type Spoil, sizeOf } from "./ancestry.ts";
import { bytesOf, type Document, put } from "./document.ts";
import { byRun } from "./faults-of-builds.ts";
import type { Fault, Harmless } from "./mutation.ts";
import type { Trial } from "./trial.ts";

const ARM64 = { architecture: "arm64", os: "linux" };
const AMD64 = { architecture: "amd64", os: "linux" };

/** How the app's image for arm64 differs from the one for amd64, but for its platform. */
type Second = Pick<Spoil, "run" | "provenance" | "attached" | "signer">;

/** Another image of the app, for arm64, beside the one for amd64 in an index of their own. */
async function pair(
  trial: Trial,
  second: Second,
  sign?: (index: Buffer, trial: Trial) => Promise<void>,
): Promise<void> {
  const { registry, images } = trial;
  const arm: Built = await makeImage(trial, "app", images as Readonly<Record<Name, Built>>, {
    ...second,
    inIndex: false,
    config: (config) => put(config, ["architecture"], "arm64"),
  });
  const entry = (image: Built, platform: Document) => ({ ...sizeOf(image.manifest.bytes, MANIFEST), platform });
  const index = bytesOf({
    schemaVersion: 2,
    mediaType: INDEX,
    manifests: [entry(images.app, AMD64), entry(arm, ARM64)],
  });
  registry.putManifest(arm.path, index, INDEX, "1.0.0");
  await sign?.(index, trial);
}

const MIXED =
  "Whoever may push puts an old image, honestly signed, beside a new one, for a platform that nobody looks at.";

/** An index of two images of the app that don't belong together. */
function mixed(what: string, run: GithubRun, more: Partial<Fault> = {}): Fault {
  return {
    rule: "R25",
    what,
    gain: MIXED,
    cause: "mixed-index",
    fresh: "app",
    after: (trial) => pair(trial, byRun(run)),
    node: "app",
    kind: "attested",
    code: "mixed-index",
    ...more,
  };
}

/** Mutations of an index of several platforms, each of whose images is signed as it should be. */
export const FAULTS_OF_PLATFORMS: readonly Fault[] = [
  mixed("the app's images for two platforms are of two runs, and nobody signed the index", { runId: 99 }),
  mixed("the app's images for two platforms are of two commits, and nobody signed the index", { sha: "9".repeat(40) }),
  mixed("the app's images for two platforms are of two tags, and nobody signed the index", { ref: "refs/tags/v0.9.0" }),
  mixed(
    "one of the app's images is known as a root alone, and nobody signed the index",
    {},
    {
      after: (trial) => pair(trial, { attached: false }),
      policy: (text, { registry, images: { app } }) => {
        const index = JSON.parse(
          Buffer.from(registry.read(app.path, registry.readTag(app.path, "1.0.0") ?? "")).toString(),
        );
        const { digest } = index.manifests[1];
        return `${text}  roots:\n    - { image: "${app.repository}@${digest}", reason: looked at it, expires: 2099-01-01 }\n`;
      },
    },
  ),
  {
    rule: "R24",
    what: "the app's image for the second platform isn't signed",
    gain: "Attestations for one platform pass for those of another.",
    cause: "nothing-signed",
    fresh: "app",
    after: (trial) => pair(trial, { attached: false }),
    node: "app",
    kind: "unattested",
    code: "unattested",
  },
  {
    rule: "R24",
    what: "a stranger signed the app's image for the second platform",
    gain: "Attestations for one platform pass for those of another.",
    cause: "certificate",
    fresh: "app",
    after: (trial) => pair(trial, { signer: ({ stranger }) => stranger }),
    node: "app",
    kind: "refused",
    code: "certificate",
  },
];

/** Indexes of several platforms that are as good as one. */
export const SEVERAL_PLATFORMS: readonly Harmless[] = [
  {
    rule: "R25",
    what: "one run made the app's images for two platforms, and nobody signed the index",
    why: "They belong together by what is signed of each.",
    fresh: "app",
    after: (trial) => pair(trial, {}),
  },
  {
    rule: "R30",
    what: "the app's image for a platform that policy leaves out isn't signed",
    why: "It is told, and doesn't count: no machine of theirs is given it.",
    fresh: "app",
    after: (trial) => pair(trial, { attached: false }),
    policy: (text) => `${text}  platforms: [linux/amd64]\n`,
  },
];
