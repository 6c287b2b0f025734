import { createHash } from "node:crypto";

/**
 * The id that git gives to a file's bytes, in the repository whose ids are that long. It stands for the bytes where they needn't be read
 * again: as a commit's id does for everything in it, and GitHub takes no objects that are made to collide.
 */
export function gitIdOf(bytes: Uint8Array, like: string): string {
  const hash = createHash(like.length === 64 ? "sha256" : "sha1");
  return hash.update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}
