import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { type Digest, digestOf, hexOf, isDigest } from "../image/digest.ts";
import { BeyondLimit } from "../trust/ports.ts";
import { ArchiveError } from "./error.ts";
import { type Cursor, readTar } from "./tar.ts";
import { type TarFile, writeTar } from "./tar-writing.ts";

/** Largest file of evidence, in bytes: all of it is kept in memory. The ancestry of a usual image comes to one or two megabytes. */
export const MAX_EVIDENCE_BYTES = 256 * 1024 * 1024;

const SUMS = "SHA256SUMS";
const DOCUMENT = "evidence.json";
const BLOBS = "blobs/sha256/";

/** What is in a file of evidence. */
export interface EvidenceFile {
  /** SHA-256 of its list of checksums, and so of everything in it. */
  readonly digest: Digest;
  readonly document: Uint8Array;
  /** By SHA-256, which they have. */
  readonly blobs: ReadonlyMap<Digest, Uint8Array>;
}

/**
 * Writes a document and what it names by digest as one tar archive: a list of checksums, as `sha256sum --check` reads it, the document,
 * and the blobs. The same content makes the same bytes.
 *
 * @throws {BeyondLimit}
 */
export function writeEvidence(
  document: Uint8Array,
  blobs: EvidenceFile["blobs"],
): { readonly digest: Digest; readonly bytes: Uint8Array } {
  const { sums, files } = filesOf(document, blobs);
  const bytes = writeTar(files);
  if (bytes.length > MAX_EVIDENCE_BYTES)
    throw new BeyondLimit(`write evidence: it has ${bytes.length} bytes, and ${MAX_EVIDENCE_BYTES} are read`);
  return { digest: digestOf(sums), bytes };
}

/**
 * Reads a file of evidence. Its bytes are compared with those that {@link writeEvidence} would write: so nothing in it, be it a header or
 * the filling behind a file, can be changed without being noticed. Whoever changes the checksums too makes another file, with another digest.
 *
 * @throws {ArchiveError} @throws {BeyondLimit}
 */
export async function readEvidence(path: string): Promise<EvidenceFile> {
  return parseEvidence(await readAll(path), path);
}

/** {@link readEvidence} of bytes. @throws {ArchiveError} @throws {BeyondLimit} */
export async function parseEvidence(bytes: Uint8Array, place: string): Promise<EvidenceFile> {
  const refuse = (reason: string) => new ArchiveError("malformed-archive", `read ${place}: ${reason}`);
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const blobs = new Map<Digest, Uint8Array>();
  let document: Uint8Array | undefined;
  let isSummed = false;
  for await (const { kind, path, offset, size } of readTar(cursorOver(whole), place)) {
    const content = whole.subarray(offset, offset + size);
    if (kind !== "file" || content.length < size) throw refuse("it is no file of evidence");
    if (path === SUMS) isSummed = true;
    else if (path === DOCUMENT) document = content;
    else {
      const digest = path.startsWith(BLOBS) ? `sha256:${path.slice(BLOBS.length)}` : "";
      if (!isDigest(digest)) throw refuse(`${JSON.stringify(path.slice(0, 160))} is nothing that evidence has`);
      if (digestOf(content) !== digest) throw refuse(`it was changed: ${path} has another digest`);
      blobs.set(digest, content);
    }
  }
  if (document === undefined || !isSummed) throw refuse(`it has no ${SUMS}, or no ${DOCUMENT}`);
  const { sums, files } = filesOf(document, blobs);
  if (Buffer.compare(writeTar(files), whole) !== 0) throw refuse("it was changed: it isn't as it is written");
  return { digest: digestOf(sums), document, blobs };
}

function filesOf(
  document: Uint8Array,
  blobs: EvidenceFile["blobs"],
): { readonly sums: Uint8Array; readonly files: readonly TarFile[] } {
  const files = [
    { path: DOCUMENT, content: document },
    ...[...blobs]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([digest, content]) => ({ path: `${BLOBS}${hexOf(digest)}`, content })),
  ];
  const sums = Buffer.from(files.map(({ path, content }) => `${hexOf(digestOf(content))}  ${path}\n`).join(""));
  return { sums, files: [{ path: SUMS, content: sums }, ...files] };
}

function cursorOver(bytes: Buffer): Cursor {
  let position = 0;
  return {
    get position() {
      return position;
    },
    take: async (length) => {
      const taken = bytes.subarray(position, position + length);
      position += taken.length;
      return taken;
    },
    skip: async (length) => {
      position = Math.min(bytes.length, position + length);
    },
  };
}

async function readAll(path: string): Promise<Uint8Array> {
  const unreadable = (reason: string, cause?: unknown) =>
    new ArchiveError("unreadable", `read evidence ${path}: ${reason}; give a file that trusted-builds export wrote`, {
      cause,
    });
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const found = await file.stat();
      if (!found.isFile()) throw new Error("it is no file");
      if (found.size > MAX_EVIDENCE_BYTES) throw new Error(`it has more than ${MAX_EVIDENCE_BYTES} bytes`);
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw unreadable((cause as Error).message, cause);
  }
}
