import type { PinnedImage } from "../image/reference.ts";
import { nameOf } from "./answered-ports.ts";
import type { AttestationCandidate, AttestationListing, AttestationSource } from "./ports.ts";

/** Most bytes of attestations that are kept; what goes beyond is read anew by whoever asks again. */
const MAX_KEPT_BYTES = 64 * 1024 * 1024;

/**
 * Asks for each image once: whoever asks again, beside the verdict, is told what the walk was told, and also that something couldn't be
 * looked at. An attestation that appears between the two would otherwise be among the facts of a verdict that didn't know it.
 */
export function keepListings(source: AttestationSource): AttestationSource {
  const listings = new Map<string, Promise<AttestationListing>>();
  let left = MAX_KEPT_BYTES;
  const kept = ({ where, read }: AttestationCandidate): AttestationCandidate => {
    let before: ReturnType<AttestationCandidate["read"]> | undefined;
    const readOnce = async () => {
      const items = await read();
      const size = items.reduce((sum, item) => sum + (item.kind === "bundle" ? sizeOf(item) : 0), 0);
      if (size > left) before = undefined;
      else left -= size;
      return items;
    };
    return {
      where,
      read: () => {
        before ??= readOnce();
        return before;
      },
    };
  };
  const list = async (image: PinnedImage): Promise<AttestationListing> => {
    const listing = await source.listAttestations(image);
    return { ...listing, candidates: listing.candidates.map(kept) };
  };
  return {
    listAttestations: (image) => {
      const key = nameOf(image);
      const before = listings.get(key) ?? list(image);
      listings.set(key, before);
      return before;
    },
  };
}

function sizeOf({ bytes, artifact }: { readonly bytes?: Uint8Array; readonly artifact?: Uint8Array }): number {
  return (bytes?.length ?? 0) + (artifact?.length ?? 0);
}
