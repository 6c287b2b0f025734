import pLimit from "p-limit";
import type { Descriptor } from "../image/descriptor.ts";
import { algorithmOf, type Digest } from "../image/digest.ts";
import { isForeignLayerType } from "../image/media-type.ts";
import { BeyondLimit, CouldNotLook, type CouldNotLookCode, type LayerReader } from "./ports.ts";
import type { ImageNode } from "./resolve.ts";

/** How much of one image is unpacked, in bytes of content (RULES R21). */
const MAX_UNPACKED_BYTES = 2 * 1024 ** 3;
/** How many images are unpacked side by side: each is a processor's work. */
const CONCURRENCY = 2;

/** What became of looking into one layer. */
export type LayerFact =
  /** Its content has this digest. */
  | { readonly kind: "unpacked"; readonly contentDigest: Digest }
  /** What is stored can't be unpacked by anyone. */
  | { readonly kind: "broken"; readonly reason: string }
  /** The repository can be read and doesn't hold it. */
  | { readonly kind: "absent" }
  /** It can't be looked into, or not by us, or not within the limits. */
  | { readonly kind: "closed"; readonly reason: string }
  | { readonly kind: "unreachable"; readonly code: CouldNotLookCode; readonly reason: string };

/** By {@link layerKey}. A layer that isn't there wasn't looked into. */
export type LayerFacts = ReadonlyMap<string, LayerFact>;

/** A layer of an image: what stands in its place depends on the image too, whose repository is read and whose limit it counts for. */
export function layerKey({ image }: ImageNode, { digest }: Descriptor): string {
  return `${image.registry}/${image.repository}@${image.digest} ${digest}`;
}

/** One image and those of its layers whose content matters, by position. */
export interface LayersWanted {
  readonly node: ImageNode;
  readonly positions: readonly number[];
}

/**
 * Looks into layers. What can't be looked into is told, not thrown: what it means depends on whose layer it is (RULES R21).
 *
 * @param wanted - An image may stand in it several times.
 */
export async function lookIntoLayers(reader: LayerReader, wanted: readonly LayersWanted[]): Promise<LayerFacts> {
  const facts = new Map<string, LayerFact>();
  const limit = pLimit(CONCURRENCY);
  const byImage = Map.groupBy(wanted, ({ node: { image } }) => `${image.registry}/${image.repository}@${image.digest}`);
  await Promise.all(
    [...byImage.values()].map((parts) =>
      limit(async () => {
        const [first] = parts;
        if (first === undefined) return;
        const positions = [...new Set(parts.flatMap((part) => part.positions))].sort((a, b) => a - b);
        let left = MAX_UNPACKED_BYTES;
        for (const position of positions) {
          const { fact, size } = await lookInto(reader, first.node, position, left);
          left -= size;
          const layer = first.node.manifest.layers[position];
          if (layer !== undefined) facts.set(layerKey(first.node, layer), fact);
        }
      }),
    ),
  );
  return facts;
}

async function lookInto(
  reader: LayerReader,
  node: ImageNode,
  position: number,
  limit: number,
): Promise<{ readonly fact: LayerFact; readonly size: number }> {
  const layer = node.manifest.layers[position];
  const diffId = node.config.diffIds[position];
  const of = (fact: LayerFact, size = 0) => ({ fact, size });
  if (layer === undefined || diffId === undefined) return of({ kind: "absent" });
  try {
    const unpacked = await reader.unpackLayer(node.image, layer, algorithmOf(diffId), limit);
    // Of the registry alone: the addresses in `urls` were chosen by whoever wrote the manifest, and are asked for nothing.
    if (unpacked === undefined) {
      const isForeign = isForeignLayerType(layer.mediaType) || (layer.urls ?? []).length > 0;
      const reason = `${layer.digest} is a foreign layer, and the repository doesn't hold it`;
      return of(isForeign ? { kind: "closed", reason } : { kind: "absent" });
    }
    switch (unpacked.kind) {
      case "unpacked":
        return of({ kind: "unpacked", contentDigest: unpacked.contentDigest }, unpacked.size);
      case "broken":
        return of({ kind: "broken", reason: unpacked.reason });
      case "unknown":
        return of({ kind: "closed", reason: `${layer.digest}: ${unpacked.reason}` });
    }
  } catch (error) {
    if (error instanceof BeyondLimit) return of({ kind: "closed", reason: error.message }, limit);
    if (error instanceof CouldNotLook) return of({ kind: "unreachable", code: error.code, reason: error.message });
    throw error;
  }
}
