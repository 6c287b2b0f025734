import { constants, createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { BeyondLimit, CouldNotLook } from "../trust/ports.ts";
import { ArchiveError } from "./error.ts";
import { type Files, PIECE_BYTES } from "./files.ts";
import { type Cursor, readTar, type TarEntry } from "./tar.ts";

/** Bytes of a compressed archive that are decompressed, in one pass: a bomb of some kilobytes could keep us busy for ever. */
const MAX_DECOMPRESSED_BYTES = 16 * 1024 * 1024 * 1024;

/** Files of a compressed archive that are kept from the one pass: manifests, configs, and most attestations. In bytes. */
const MAX_KEPT_FILE_BYTES = 4 * 1024 * 1024;

/** All of them together, in bytes; what comes later is decompressed again when it is asked for. */
const MAX_KEPT_BYTES = 128 * 1024 * 1024;

type Compression = "gzip" | "zstd" | undefined;

/**
 * The files of a tar archive, plain or compressed with gzip or zstd. It is read once to learn where everything is, and nothing of it is
 * ever unpacked to disk.
 *
 * @param limit - Of what is decompressed in one pass, and in all passes for large files together, in bytes.
 * @throws {ArchiveError} @throws {BeyondLimit}
 */
export async function openArchive(path: string, place: string, limit = MAX_DECOMPRESSED_BYTES): Promise<Files> {
  let file: FileHandle;
  let size: number;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const found = await file.stat();
    size = found.size;
    if (!found.isFile()) throw await file.close().then(() => new Error("it is no file"));
  } catch (cause) {
    throw new ArchiveError("unreadable", `read ${place}: ${(cause as Error).message}; name a tar archive`, { cause });
  }
  try {
    const compression = await compressionOf(file);
    const kept = new Map<string, Uint8Array>();
    const cursor =
      compression === undefined ? fileCursor(file, size, place) : streamCursor(path, compression, place, limit);
    const entries = await list(cursor, place, compression === undefined ? undefined : kept);
    await cursor.end();
    let again = 0;
    const readFrom = async <T>(entry: TarEntry, use: (from: Cursor) => Promise<T>): Promise<T> => {
      const from =
        compression === undefined ? fileCursor(file, size, place) : streamCursor(path, compression, place, limit);
      try {
        await from.skip(entry.offset);
        return await use(from);
      } catch (cause) {
        if (!(cause instanceof ArchiveError)) throw cause;
        // It was read once: whatever is wrong now came since.
        throw new CouldNotLook("unreadable-file", cause.message, { cause });
      } finally {
        await from.end();
      }
    };
    return {
      place,
      read: async (name, atMost) => {
        const entry = entries.get(name);
        // A link could lead anywhere, and nothing that matters is one where the tools wrote it.
        if (entry === undefined || entry.kind !== "file") return undefined;
        if (entry.size > atMost) {
          throw new BeyondLimit(`read ${name} in ${place}: it has ${entry.size} bytes, and ${atMost} are read`);
        }
        const held = kept.get(name);
        if (held !== undefined) return held;
        return readFrom(entry, async (from) => {
          const bytes = await from.take(entry.size);
          if (bytes.length < entry.size) throw ended(place);
          return bytes;
        });
      },
      pour: async (name, size, take) => {
        const entry = entries.get(name);
        if (entry === undefined || entry.kind !== "file") return "absent";
        if (entry.size !== size) return "another-size";
        if (compression !== undefined) {
          // Each time from the beginning: many layers of an archive that holds little could keep us busy for hours.
          again += entry.offset + size;
          if (again > limit)
            throw new BeyondLimit(`read ${name} in ${place}: more than ${limit} bytes would be decompressed again`);
        }
        await readFrom(entry, async (from) => {
          for (let left = size; left > 0; ) {
            const piece = await from.take(Math.min(PIECE_BYTES, left));
            if (piece.length === 0) throw ended(place);
            await take(piece);
            left -= piece.length;
          }
        });
        return "poured";
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Where everything is. What unpackers would put into one place is refused: some take the first, most the last. */
async function list(
  cursor: Cursor,
  place: string,
  keep: Map<string, Uint8Array> | undefined,
): Promise<ReadonlyMap<string, TarEntry>> {
  const refuse = (reason: string) => new ArchiveError("malformed-archive", `read ${place}: ${reason}`);
  const entries = new Map<string, TarEntry>();
  let held = 0;
  for await (const entry of readTar(cursor, place)) {
    const before = entries.get(entry.path);
    if (before !== undefined && (before.kind !== "other" || entry.kind !== "other")) {
      throw refuse(`${JSON.stringify(entry.path.slice(0, 160))} is there twice`);
    }
    entries.set(entry.path, entry);
    if (keep === undefined || entry.kind !== "file" || entry.size > MAX_KEPT_FILE_BYTES) continue;
    if (held + entry.size > MAX_KEPT_BYTES) continue;
    held += entry.size;
    keep.set(entry.path, Uint8Array.from(await cursor.take(entry.size)));
  }
  for (const path of entries.keys()) {
    // Whoever unpacks it writes such a file where the link points.
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      const above = entries.get(path.slice(0, end));
      if (above !== undefined && above.kind !== "other") {
        throw refuse(`${JSON.stringify(path.slice(0, 160))} lies under what is no folder`);
      }
    }
  }
  return entries;
}

interface OpenCursor extends Cursor {
  end(): Promise<void>;
}

function fileCursor(file: FileHandle, size: number, place: string): OpenCursor {
  let position = 0;
  return {
    get position() {
      return position;
    },
    take: async (length) => {
      const bytes = Buffer.alloc(Math.max(0, Math.min(length, size - position)));
      let got = 0;
      while (got < bytes.length) {
        const { bytesRead } = await file.read(bytes, got, bytes.length - got, position + got);
        if (bytesRead === 0) break;
        got += bytesRead;
      }
      position += got;
      return bytes.subarray(0, got);
    },
    skip: async (length) => {
      // The last entry's padding is missing in archives that were cut at its end, which every program reads.
      if (position + length > size + 511) throw ended(place);
      position = Math.min(size, position + length);
    },
    end: async () => {},
  };
}

function streamCursor(path: string, compression: "gzip" | "zstd", place: string, limit: number): OpenCursor {
  const source = createReadStream(path);
  const stream: Readable = source.pipe(compression === "gzip" ? createGunzip() : createZstdDecompress());
  source.on("error", (error) => stream.destroy(error));
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let rest: Buffer = Buffer.alloc(0);
  let position = 0;
  const more = async (): Promise<boolean> => {
    try {
      const { done, value } = await chunks.next();
      if (done) return false;
      rest = value;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ArchiveError("malformed-archive", `read ${place}: it doesn't decompress: ${reason}`, { cause });
    }
    if (position + rest.length > limit) {
      throw new BeyondLimit(`read ${place}: more than ${limit} bytes are in it`);
    }
    return true;
  };
  const advance = (length: number): Buffer => {
    const part = rest.subarray(0, length);
    rest = rest.subarray(part.length);
    position += part.length;
    return part;
  };
  return {
    get position() {
      return position;
    },
    take: async (length) => {
      const parts: Buffer[] = [];
      let missing = length;
      while (missing > 0 && (rest.length > 0 || (await more()))) {
        const part = advance(missing);
        parts.push(part);
        missing -= part.length;
      }
      return Buffer.concat(parts);
    },
    skip: async (length) => {
      let missing = length;
      while (missing > 0 && (rest.length > 0 || (await more()))) missing -= advance(missing).length;
      if (missing > 511) throw ended(place);
    },
    end: async () => {
      source.destroy();
      stream.destroy();
    },
  };
}

function ended(place: string): ArchiveError {
  return new ArchiveError("malformed-archive", `read ${place}: it ends in the middle of a file; save it again`);
}

/** By the first bytes: names of files say nothing. @see RFC 1952 §2.3.1, RFC 8878 §3.1.1 */
async function compressionOf(file: FileHandle): Promise<Compression> {
  const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
  const magic = buffer.toString("hex");
  if (magic.startsWith("1f8b")) return "gzip";
  return magic === "28b52ffd" ? "zstd" : undefined;
}
