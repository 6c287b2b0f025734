import type { Descriptor } from "../image/descriptor.ts";
import { type LayerFacts, layerKey } from "./layer-facts.ts";
import type { CouldNotLookCode } from "./ports.ts";
import type { ImageNode } from "./resolve.ts";

/**
 * Whether a base is really under an image (RULES R21).
 *
 * Uncompressed digests decide: recompression and mirrors change the compressed ones. Where only the uncompressed ones agree the seam
 * rests on two configs' word until somebody looks into the layers of both.
 */
export type Seam =
  | { readonly kind: "proven" }
  | { readonly kind: "claimed"; readonly reason: string }
  /** The image's diff_ids don't begin with the base's. */
  | { readonly kind: "contradicted" }
  /** They do, and a layer of one of the two doesn't hold what its config says. */
  | { readonly kind: "false"; readonly reason: string }
  /** A layer of the image isn't in its repository. */
  | { readonly kind: "absent"; readonly reason: string }
  | { readonly kind: "unreachable"; readonly code: CouldNotLookCode; readonly reason: string };

/**
 * @param facts - What was found in layers.
 * @returns undefined if the base has no layers: then it is a parent, and no evidence of what lies under the image.
 */
export function seamBetween(image: ImageNode, base: ImageNode, facts: LayerFacts): Seam | undefined {
  const under = base.config.diffIds;
  if (under.length === 0) return undefined;
  if (!isUnder(image, base)) return { kind: "contradicted" };
  const differing = differingLayers(image, base);
  const found = differing.flatMap((position) => [
    contentOf(image, position, facts, true),
    contentOf(base, position, facts, false),
  ]);
  const worst = (["false", "absent", "unreachable", "claimed"] as const)
    .map((kind) => found.find((each) => each.kind === kind))
    .find((each) => each !== undefined);
  return worst ?? { kind: "proven" };
}

/** Whether the image's diff_ids begin with those of the base, and there are any. */
export function isUnder(image: ImageNode, base: ImageNode): boolean {
  const under = base.config.diffIds;
  return under.length > 0 && under.every((diffId, i) => diffId === image.config.diffIds[i]);
}

/** Where the two have the same content by their configs, and not the same bytes: the positions of those layers. */
export function differingLayers(image: ImageNode, base: ImageNode): readonly number[] {
  return base.manifest.layers.flatMap(({ digest }, i) => (digest === image.manifest.layers[i]?.digest ? [] : [i]));
}

/** Of several candidates the ones with the most layers that are a prefix of the image's: its immediate base, or several alike. */
export function longestPrefix<T extends { readonly node: ImageNode }>(
  image: ImageNode,
  candidates: readonly T[],
): readonly T[] {
  const under = candidates.filter(({ node }) => isUnder(image, node));
  const longest = Math.max(0, ...under.map(({ node }) => node.config.diffIds.length));
  return under.filter(({ node }) => node.config.diffIds.length === longest);
}

/** @param isOwn - Whether it is the image's own layer, without which it can't run, rather than one of the base. */
function contentOf(node: ImageNode, position: number, facts: LayerFacts, isOwn: boolean): Seam {
  const layer = node.manifest.layers[position] as Descriptor;
  const diffId = node.config.diffIds[position];
  const name = isOwn ? `its layer ${layer.digest}` : `layer ${layer.digest} of its base ${node.image.digest}`;
  const fact = facts.get(layerKey(node, layer));
  switch (fact?.kind) {
    case undefined:
      return { kind: "claimed", reason: `${name} was not looked into` };
    case "unpacked": {
      if (fact.contentDigest === diffId) return { kind: "proven" };
      return { kind: "false", reason: `${name} holds ${fact.contentDigest}, and the config says ${diffId}` };
    }
    case "broken":
      return { kind: "false", reason: `${name} can't be unpacked (${fact.reason}), and the config says ${diffId}` };
    case "absent": {
      const reason = `${name}: the repository can be read and doesn't hold it`;
      return isOwn ? { kind: "absent", reason } : { kind: "claimed", reason };
    }
    case "closed":
      return { kind: "claimed", reason: fact.reason };
    case "unreachable":
      return { kind: "unreachable", code: fact.code, reason: fact.reason };
  }
}
