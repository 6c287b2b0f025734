import { buildLevelOf, buildLevelText, trackOf, UNEVALUATED } from "../attestation/vsa.ts";
import type { JudgedNode } from "./verdict.ts";

/**
 * How many images below those asked about there are at each level of SLSA's build track, by the level's name there: each once, at the
 * best that was found of it. Level 0 is a finding, that of what isn't attested; what policy doesn't judge, and what couldn't be looked
 * at, has none, and a name of its own. One that was asked about is none of them, unless another is built from it.
 *
 * What lies below a summary is counted as the summary counts it: which images those are it doesn't say, so that one that is also
 * reached otherwise counts twice; more of the same level, never one that is too high (docs/decisions/0025).
 *
 * @see SLSA VSA v1.2, `dependencyLevels`
 */
export function dependencyLevels(
  concerned: readonly JudgedNode[],
  subjects: readonly string[],
): Readonly<Record<string, number>> {
  const named = new Set(concerned.flatMap(({ parents }) => parents.map(({ to }) => to)));
  const best = new Map<string, number>();
  for (const node of concerned) {
    const { id, digest, finding } = node;
    if (finding.kind === "scratch" || (subjects.includes(id) && !named.has(id))) continue;
    best.set(digest ?? id, Math.max(wasEvaluated(node) ? node.level : -1, best.get(digest ?? id) ?? -1));
  }
  const counts = new Map<string, number>();
  const count = (level: string, images: number) => {
    if (images > 0) counts.set(level, (counts.get(level) ?? 0) + images);
  };
  for (const level of best.values()) count(level < 0 ? UNEVALUATED : buildLevelText(level), 1);
  for (const { summary } of concerned) {
    for (const [level, images] of Object.entries(summary?.summary.dependencyLevels ?? {})) {
      // Nothing is said of other tracks: of the images that we judged ourselves they aren't known.
      if (trackOf(level) === "BUILD") count(buildLevelOf(level) === undefined ? UNEVALUATED : level, images);
    }
  }
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? 1 : -1)));
}

/** Whether anything was looked at that a level could be given for. */
function wasEvaluated({ finding: { kind } }: JudgedNode): boolean {
  return !["pinned", "allowed", "unreachable", "limit", "unresolved"].includes(kind);
}
