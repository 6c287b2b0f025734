import type { Digest } from "../image/digest.ts";
import type { FeedShelf } from "../trust/ports.ts";

/** How much of feeds is kept, in bytes: policies of strangers name them too. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Keeps feeds of roots as long as the process runs; those that weren't asked for the longest give way first. What one tenant's policy made it
 * keep answers another's only for the same address and signer, and is verified anew.
 */
export function createFeedShelf(maxBytes = MAX_BYTES): FeedShelf {
  const kept = new Map<Digest, Uint8Array>();
  let size = 0;
  const remove = (key: Digest) => {
    size -= kept.get(key)?.length ?? 0;
    kept.delete(key);
  };
  return {
    async readFeed(key) {
      const bytes = kept.get(key);
      if (bytes === undefined) return undefined;
      kept.delete(key);
      kept.set(key, bytes);
      return bytes;
    },
    async keepFeed(key, bytes) {
      remove(key);
      if (bytes.length > maxBytes) return;
      for (const oldest of kept.keys()) {
        if (size + bytes.length <= maxBytes) break;
        remove(oldest);
      }
      kept.set(key, bytes);
      size += bytes.length;
    },
  };
}
