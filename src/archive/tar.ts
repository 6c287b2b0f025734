import { BeyondLimit } from "../trust/ports.ts";
import { ArchiveError } from "./error.ts";

/** What a tar archive is made of, in bytes. @see POSIX.1-2017, pax, "ustar Interchange Format" */
const BLOCK = 512;
/** Entries of one archive that are listed. Images have some hundreds. */
const MAX_ENTRIES = 65_536;
/** Longest name of an entry, in bytes; those of an image have less than 150. */
const MAX_NAME_BYTES = 1024;
/** Largest extended header, in bytes: it is all read into memory. */
const MAX_EXTENDED_BYTES = 64 * 1024;
/** Largest size that the twelve octal digits of a header can tell, in bytes. */
const MAX_OCTAL_SIZE = 0o77777777777;

/** Reads on, and never back: so that compressed archives can be read the same way. */
export interface Cursor {
  /** Bytes from the beginning. */
  readonly position: number;
  /** @returns fewer bytes only where the archive ends. */
  take(length: number): Promise<Buffer>;
  /** @throws {ArchiveError} if the archive ends before. */
  skip(length: number): Promise<void>;
}

/** A file of the archive, or the name of something else: a link, a folder, a device. */
export interface TarEntry {
  readonly kind: "file" | "link" | "other";
  /** Without `./` before it or `/` behind it. */
  readonly path: string;
  /** Where its content begins, in bytes. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

/**
 * Lists a tar archive: ustar, pax and GNU. While an entry is looked at, the cursor stands at its content, which may be taken.
 *
 * Programs that unpack archives disagree about everything that isn't plain, and an archive that is one image to the one and another to
 * the next is an attack: whatever they are known to disagree about is refused, the whole archive with it.
 *
 * @throws {ArchiveError} `malformed-archive`. @throws {BeyondLimit}
 */
export async function* readTar(cursor: Cursor, place: string): AsyncGenerator<TarEntry> {
  const refuse = (reason: string) => new ArchiveError("malformed-archive", `read ${place}: ${reason}`);
  let extended: Extended = {};
  for (let count = 0; ; ) {
    const header = await cursor.take(BLOCK);
    if (header.length === 0) break;
    if (header.length < BLOCK) throw refuse("it ends in the middle of a header");
    if (isZero(header)) {
      const second = await cursor.take(BLOCK);
      if (second.length === BLOCK && !isZero(second)) throw refuse("something stands behind half of an end mark");
      break;
    }
    if (checksumOf(header) !== numberAt(header, 148, 8))
      throw refuse("it is no tar archive, or a header of it is broken");
    const type = String.fromCharCode(header[156] ?? 0);
    const told = numberAt(header, 124, 12);
    if (told === undefined) throw refuse("the size of an entry is no number");
    if (type === "x" || type === "g" || type === "L" || type === "K") {
      if (told > MAX_EXTENDED_BYTES) throw new BeyondLimit(`read ${place}: an extended header of ${told} bytes`);
      const content = await cursor.take(told);
      if (content.length < told) throw refuse("it ends in the middle of a header");
      await cursor.skip(padding(told));
      try {
        extended = extend(extended, type, content);
      } catch (cause) {
        throw refuse((cause as Error).message);
      }
      continue;
    }
    const entry = entryOf(header, type, told, extended, cursor.position, refuse);
    extended = {};
    if (++count > MAX_ENTRIES) throw new BeyondLimit(`read ${place}: more than ${MAX_ENTRIES} entries`);
    const end = entry.offset + entry.size + padding(entry.size);
    if (entry.path !== "") yield entry;
    await cursor.skip(end - cursor.position);
  }
  if (Object.keys(extended).length > 0) throw refuse("an extended header belongs to nothing");
}

/** What extended headers say of the entry behind them. */
interface Extended {
  readonly path?: string;
  readonly longName?: string;
  readonly size?: number;
}

function entryOf(
  header: Buffer,
  type: string,
  told: number,
  extended: Extended,
  offset: number,
  refuse: (reason: string) => Error,
): TarEntry {
  if (extended.path !== undefined && extended.longName !== undefined && extended.path !== extended.longName) {
    throw refuse("an entry has two long names");
  }
  const name = extended.path ?? extended.longName ?? shortName(header);
  const size = extended.size ?? told;
  // Unpackers that know no pax go by the header: they would take what we skip for entries.
  if (size !== told && size <= MAX_OCTAL_SIZE) throw refuse("an entry has two sizes");
  const shown = JSON.stringify(name.slice(0, 160));
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) throw refuse(`the name of an entry is too long: ${shown}`);
  if (name.startsWith("/") || name.split("/").includes("..") || name.includes("\0") || name.includes("\\")) {
    throw refuse(`an entry leads out of it: ${shown}`);
  }
  const path = name.split("/").filter((part) => part !== "" && part !== ".");
  const kind = kindOf(type);
  if (kind === undefined) throw refuse(`an entry is of a kind that programs read differently: ${shown}`);
  // Go takes no content behind links and folders, whatever their size says.
  if ((kind !== "file" || name.endsWith("/")) && size > 0) throw refuse(`a link or folder has content: ${shown}`);
  return { kind: name.endsWith("/") && kind === "file" ? "other" : kind, path: path.join("/"), offset, size };
}

/** Sparse files (`S`), files over several volumes (`M`) and vendors' own are left out: their size isn't that of their content. */
function kindOf(type: string): TarEntry["kind"] | undefined {
  if (type === "0" || type === "\0" || type === "7") return "file";
  if (type === "1" || type === "2") return "link";
  return type === "3" || type === "4" || type === "5" || type === "6" ? "other" : undefined;
}

/** @throws Error with the reason. */
function extend(extended: Extended, type: string, content: Buffer): Extended {
  if (type === "K") return extended;
  if (type === "L") {
    if (extended.longName !== undefined) throw new Error("an entry has two long names");
    return { ...extended, longName: utf8(content).replace(/\0+$/, "") };
  }
  const records = paxRecords(content);
  if ([...records.keys()].some((key) => key.startsWith("GNU.sparse."))) throw new Error("it holds a sparse file");
  const [path, size] = [records.get("path"), records.get("size")];
  if (path === undefined && size === undefined) return extended;
  if (type === "g") throw new Error("a global header says the name or size of every entry");
  if (extended.path !== undefined || extended.size !== undefined) throw new Error("an entry has two extended headers");
  if (size !== undefined && (!/^[0-9]{1,16}$/.test(size) || !Number.isSafeInteger(Number(size)))) {
    throw new Error("the size of an entry is no number");
  }
  return { ...extended, ...(path !== undefined && { path }), ...(size !== undefined && { size: Number(size) }) };
}

/** Records of the form `LENGTH KEY=VALUE\n`, the length counting all of it. */
function paxRecords(content: Buffer): ReadonlyMap<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < content.length; ) {
    const [, digits] = /^([1-9][0-9]{0,6}) /.exec(content.toString("latin1", at, at + 8)) ?? [];
    const end = at + Number(digits);
    if (digits === undefined || end > content.length || content[end - 1] !== 0x0a)
      throw new Error("an extended header is broken");
    const record = content.subarray(at + digits.length + 1, end - 1);
    const equals = record.indexOf("=");
    if (equals < 1) throw new Error("an extended header is broken");
    const key = record.toString("latin1", 0, equals);
    if (records.has(key)) throw new Error("an extended header says something twice");
    // Other values may be any bytes: extended attributes are.
    const value = record.subarray(equals + 1);
    records.set(key, key === "path" || key === "size" ? utf8(value) : "");
    at = end;
  }
  return records;
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new Error("a name is not UTF-8", { cause });
  }
}

function shortName(header: Buffer): string {
  // GNU's own magic has a blank there, and no prefix.
  const prefix = header.toString("latin1", 257, 263) === "ustar\0" ? textAt(header, 345, 155) : "";
  const name = textAt(header, 0, 100);
  return prefix === "" ? name : `${prefix}/${name}`;
}

function textAt(header: Buffer, at: number, length: number): string {
  const field = header.subarray(at, at + length);
  const end = field.indexOf(0);
  return field.toString("latin1", 0, end < 0 ? length : end);
}

/** Octal digits, or GNU's binary form for what doesn't fit. */
function numberAt(header: Buffer, at: number, length: number): number | undefined {
  if (((header[at] ?? 0) & 0x80) === 0) {
    const digits = textAt(header, at, length).trim();
    return /^[0-7]*$/.test(digits) ? Number.parseInt(digits || "0", 8) : undefined;
  }
  if (header[at] !== 0x80) return undefined;
  let value = 0;
  for (const byte of header.subarray(at + 1, at + length)) value = value * 256 + byte;
  return Number.isSafeInteger(value) ? value : undefined;
}

function checksumOf(header: Buffer): number {
  let sum = 8 * 0x20;
  for (let at = 0; at < BLOCK; at++) if (at < 148 || at >= 156) sum += header[at] ?? 0;
  return sum;
}

function isZero(block: Buffer): boolean {
  return block.every((byte) => byte === 0);
}

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}
