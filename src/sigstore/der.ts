/** The parts of DER that certificate extensions need; anything that could be encoded in two ways is refused. */
export interface DerElement {
  /** The identifier octet, class and constructed bit included. */
  readonly tag: number;
  readonly content: Uint8Array;
  /** Where the next element begins. */
  readonly end: number;
}

/** Bytes that are no DER. */
export class DerError extends Error {
  readonly code = "malformed-der";
}

/** Universal tags, as identifier octets. */
export const TAG = { boolean: 0x01, bitString: 0x03, oid: 0x06, utf8String: 0x0c, sequence: 0x30 } as const;

/** Length octets after the first; three reach 16 MiB, and a certificate is smaller than that. */
const MAX_LENGTH_OCTETS = 3;

/** Reads the element at the offset. @throws {DerError} on long-form tags, non-minimal or indefinite lengths, and short bytes. */
export function readElement(bytes: Uint8Array, offset = 0): DerElement {
  const tag = byteAt(bytes, offset);
  if ((tag & 0x1f) === 0x1f) throw new DerError("a tag in the long form");
  const first = byteAt(bytes, offset + 1);
  let start = offset + 2;
  let length = first;
  if (first >= 0x80) {
    const octets = first & 0x7f;
    if (octets === 0 || octets > MAX_LENGTH_OCTETS) throw new DerError("a length that is indefinite or too long");
    length = 0;
    for (let i = 0; i < octets; i++) length = length * 256 + byteAt(bytes, start + i);
    start += octets;
    // X.690 10.1: the shortest form only.
    if (length < 0x80 || length < 256 ** (octets - 1)) throw new DerError("a length that is not in its shortest form");
  }
  const end = start + length;
  if (end > bytes.length) throw new DerError("an element longer than its container");
  return { tag, content: bytes.subarray(start, end), end };
}

/** The content of the one element of this tag that fills the bytes. @throws {DerError} also where something follows it. */
export function readOnlyElement(bytes: Uint8Array, tag: number): Uint8Array {
  const element = readElement(bytes);
  if (element.tag !== tag) throw new DerError(`tag 0x${element.tag.toString(16)} where 0x${tag.toString(16)} belongs`);
  if (element.end !== bytes.length) throw new DerError("bytes after the element");
  return element.content;
}

/** The elements that fill the bytes, in order. @throws {DerError} */
export function readElements(bytes: Uint8Array): readonly DerElement[] {
  const elements: DerElement[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const element = readElement(bytes, offset);
    elements.push(element);
    offset = element.end;
  }
  return elements;
}

/** UTF-8 without replacement characters: two different byte strings never become one text. @throws {DerError} */
export function readUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new DerError("text that is not UTF-8", { cause });
  }
}

/** The bytes of an object identifier in hexadecimal, for comparing with a constant; arcs are never decoded, so none can overflow. */
export function hexOfBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function byteAt(bytes: Uint8Array, offset: number): number {
  const byte = bytes[offset];
  if (byte === undefined) throw new DerError("an end where more belongs");
  return byte;
}
