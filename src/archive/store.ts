import type { Digest } from "../image/digest.ts";
import { ImageFormatError, parseManifest } from "../image/manifest.ts";
import type { PinnedImage } from "../image/reference.ts";
import { storedLayer } from "../layer/stored-layer.ts";
import type { AttestationListing, AttestationSource, ImageReader, LayerReader } from "../trust/ports.ts";
import { BeyondLimit, CouldNotLook } from "../trust/ports.ts";
import { listInLayout } from "./attestations.ts";
import type { Layout } from "./layout.ts";

/** Indexes inside indexes, as deep as the walk goes. */
const MAX_DEPTH = 4;

/**
 * Reads images from a layout, and what it doesn't hold from elsewhere: ancestors are seldom saved beside an image.
 *
 * Of the image asked about nothing is fetched: what is on disk is judged by what is on disk, so that the answer is the same on a
 * machine without a network.
 *
 * @param subject - The image asked about.
 * @param elsewhere - Where ancestors are looked up that the layout doesn't hold.
 */
export async function createStore(
  layout: Layout,
  subject: Digest,
  elsewhere: ImageReader & AttestationSource & { readonly layers: LayerReader },
): Promise<ImageReader & AttestationSource & LayerReader> {
  const own = await manifestsUnder(layout, subject);
  const mediaTypes = new Map(layout.entries.map(({ digest, mediaType }) => [digest, mediaType]));
  const missing = (what: string) =>
    new CouldNotLook("offline", `read ${what} of ${layout.place}: it isn't in it; save the image whole`);
  return {
    readManifest: async (image) => {
      const bytes = await layout.readManifest(image.digest);
      // What index.json says of it is one more voice that has to agree (RULES R23).
      if (bytes !== undefined) return { bytes, contentType: mediaTypes.get(image.digest) ?? "" };
      if (own.has(image.digest)) throw missing(`manifest ${image.digest}`);
      return elsewhere.readManifest(image);
    },
    readBlob: async (image, digest, limit) => {
      const bytes = await layout.readBlob(digest, limit);
      if (bytes !== undefined) return bytes;
      if (own.has(image.digest)) throw missing(`content ${digest}`);
      return elsewhere.readBlob(image, digest, limit);
    },
    unpackLayer: async (image, layer, algorithm, limit) => {
      const what = `layer ${layer.digest}`;
      if (layer.size > limit) throw new BeyondLimit(`${what} of ${layout.place}: more than ${limit} bytes`);
      const stored = storedLayer(layer, algorithm, limit);
      const came = await layout.pourBlob(layer.digest, layer.size, stored.write);
      const unpacked = await stored.end();
      if (came === "absent") {
        if (own.has(image.digest)) throw missing(what);
        return elsewhere.layers.unpackLayer(image, layer, algorithm, limit);
      }
      if (unpacked === undefined) {
        throw new CouldNotLook(
          "digest-mismatch",
          `read ${what} in ${layout.place}: what lies there has another digest or size; copy or save the image again`,
        );
      }
      if (unpacked === "beyond") throw new BeyondLimit(`${what} of ${layout.place}: it holds more than ${limit} bytes`);
      return unpacked;
    },
    listAttestations: async (image) => {
      const here = await listInLayout(layout, image);
      return own.has(image.digest) ? here : join(here, await listElsewhere(elsewhere, image));
    },
  };
}

async function listElsewhere(elsewhere: AttestationSource, image: PinnedImage): Promise<AttestationListing> {
  try {
    return await elsewhere.listAttestations(image);
  } catch (error) {
    if (!(error instanceof CouldNotLook)) throw error;
    return { candidates: [], omitted: 0, failures: [error] };
  }
}

/** What lies on disk first: it costs nothing. */
function join(one: AttestationListing, other: AttestationListing): AttestationListing {
  return {
    candidates: [...one.candidates, ...other.candidates],
    omitted: one.omitted + other.omitted,
    failures: [...one.failures, ...other.failures],
  };
}

/** The image and, of an index, all that it lists, whether the layout holds it or not; and what in the layout refers to any of them. */
async function manifestsUnder(layout: Layout, subject: Digest): Promise<ReadonlySet<Digest>> {
  const { referrers } = await layout.contents();
  const found = new Set<Digest>([subject]);
  let level: readonly Digest[] = [subject];
  for (let depth = 0; depth <= MAX_DEPTH && level.length > 0; depth++) {
    const below = await Promise.all(
      level.map(async (digest) => [
        ...(await entriesOf(layout, digest)),
        ...(referrers.get(digest) ?? []).map((referrer) => referrer.digest),
      ]),
    );
    level = below.flat().filter((digest) => !found.has(digest) && found.add(digest));
  }
  return found;
}

async function entriesOf(layout: Layout, digest: Digest): Promise<readonly Digest[]> {
  try {
    const bytes = await layout.readManifest(digest);
    const document = bytes === undefined ? undefined : parseManifest(bytes, {});
    return document?.kind === "index" ? document.manifests.map((entry) => entry.digest) : [];
  } catch (error) {
    // Whatever is wrong with it is found again, and told, when it is judged.
    if (error instanceof ImageFormatError || error instanceof CouldNotLook || error instanceof BeyondLimit) return [];
    throw error;
  }
}
