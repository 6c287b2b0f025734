import { randomUUID } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { lstat, mkdir, open, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A directory that nobody but its owner may write into: what stands in it is that user's word. */
export interface PrivateDirectory {
  readonly path: string;
  /** The user's id on this system. */
  readonly owner: number;
}

/** The directory can't be made, or could be written by others. */
export class PrivateDirectoryError extends Error {
  readonly code = "not-private";
}

/** Permission bits of everyone but the owner who writes. */
const WRITABLE_BY_OTHERS = 0o022;

/**
 * Makes a directory where there is none.
 *
 * @throws {PrivateDirectoryError} where there is one that others could write into, that is another's, or that is a link.
 */
export async function openPrivateDirectory(path: string, owner: number): Promise<PrivateDirectory> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new PrivateDirectoryError(`make directory ${path}: ${(cause as Error).message}`, { cause });
  }
  // Not following links: a link of a stranger's could lead to a directory of ours that holds something else.
  const found = await lstat(path);
  if (!found.isDirectory() || !isPrivate(found, owner)) {
    throw new PrivateDirectoryError(
      `use directory ${path}: it is a link, another's, or others may write into it; give it to user ${owner} with mode 0700`,
    );
  }
  return { path, owner };
}

/**
 * Reads a file of the directory.
 *
 * @param limit - in bytes.
 * @returns undefined where there is none that the owner alone could have written, or one beyond the limit.
 */
export async function readPrivateFile(
  { path, owner }: PrivateDirectory,
  name: string,
  limit: number,
): Promise<Buffer | undefined> {
  try {
    const directory = await lstat(path);
    if (!directory.isDirectory() || !isPrivate(directory, owner)) return undefined;
    const file = await open(join(path, name), constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const found = await file.stat();
      if (!found.isFile() || !isPrivate(found, owner) || found.size > limit) return undefined;
      const bytes = await file.readFile();
      return bytes.length > limit ? undefined : bytes;
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}

/** Writes a file of the directory: whoever reads it finds the old one or the new one whole. @throws as `node:fs` does. */
export async function writePrivateFile({ path }: PrivateDirectory, name: string, bytes: Uint8Array): Promise<void> {
  const draft = join(path, `.${randomUUID()}`);
  try {
    await writeFile(draft, bytes, { mode: 0o600, flag: "wx" });
    await rename(draft, join(path, name));
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

function isPrivate({ uid, mode }: Stats, owner: number): boolean {
  return uid === owner && (mode & WRITABLE_BY_OTHERS) === 0;
}
