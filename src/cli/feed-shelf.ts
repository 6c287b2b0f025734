import { hexOf } from "../image/digest.ts";
import { printable } from "../report/printable.ts";
import { openPrivateDirectory, readPrivateFile, writePrivateFile } from "../sigstore/private-file.ts";
import { MAX_FEED_BYTES } from "../trust/feed-reading.ts";
import type { FeedShelf } from "../trust/ports.ts";
import { cacheDirectory } from "./trust.ts";
import type { Surroundings } from "./walk.ts";

/** Keeps feeds of roots in the user's cache. What others could have written there isn't read; what can't be kept is told on standard error. */
export function feedShelf(surroundings: Surroundings): FeedShelf {
  const directory = cacheDirectory("feeds", surroundings);
  const nameOf = (key: Parameters<typeof hexOf>[0]) => `${hexOf(key)}.json`;
  return {
    async readFeed(key) {
      return directory && readPrivateFile(directory, nameOf(key), MAX_FEED_BYTES);
    },
    async keepFeed(key, bytes) {
      if (directory === undefined) return;
      try {
        const opened = await openPrivateDirectory(directory.path, directory.owner);
        const before = await readPrivateFile(opened, nameOf(key), MAX_FEED_BYTES);
        if (before === undefined || Buffer.compare(before, bytes) !== 0)
          await writePrivateFile(opened, nameOf(key), bytes);
      } catch (error) {
        const words = `keep the roots feed in ${directory.path}: ${(error as Error).message}; an older one will not be known for what it is`;
        surroundings.stderr.write(`trusted-builds: warning: ${printable(words)}\n`);
      }
    },
  };
}
