import type { ImageNode } from "./resolve.ts";

/**
 * Whether a base is really under an image (RULES R21).
 *
 * Uncompressed digests decide: recompression and mirrors change the compressed ones. Where only the uncompressed ones agree the seam
 * rests on two configs' word, and is `claimed`.
 */
export type Seam = "proven" | "claimed" | "contradicted";

/** @returns undefined if the base has no layers: then it is a parent, and no evidence of what lies under the image. */
export function seamBetween(image: ImageNode, base: ImageNode): Seam | undefined {
  const under = base.config.diffIds;
  if (under.length === 0) return undefined;
  const isPrefix = under.every((diffId, i) => diffId === image.config.diffIds[i]);
  if (!isPrefix) return "contradicted";
  return base.manifest.layers.every(({ digest }, i) => digest === image.manifest.layers[i]?.digest)
    ? "proven"
    : "claimed";
}

/** Of several candidates the ones with the most layers that are a prefix of the image's: its immediate base, or several alike. */
export function longestPrefix<T extends { readonly node: ImageNode }>(
  image: ImageNode,
  candidates: readonly T[],
): readonly T[] {
  const under = candidates.filter(({ node }) => {
    const seam = seamBetween(image, node);
    return seam === "proven" || seam === "claimed";
  });
  const longest = Math.max(0, ...under.map(({ node }) => node.config.diffIds.length));
  return under.filter(({ node }) => node.config.diffIds.length === longest);
}
