/** The parts of DER that certificate extensions need; anything that could be encoded in two ways is refused. */
export interface DerElement {
  /** The identifier octet, class and constructed bit included. */
  readonly tag: number;
  readonly content: Uint8Array;
  /** The whole of it, with tag and length. */
  readonly encoding: Uint8Array;
  /** Where the next element begins. */
  readonly end: number;
}

/** Bytes that are no DER. */
export class DerError extends Error {
  readonly code = "malformed-der";
}

/** Universal tags, as identifier octets. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

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
  return { tag, content: bytes.subarray(start, end), encoding: bytes.subarray(offset, end), end };
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

/** The content of the element at this place of a list. @throws {DerError} where there is none, or one of another tag. */
export function contentOf(elements: readonly DerElement[], index: number, tag: number): Uint8Array {
  return elementOf(elements, index, tag).content;
}

/** The element at this place of a list. @throws {DerError} where there is none, or one of another tag. */
export function elementOf(elements: readonly DerElement[], index: number, tag: number): DerElement {
  const element = elements[index];
  if (element?.tag !== tag) throw new DerError(`no element with tag 0x${tag.toString(16)} where one belongs`);
  return element;
}

/** An element around some contents. */
export function encodeElement(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const content of contents) length += content.length;
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  const header = length < 0x80 ? [tag, length] : [tag, 0x80 | octets.length, ...octets];
  return Buffer.concat([Uint8Array.from(header), ...contents], header.length + length);
}

/** A moment in one of the two forms of X.509 (RFC 5280 4.1.2.5); a fraction of a second is dropped, as the library does. @throws {DerError} */
export function readTime({ tag, content }: DerElement): Date {
  const text = Buffer.from(content).toString("latin1");
  const parts = /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(?:\.\d{3})?Z$/.exec(text);
  const [, year = "", month, day, hour, minute, second] = parts ?? [];
  const isForm = (tag === TAG.utcTime && year.length === 2) || (tag === TAG.generalizedTime && year.length === 4);
  if (!isForm) throw new DerError("a time in another form");
  const century = year.length === 4 ? "" : Number(year) >= 50 ? "19" : "20";
  const time = new Date(`${century}${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(time.getTime())) throw new DerError("a time that there is not");
  return time;
}

/** Dotted decimal. @throws {DerError} on arcs beyond 2^28, which none that we compare with has. */
export function readOid(content: Uint8Array): string {
  const [first = 0] = content;
  let oid = `${Math.floor(first / 40)}.${first % 40}`;
  let arc = 0;
  for (let at = 1; at < content.length; at++) {
    const octet = content[at] ?? 0;
    if (arc >= 2 ** 21) throw new DerError("an object identifier that is too long");
    arc = arc * 128 + (octet & 0x7f);
    if (octet >= 0x80) continue;
    oid += `.${arc}`;
    arc = 0;
  }
  if (content.length === 0 || (content[content.length - 1] ?? 0) >= 0x80)
    throw new DerError("half an object identifier");
  return oid;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8 without replacement characters: two different byte strings never become one text. @throws {DerError} */
export function readUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
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
