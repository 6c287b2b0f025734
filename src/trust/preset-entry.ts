import { z } from "zod";
import { type Builder, buildersOf } from "./builder.ts";
import { type BuilderEntry, builderEntry, imagePattern, numericId } from "./builder-schema.ts";
import { compileGlob, type Glob } from "./glob.ts";
import {
  BUILDER_NAMES,
  BUILDERS,
  type BuilderPreset,
  PUBLISHER_NAMES,
  PUBLISHERS,
  type PublisherPreset,
} from "./presets.ts";

/** A publisher that a policy names, for what it tells people. */
export interface Publisher {
  /** `trust.publishers[0]` */
  readonly path: string;
  /** As the policy names it. */
  readonly name: string;
  readonly images: readonly Glob[];
  /** What it doesn't attest. */
  readonly doesNot: string;
}

/** Repositories of one owner that build the image of their own name: the image's name says which (RULES R4). */
const ownersRepositories = z.strictObject({
  "github-actions": z.strictObject({
    owner: z.string().regex(/^[A-Za-z0-9-]+$/, { error: "the account's name on GitHub" }),
    "owner-id": numericId,
    images: z
      .array(
        imagePattern.refine((text) => /^[^*{}]+\/\{repo\}$/.test(text), {
          error: "REGISTRY/NAMESPACE/{repo}: the repository is the one that the image is named after (RULES R4)",
        }),
      )
      .min(1),
  }),
});

/** An entry of `trust.publishers`. */
export const publisherEntry = z.union([z.enum(PUBLISHER_NAMES), ownersRepositories], {
  error: `one of ${PUBLISHER_NAMES.join(", ")}, or github-actions: { owner, owner-id, images: [REGISTRY/NAMESPACE/{repo}] }`,
});

/** An entry of `trust.builder-presets`. */
export const builderPresetEntry = z.enum(BUILDER_NAMES, { error: `one of ${BUILDER_NAMES.join(", ")}` });

export type PublisherEntry = z.output<typeof publisherEntry>;

/** The presets of builders that a policy names. */
export function builderPresetsOf(names: readonly (keyof typeof BUILDERS)[]): readonly BuilderPreset[] {
  return names.map((name) => BUILDERS[name]);
}

/** What a policy's publisher stands for: entries like those of `trust.builders`, and what to tell of it. */
export function publisherOf(
  entry: PublisherEntry,
  path: string,
  server: string,
  presets: readonly BuilderPreset[],
): { readonly builders: readonly Builder[]; readonly publisher: Publisher | undefined } {
  if (typeof entry !== "string") {
    const owned = ownedEntries(entry["github-actions"], server === GITHUB ? presets : []);
    return { builders: owned.flatMap((each) => buildersOf(each, path, server, presets)), publisher: undefined };
  }
  const { images, signers, doesNot }: PublisherPreset = PUBLISHERS[entry];
  const entries = signers.map((signer) => builderEntry.parse({ ...signer, images }));
  return {
    // Presets are of github.com, wherever the policy is read.
    builders: entries.flatMap((each) => buildersOf(each, path, GITHUB, [])),
    publisher: { path, name: entry, images: images.map(compileGlob), doesNot },
  };
}

/** The server whose accounts the presets name. */
export const GITHUB = "https://github.com";

/** As the default has it (RULES R5), with the numbers of the owner: the repository's own workflows, or a known builder that they call. */
function ownedEntries(
  { owner, "owner-id": ownerId, images }: z.output<typeof ownersRepositories>["github-actions"],
  presets: readonly BuilderPreset[],
): readonly BuilderEntry[] {
  const github = {
    repository: `${owner}/{repo}`,
    "owner-id": ownerId,
    refs: ["refs/tags/**", "default-branch"],
  };
  const own = ["refs/tags/**", "refs/heads/**"].map((ref) => `${owner}/{repo}/.github/workflows/*@${ref}`);
  return [
    ...own.map((workflow) => builderEntry.parse({ images, github: { ...github, workflow }, level: 2, builds: true })),
    ...(presets.length === 0 ? [] : [builderEntry.parse({ images, github })]),
  ];
}
