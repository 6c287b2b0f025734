import { constants } from "node:fs";
import { type FileHandle, open, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { BeyondLimit, CouldNotLook } from "../trust/ports.ts";
import { ArchiveError } from "./error.ts";
import { type Files, PIECE_BYTES } from "./files.ts";

/** Not blocking: a named pipe in the place of a blob would let us wait for ever. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/**
 * The files of a folder. Links are followed as long as they stay inside: one that leads out could show us any file of this machine,
 * and put its words into a report.
 *
 * @throws {ArchiveError} `unreadable`
 */
export async function openDirectory(path: string, place: string): Promise<Files> {
  let root: string;
  try {
    root = await realpath(path);
    if (!(await stat(root)).isDirectory()) throw new Error("it is no folder");
  } catch (cause) {
    throw new ArchiveError(
      "unreadable",
      `read ${place}: ${(cause as Error).message}; name a folder with an OCI image layout`,
      {
        cause,
      },
    );
  }
  return {
    place,
    read: (name, limit) => within(name, (file) => readRegular(file, `${name} in ${place}`, limit)),
    pour: async (name, size, take) => (await within(name, (file) => pourRegular(file, size, take))) ?? "absent",
    close: async () => {},
  };

  /** @returns undefined if there is no such file in here. */
  async function within<T>(name: string, use: (file: FileHandle) => Promise<T>): Promise<T | undefined> {
    try {
      const real = await realpath(join(root, name));
      if (!real.startsWith(root.endsWith(sep) ? root : root + sep)) return undefined;
      const file = await open(real, FLAGS | constants.O_NOFOLLOW);
      try {
        return await use(file);
      } finally {
        await file.close();
      }
    } catch (error) {
      if (error instanceof BeyondLimit) throw error;
      if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
      throw new CouldNotLook(
        "unreadable-file",
        `read ${name} in ${place}: ${(error as Error).message}; mend its permissions`,
        {
          cause: error,
        },
      );
    }
  }
}

async function readRegular(file: FileHandle, what: string, limit: number): Promise<Uint8Array | undefined> {
  const { size, ...stats } = await file.stat().then((found) => ({ size: found.size, isFile: found.isFile() }));
  if (!stats.isFile) return undefined;
  if (size > limit) throw new BeyondLimit(`read ${what}: it has ${size} bytes, and ${limit} are read`);
  // No more than it had when it was measured: a file that grows meanwhile would fill any memory.
  const bytes = Buffer.alloc(size);
  let length = 0;
  while (length < size) {
    const { bytesRead } = await file.read(bytes, length, size - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return bytes.subarray(0, length);
}

/** No more than it had when it was measured. What is missing then shows in the digest. */
async function pourRegular(
  file: FileHandle,
  size: number,
  take: (piece: Uint8Array) => Promise<void>,
): Promise<"poured" | "another-size" | undefined> {
  const found = await file.stat();
  if (!found.isFile()) return undefined;
  if (found.size !== size) return "another-size";
  for (let at = 0; at < size; ) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(PIECE_BYTES, size - at)), { position: at });
    if (bytesRead === 0) break;
    await take(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  return "poured";
}
