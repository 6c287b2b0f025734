import type { DockerfileReading, ImageUse, Stage, UseRole } from "../image/dockerfile/reading.ts";
import { formatPlatform, type Platform } from "../image/platform.ts";
import { formatReference, type ImageReference } from "../image/reference.ts";
import type { Policy, RoleRule } from "./policy.ts";

/** How many images one forecast looks at, over all platforms; as many as a walk does. */
export const MAX_PARENTS = 512;

/** What a Dockerfile says for one platform. */
export interface PlatformReading {
  /** That is built for. */
  readonly platform: Platform;
  readonly reading: DockerfileReading;
}

/** An image that would go in, before anything is known of it. */
export interface NamedParent {
  /** As the file has it after expansion. */
  readonly reference: ImageReference;
  /** What it will be to the image (RULES R19): the base of a stage from which only files are taken is an input. */
  readonly role: UseRole;
  readonly platform: Platform;
  /** Everywhere it is used. */
  readonly uses: readonly ImageUse[];
  /** What policy asks of the role; of a base always the most. */
  readonly rule: RoleRule;
  /** Whether the file names it by digest. */
  readonly isPinned: boolean;
}

/** Every image that is reached, each once for each platform and role, in the order of the file; and the uses that are too many. */
export function parentsNamed(
  policy: Pick<Policy, "roles">,
  readings: readonly PlatformReading[],
): { readonly parents: readonly NamedParent[]; readonly beyond: readonly ImageUse[] } {
  const parents = new Map<string, NamedParent>();
  const beyond: ImageUse[] = [];
  for (const { reading } of readings) {
    const isUnder = baseUses(reading);
    for (const use of reading.images) {
      if (!use.isReached) continue;
      const role = use.role === "base" && !isUnder(use) ? "input" : use.role;
      const key = keyOf(use, role);
      const before = parents.get(key);
      if (before !== undefined) parents.set(key, { ...before, uses: withUse(before.uses, use) });
      else if (parents.size >= MAX_PARENTS) beyond.push(use);
      else {
        const { reference, platform } = use;
        const rule = role === "base" ? "attested" : policy.roles[role];
        parents.set(key, { reference, role, platform, uses: [use], rule, isPinned: reference.digest !== undefined });
      }
    }
  }
  return { parents: [...parents.values()], beyond };
}

/** A frontend runs on the builder, whose platform no Dockerfile tells: it is one parent for all that are built. */
function keyOf({ reference, platform }: ImageUse, role: UseRole): string {
  return JSON.stringify([formatReference(reference), role, role === "frontend" ? "" : formatPlatform(platform)]);
}

function withUse(uses: readonly ImageUse[], use: ImageUse): readonly ImageUse[] {
  return uses.some(({ line, by, stage }) => line === use.line && by === use.by && stage === use.stage)
    ? uses
    : [...uses, use];
}

/**
 * Which `FROM` lies under the result: that of the stage on which the target stands. Of other stages only files are taken, so that
 * their images are inputs, as the provenance will have it (RULES R19). Where it can't be told, every one counts as a base, of which
 * most is asked.
 */
function baseUses({ stages, target, images }: DockerfileReading): (use: ImageUse) => boolean {
  const everyOne = () => true;
  const named = stages.filter(
    ({ name, index }) => name?.toLowerCase() === target.toLowerCase() || `${index}` === target,
  );
  let [stage] = named;
  if (named.length !== 1 || stage === undefined) return everyOne;
  for (let from = stage.from; from !== undefined; from = stage.from) {
    const under: Stage | undefined = stages.find(({ index }) => index === from);
    // Each stands on an earlier one, so that this ends.
    if (under === undefined || under.index >= stage.index) return everyOne;
    stage = under;
  }
  const { line, isScratch } = stage;
  const isUnder = (use: ImageUse) => use.line === line;
  return isScratch || images.some((use) => use.role === "base" && isUnder(use)) ? isUnder : everyOne;
}
