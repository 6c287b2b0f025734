import type { Repository } from "../build/build.ts";
import { BeyondLimit, CouldNotLook } from "../trust/ports.ts";
import { gitIdOf } from "./git-id.ts";
import type { SourceReader } from "./ports.ts";
import type { FileSource } from "./pull-files.ts";

/** Largest Dockerfile that is read, in bytes. */
export const MAX_DOCKERFILE_BYTES = 1024 * 1024;

/** Bytes, or why nobody reads them: too many, or behind a link. */
type Bytes = Uint8Array | { readonly reason: string };

/** A Dockerfile's text, or why there is none to judge. */
export type FileText =
  | { readonly kind: "absent" }
  | { readonly kind: "unreadable"; readonly reason: string }
  /** `read` asks GitHub the first time only. */
  | { readonly kind: "text"; readonly blob: string; read(): Promise<Bytes> };

/** Finds texts; each is read at most once, and only when somebody wants it. */
export function textsOf(sources: SourceReader, repository: Repository): (source: FileSource) => Promise<FileText> {
  const known = new Map<string, Promise<Bytes | undefined>>();
  return async (source) => {
    switch (source.kind) {
      case "absent":
        return source;
      case "blob":
        return { kind: "text", blob: source.blob, read: () => textOf(source) };
      case "unlisted": {
        const bytes = await bytesAt(source);
        if (bytes === undefined)
          return source.isThere ? { kind: "unreadable", reason: "there is something, and it is no file" } : ABSENT;
        if ("reason" in bytes) return { kind: "unreadable", reason: bytes.reason };
        return { kind: "text", blob: gitIdOf(bytes, source.commit), read: async () => bytes };
      }
    }
  };

  async function textOf({ commit, path, blob }: FileSource & { readonly kind: "blob" }): Promise<Bytes> {
    const bytes = await bytesAt({ commit, path });
    const where = `${path} of ${repository.owner}/${repository.name} at ${commit}`;
    if (bytes === undefined)
      throw new CouldNotLook("server-error", `asked GitHub for ${where}: it lists it, and has none`);
    if (!("reason" in bytes) && gitIdOf(bytes, blob) !== blob)
      throw new CouldNotLook("digest-mismatch", `asked GitHub for ${where}: what came isn't what it lists there`);
    return bytes;
  }

  function bytesAt({ commit, path }: { readonly commit: string; readonly path: string }): Promise<Bytes | undefined> {
    const key = `${commit} ${path}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const bytes = sources.readFile(repository, commit, path, MAX_DOCKERFILE_BYTES).catch((error: unknown) => {
      if (error instanceof BeyondLimit) return { reason: error.message };
      throw error;
    });
    known.set(key, bytes);
    return bytes;
  }
}

const ABSENT: FileText = { kind: "absent" };
