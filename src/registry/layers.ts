import type { Descriptor } from "../image/descriptor.ts";
import type { DigestAlgorithm } from "../image/digest.ts";
import type { PinnedImage } from "../image/reference.ts";
import { storedLayer } from "../layer/stored-layer.ts";
import { BeyondLimit, type LayerReader, type UnpackedLayer } from "../trust/ports.ts";
import type { RepositoryAccess } from "./access.ts";
import { unexpected } from "./access.ts";
import { absent } from "./content.ts";
import { RegistryError } from "./error.ts";

/** How long one layer may take to come, in milliseconds: two gigabytes don't in the time of an ordinary request. */
const LAYER_TIMEOUT_MS = 60_000;

/** Wrong bytes are asked for once more (RULES R23). */
const TRIES_FOR_WRONG_BYTES = 2;

/**
 * Unpacks layers as they come, without keeping them; each once, wherever it is asked for, since its digest says what it is.
 *
 * @param timeoutMs - For each layer. What comes slower is beyond a limit, as what is larger; what doesn't come at all is a failure to look.
 */
export function createLayerReader(access: RepositoryAccess, timeoutMs = LAYER_TIMEOUT_MS): LayerReader {
  const known = new Map<string, UnpackedLayer & { readonly kind: "unpacked" }>();
  const running = new Map<string, Promise<unknown>>();

  const unpackLayer: LayerReader["unpackLayer"] = async (image, layer, algorithm, limit) => {
    const key = `${layer.digest} ${layer.mediaType} ${algorithm}`;
    for (let other = running.get(key); other !== undefined; other = running.get(key)) await other;
    const before = known.get(key);
    if (before !== undefined && before.size <= limit) return before;
    const asked = fetchLayer(image, layer, algorithm, limit);
    running.set(
      key,
      asked.catch(() => undefined),
    );
    try {
      const unpacked = await asked;
      if (unpacked?.kind === "unpacked") known.set(key, unpacked);
      return unpacked;
    } finally {
      running.delete(key);
    }
  };

  const fetchLayer = async (
    image: PinnedImage,
    layer: Descriptor,
    algorithm: DigestAlgorithm,
    limit: number,
  ): Promise<UnpackedLayer | undefined> => {
    const what = `layer ${layer.digest}`;
    const where = `${image.registry}/${image.repository}`;
    if (layer.size > limit) throw new BeyondLimit(`${what} of ${where}: more than ${limit} bytes`);
    for (let tries = 0; tries < TRIES_FOR_WRONG_BYTES; tries += 1) {
      // Begun anew with each try of the transport.
      let stored = storedLayer(layer, algorithm, limit);
      try {
        const answer = await access.send(image, {
          method: "GET",
          target: `blobs/${layer.digest}`,
          action: "pull",
          // One byte more shows that there is more than the manifest says; the rest isn't waited for.
          limit: layer.size,
          timeoutMs,
          what,
          sink: () => {
            const own = storedLayer(layer, algorithm, limit);
            stored = own;
            return own.write;
          },
        });
        if (answer.status === 404) return absent(access, image, what);
        if (answer.status !== 200) throw unexpected(image, what, answer, "200 or 404");
      } catch (error) {
        if (error instanceof RegistryError && error.code === "timeout" && stored.size > 0) {
          throw new BeyondLimit(`${what} of ${where}: it didn't come whole in ${timeoutMs / 1000} seconds`, {
            cause: error,
          });
        }
        if (error instanceof BeyondLimit) continue;
        throw error;
      }
      const unpacked = await stored.end();
      if (unpacked === undefined) continue;
      access.noteRead(image);
      if (unpacked === "beyond") throw new BeyondLimit(`${what} of ${where}: it holds more than ${limit} bytes`);
      return unpacked;
    }
    throw new RegistryError(
      "digest-mismatch",
      `${what} of ${where}: twice the bytes that came don't have that digest and size; ask the registry's operator`,
    );
  };
  return { unpackLayer };
}
