import { createHash } from "node:crypto";
import type { Descriptor } from "../image/descriptor.ts";
import { algorithmOf, type DigestAlgorithm, hexOf } from "../image/digest.ts";
import type { UnpackedLayer } from "../trust/ports.ts";
import { unpacking } from "./unpacking.ts";

/** One transfer of a layer's stored bytes, from wherever they come. */
export interface StoredLayer {
  /** The next piece, in order. */
  write(piece: Uint8Array): Promise<void>;
  /** How much came so far, in bytes. */
  readonly size: number;
  /**
   * @returns undefined if these bytes aren't the layer's: then what is in them says nothing, not even that it is broken or too much
   * (RULES R23). `beyond` if the layer holds more than the limit.
   */
  end(): Promise<UnpackedLayer | "beyond" | undefined>;
}

/**
 * Unpacks a layer as it comes, without keeping it.
 *
 * @param algorithm - By which the content is to be hashed.
 * @param limit - Of the content, in bytes.
 */
export function storedLayer(layer: Descriptor, algorithm: DigestAlgorithm, limit: number): StoredLayer {
  const stored = createHash(algorithmOf(layer.digest));
  const content = unpacking(layer.mediaType, algorithm, limit);
  let size = 0;
  return {
    write: async (piece) => {
      size += piece.length;
      stored.update(piece);
      await content.write(piece);
    },
    get size() {
      return size;
    },
    end: async () => {
      const unpacked = await content.end();
      return size === layer.size && stored.digest("hex") === hexOf(layer.digest) ? unpacked : undefined;
    },
  };
}
