import { lstat, readdir, rm, utimes } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { digestOf, hexOf } from "../image/digest.ts";
import type { ContentKey, ContentStore } from "../registry/content-cache.ts";
import {
  openPrivateDirectory,
  type PrivateDirectory,
  readPrivateFile,
  writePrivateFile,
} from "../sigstore/private-file.ts";
import { UsageError } from "./exit-code.ts";
import { cacheDirectory } from "./trust.ts";
import type { Surroundings } from "./walk.ts";

/** How much is kept, in bytes: some thousand images' manifests, configs and bundles. */
const MAX_KEPT_BYTES = 256 * 1024 * 1024;
/** What is left of it when the least recently used goes: not every new file has to make room. */
const SHARE_LEFT = 0.75;
/** Largest share of it that one thing may take. */
const SHARE_OF_ONE = 1 / 8;
/** How old a draft is whose writer has died, in milliseconds. */
const DEAD_DRAFT_MS = 60 * 60 * 1000;

/**
 * Content in a directory of this user's own, shared by all processes that he runs: each file is written whole under its final name, and
 * any of them may vanish at any time. What is read is hashed again by whoever asked; nothing here is believed.
 *
 * @param warn - Told once that the directory can't be used, where it can't: then nothing is kept.
 * @param limit - in bytes. Processes that write at the same time may exceed it by what they write; the next one mends that.
 */
export function openDiskCache(
  place: PrivateDirectory,
  warn: (line: string) => void,
  limit: number = MAX_KEPT_BYTES,
): ContentStore {
  let opened: Promise<PrivateDirectory | undefined> | undefined;
  let total: Promise<number> | undefined;
  let isBroken = false;

  const giveUp = (error: unknown): undefined => {
    if (!isBroken) warn(`nothing is kept for the next time: ${(error as Error).message}; --no-cache keeps silent`);
    isBroken = true;
  };
  const directory = () => {
    opened ??= openPrivateDirectory(place.path, place.owner).catch(giveUp);
    return opened;
  };

  /** @returns how many bytes are left after the least recently used are gone. */
  const makeRoom = async (): Promise<number> => {
    const files = (await Promise.all((await readdir(place.path)).map((name) => fileIn(place.path, name)))).flat();
    let size = files.reduce((sum, file) => sum + file.size, 0);
    const isFull = size > limit;
    for (const file of files.sort((one, other) => one.usedAt - other.usedAt)) {
      const isDead = file.isDraft && Date.now() - file.usedAt > DEAD_DRAFT_MS;
      if (!isDead && (!isFull || file.isDraft || size <= limit * SHARE_LEFT)) continue;
      await rm(file.path, { force: true });
      size -= file.size;
    }
    return size;
  };

  return {
    async readContent(key, atMost) {
      const found = await directory();
      if (found === undefined) return undefined;
      const bytes = await readPrivateFile(found, nameOf(key), atMost);
      if (bytes === undefined) return undefined;
      const now = new Date();
      // Which was used last; where that can't be written it goes by when it came.
      await utimes(join(found.path, nameOf(key)), now, now).catch(() => {});
      return bytes;
    },
    async keepContent(key, bytes) {
      if (isBroken || bytes.length > limit * SHARE_OF_ONE) return;
      const found = await directory();
      if (found === undefined) return;
      try {
        total ??= makeRoom();
        await total;
        await writePrivateFile(found, nameOf(key), bytes);
        total = total.then((before) => (before + bytes.length > limit ? makeRoom() : before + bytes.length));
        await total;
      } catch (error) {
        giveUp(error);
      }
    },
  };
}

/** What earlier walks of this user read; where it is, or whether, `TRUSTED_BUILDS_CACHE` says. @throws {UsageError} */
export function keptContent(
  surroundings: Pick<Surroundings, "env" | "homeDirectory">,
  warn: (line: string) => void,
): ContentStore | undefined {
  const { TRUSTED_BUILDS_CACHE: wish } = surroundings.env;
  const usual = cacheDirectory("content", surroundings);
  if (wish === "off" || usual === undefined) return undefined;
  if (wish && !isAbsolute(wish))
    throw new UsageError(`TRUSTED_BUILDS_CACHE: ${wish}; write off, or a directory as /var/cache/trusted-builds`);
  return openDiskCache(wish ? { ...usual, path: wish } : usual, warn);
}

/** One name for each key, whatever characters it has. */
function nameOf({ repository, kind, digest }: ContentKey): string {
  return hexOf(digestOf(Buffer.from(`${kind} ${digest} ${repository}`)));
}

/** @returns nothing for what has gone meanwhile, and for what is no file. */
async function fileIn(directory: string, name: string) {
  try {
    const path = join(directory, name);
    const found = await lstat(path);
    return found.isFile() ? [{ path, size: found.size, usedAt: found.mtimeMs, isDraft: name.startsWith(".") }] : [];
  } catch {
    return [];
  }
}
