import { BeyondLimit } from "../trust/ports.ts";

/** How a stream of the framing format begins: a chunk of type 0xff with this content. */
const STREAM_HEADER = Buffer.from([0xff, 0x06, 0x00, 0x00, ...Buffer.from("sNaPpY")]);

/** Bytes of a checksum before the content of a chunk. */
const CHECKSUM_BYTES = 4;

/** Bytes that aren't Snappy. */
export class SnappyError extends Error {
  readonly code = "malformed-snappy";
}

/** Whether the bytes are of the framing format; the block format has no mark of its own. */
export function isFramedSnappy(bytes: Uint8Array): boolean {
  return STREAM_HEADER.equals(bytes.subarray(0, STREAM_HEADER.length));
}

/**
 * Decompresses Snappy's block format. A few bytes can claim gigabytes: the length that stands in front is held against the limit
 * before anything is allocated, and no copy may reach beyond it.
 *
 * @param limit - of what comes out, in bytes.
 * @throws {SnappyError} @throws {BeyondLimit}
 * @see google/snappy format_description.txt
 */
export function decodeSnappy(bytes: Uint8Array, limit: number): Uint8Array {
  const [length, start] = readLength(bytes);
  if (length > limit) throw beyond(length, limit);
  const out = Buffer.alloc(length);
  let to = 0;
  for (let at = start; at < bytes.length; ) {
    const tag = bytes[at++]!;
    if ((tag & 3) === 0) {
      let size = (tag >> 2) + 1;
      if (size > 60) {
        const width = size - 60;
        size = littleEndian(bytes, at, width) + 1;
        at += width;
      }
      if (size > bytes.length - at || size > length - to) throw malformed("a literal is longer than what is there");
      out.set(bytes.subarray(at, at + size), to);
      at += size;
      to += size;
      continue;
    }
    const width = [0, 1, 2, 4][tag & 3]!;
    const low = littleEndian(bytes, at, width);
    at += width;
    const short = (tag & 3) === 1;
    const size = short ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
    const offset = short ? ((tag >> 5) << 8) | low : low;
    if (offset === 0 || offset > to || size > length - to) throw malformed("a copy reaches outside of what is there");
    // Byte for byte: a copy that overlaps itself repeats what it just wrote.
    for (const end = to + size; to < end; to++) out[to] = out[to - offset]!;
  }
  if (to !== length) throw malformed("it is shorter than it says");
  return out;
}

/**
 * Decompresses Snappy's framing format. The checksums aren't compared: what comes out is signed, or is nothing.
 *
 * @param limit - of what comes out, in bytes.
 * @throws {SnappyError} @throws {BeyondLimit}
 * @see google/snappy framing_format.txt
 */
export function decodeFramedSnappy(bytes: Uint8Array, limit: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let total = 0;
  for (let at = 0; at < bytes.length; ) {
    const type = bytes[at]!;
    const size = littleEndian(bytes, at + 1, 3);
    const chunk = bytes.subarray(at + 4, at + 4 + size);
    if (chunk.length < size) throw malformed("a chunk is longer than what is there");
    at += 4 + size;
    if (type >= 0x80) continue; // the header, padding, and what may be skipped
    if (type > 1) throw malformed(`a chunk of the unknown type ${type}`);
    if (size < CHECKSUM_BYTES) throw malformed("a chunk has no checksum");
    const content = chunk.subarray(CHECKSUM_BYTES);
    const part = type === 0 ? decodeSnappy(content, limit - total) : content;
    total += part.length;
    if (total > limit) throw beyond(total, limit);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** The length in front, seven bits a byte, and where what follows begins. */
function readLength(bytes: Uint8Array): [length: number, start: number] {
  let length = 0;
  for (let at = 0; at < 5; at++) {
    const byte = bytes[at];
    if (byte === undefined) break;
    length += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) {
      if (length >= 2 ** 32) break;
      return [length, at + 1];
    }
  }
  throw malformed("the length in front can't be read");
}

function littleEndian(bytes: Uint8Array, at: number, width: number): number {
  if (width > bytes.length - at) throw malformed("it ends in the middle of a number");
  let value = 0;
  for (let i = 0; i < width; i++) value += bytes[at + i]! * 2 ** (8 * i);
  return value;
}

function malformed(reason: string): SnappyError {
  return new SnappyError(`decompress Snappy: ${reason}`);
}

function beyond(length: number, limit: number): BeyondLimit {
  return new BeyondLimit(`decompress Snappy: it would be ${length} bytes or more, and ${limit} are read`);
}
