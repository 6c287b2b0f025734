import type { VerdictDocument } from "./json.ts";
import { printable } from "./printable.ts";

/** Kinds of findings that policy leaves unjudged. */
const NOT_JUDGED: readonly string[] = ["pinned", "allowed"];

/** `3 images down to scratch, level 3`: how far a trusted ancestry goes, over all platforms that count. */
export function extentOf({ nodes, platforms, level }: VerdictDocument): string {
  const counting = platforms.filter(({ counts }) => counts);
  const concerned = reachedFrom(
    counting.map(({ node }) => node),
    nodes,
  );
  const images = new Set(
    concerned
      .filter(({ finding }) => !NOT_JUDGED.includes(finding.kind))
      .map(({ index, digest, reference }) => index ?? digest ?? reference),
  );
  const roots = new Set(
    concerned.filter(({ finding }) => finding.kind === "root").map(({ index, digest, id }) => index ?? digest ?? id),
  );
  const summaries = concerned.filter(({ finding }) => finding.kind === "summarised").length;
  const endsInScratch = concerned.some(({ fromScratch, finding }) => fromScratch || finding.kind === "scratch");
  const ends = [
    ...(endsInScratch ? ["scratch"] : []),
    ...(roots.size === 0 ? [] : [several(roots.size, "named root")]),
    ...(summaries === 0 ? [] : [`${summaries} verifier's summar${summaries === 1 ? "y" : "ies"}`]),
  ];
  const unjudged = concerned.filter(({ finding }) => NOT_JUDGED.includes(finding.kind)).length;
  return [
    `${several(images.size, "image")}${ends.length === 0 ? "" : ` down to ${ends.join(" and ")}`}`,
    ...(counting.length > 1 ? [several(counting.length, "platform")] : []),
    ...(unjudged === 0 ? [] : [`${unjudged} not judged by policy`]),
    `level ${level}`,
  ].join(", ");
}

/** `trusted on linux/amd64, untrusted on linux/arm64 (policy doesn't judge it)`; undefined where there is one platform. */
export function platformWords({ platforms }: VerdictDocument): string | undefined {
  if (platforms.length < 2) return undefined;
  return platforms
    .map(
      ({ platform, verdict, counts }) =>
        `${verdict} on ${platform === null ? "an unknown platform" : printable(platform)}${counts ? "" : " (policy doesn't judge it)"}`,
    )
    .join(", ");
}

/** `1 image`, `3 images`. */
export function several(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function reachedFrom(from: readonly string[], nodes: VerdictDocument["nodes"]): VerdictDocument["nodes"] {
  const parents = new Map(nodes.map((node) => [node.id, node.parents]));
  const reached = new Set(from);
  for (const id of reached) {
    for (const { node } of parents.get(id) ?? []) reached.add(node);
  }
  return nodes.filter(({ id }) => reached.has(id));
}
