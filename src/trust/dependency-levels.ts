import { buildLevelOf, trackOf } from "../attestation/vsa.ts";
import type { JudgedNode } from "./verdict.ts";

/**
 * How many images below those asked about there are at each level: each once, at the best that was found of it; what isn't attested,
 * or isn't judged, at 0. One that was asked about is none of them, unless another is built from it. What lies below a summary is counted
 * as the summary counts it: which images those are it doesn't say.
 *
 * @see SLSA VSA v1, `dependencyLevels`
 */
export function dependencyLevels(
  concerned: readonly JudgedNode[],
  subjects: readonly string[],
): Readonly<Record<number, number>> {
  const named = new Set(concerned.flatMap(({ parents }) => parents.map(({ to }) => to)));
  const best = new Map<string, number>();
  for (const { id, digest, level, finding } of concerned) {
    if (finding.kind === "scratch" || (subjects.includes(id) && !named.has(id))) continue;
    best.set(digest ?? id, Math.max(level, best.get(digest ?? id) ?? 0));
  }
  const levels: Record<number, number> = {};
  const count = (level: number, images: number) => {
    if (images > 0) levels[level] = (levels[level] ?? 0) + images;
  };
  for (const level of best.values()) count(level, 1);
  for (const { summary } of concerned) {
    for (const [level, images] of Object.entries(summary?.summary.dependencyLevels ?? {}))
      if (trackOf(level) === "BUILD") count(buildLevelOf(level) ?? 0, images);
  }
  return levels;
}
