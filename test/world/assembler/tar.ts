import { posix } from "node:path";
import { AssemblyFailed } from "./failure.ts";

/** Who owns a file and since when. */
export interface FileAttributes {
  /** The permissions alone. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** In whole seconds since 1970. */
  readonly mtime: number;
}

/** One entry of an archive. */
export type TarEntry = FileAttributes & {
  /** Without `/` at either end; "" is the root. */
  readonly path: string;
} & (
    | { readonly kind: "file"; readonly content: Uint8Array }
    | { readonly kind: "directory" }
    | { readonly kind: "symlink"; readonly target: string }
    /** The same file as another entry's. */
    | { readonly kind: "link"; readonly target: string }
  );

const BLOCK = 512;
const TYPE_FILE = "0";
const TYPE_LINK = "1";
const TYPE_SYMLINK = "2";
const TYPE_DIRECTORY = "5";
/** Keys of pax that are understood or that change nothing here. */
const PAX_KEYS = new Set(["path", "linkpath", "size", "uid", "gid", "mtime", "atime", "ctime", "uname", "gname"]);

/**
 * Reads ustar, with the long names of pax and GNU.
 *
 * @throws {AssemblyFailed} for devices, sparse files and extended attributes: they could not be written again as they were.
 */
export function readTar(archive: Uint8Array): readonly TarEntry[] {
  const bytes = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength);
  const entries: TarEntry[] = [];
  let extended: ReadonlyMap<string, string> = new Map();
  for (let at = 0; at + BLOCK <= bytes.length; ) {
    const header = bytes.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) break;
    if (checksumOf(header) !== numberIn(header, 148, 8)) throw new AssemblyFailed("read an archive: it is no tar file");
    const size = Number(extended.get("size") ?? numberIn(header, 124, 12));
    const type = String.fromCharCode(header[156] || 0x30);
    const start = at + BLOCK;
    if (start + size > bytes.length) throw new AssemblyFailed("read an archive: it ends in the middle of a file");
    const content = bytes.subarray(start, start + size);
    at = start + Math.ceil(size / BLOCK) * BLOCK;
    if (type === "x") extended = new Map([...extended, ...paxRecords(content)]);
    else if (type === "L" || type === "K") {
      extended = new Map([...extended, [type === "L" ? "path" : "linkpath", content.toString().replace(/\0.*$/s, "")]]);
    } else if (type !== "g") {
      entries.push(entryOf(header, type, content, extended));
      extended = new Map();
    }
  }
  return entries;
}

/**
 * Writes ustar, and the same bytes for the same entries.
 *
 * @throws {AssemblyFailed} for names that don't fit.
 */
export function writeTar(entries: readonly TarEntry[]): Buffer {
  const blocks = entries.flatMap((entry) => {
    const content = entry.kind === "file" ? entry.content : new Uint8Array();
    const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK);
    return [headerOf(entry, content.length), content, padding];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

function entryOf(header: Buffer, type: string, content: Buffer, extended: ReadonlyMap<string, string>): TarEntry {
  const prefix = header.toString("latin1", 257, 263) === "ustar\0" ? textIn(header, 345, 155) : "";
  const name = [prefix, textIn(header, 0, 100)].filter((part) => part !== "").join("/");
  const path = insideRoot(extended.get("path") ?? name);
  const target = extended.get("linkpath") ?? textIn(header, 157, 100);
  const common = {
    path,
    mode: numberIn(header, 100, 8) & 0o7777,
    uid: Number(extended.get("uid") ?? numberIn(header, 108, 8)),
    gid: Number(extended.get("gid") ?? numberIn(header, 116, 8)),
    mtime: Math.floor(Number(extended.get("mtime") ?? numberIn(header, 136, 12))),
  };
  switch (type) {
    case TYPE_FILE:
      return { ...common, kind: "file", content };
    case TYPE_DIRECTORY:
      return { ...common, kind: "directory" };
    case TYPE_SYMLINK:
      return { ...common, kind: "symlink", target };
    case TYPE_LINK:
      return { ...common, kind: "link", target: insideRoot(target) };
    default:
      throw new AssemblyFailed(`read an archive: ${path} is of type "${type}", which the assembler doesn't know`);
  }
}

function headerOf(entry: TarEntry, size: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  const [prefix, name] = splitName(entry.kind === "directory" ? `${entry.path}/` : entry.path);
  header.write(name, 0);
  writeNumber(header, entry.mode, 100, 8);
  writeNumber(header, entry.uid, 108, 8);
  writeNumber(header, entry.gid, 116, 8);
  writeNumber(header, size, 124, 12);
  writeNumber(header, entry.mtime, 136, 12);
  header.write({ file: TYPE_FILE, directory: TYPE_DIRECTORY, symlink: TYPE_SYMLINK, link: TYPE_LINK }[entry.kind], 156);
  if (entry.kind === "symlink" || entry.kind === "link") {
    if (Buffer.byteLength(entry.target) > 100) throw tooLong(entry.target);
    header.write(entry.target, 157);
  }
  header.write("ustar\x0000", 257);
  header.write(prefix, 345);
  header.write(`${checksumOf(header).toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

/** A name has room for 100 bytes, and 155 more for the directories above it. */
function splitName(path: string): readonly [prefix: string, name: string] {
  if (Buffer.byteLength(path) <= 100) return ["", path];
  for (let at = path.indexOf("/"); at >= 0 && at < path.length - 1; at = path.indexOf("/", at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (Buffer.byteLength(prefix) <= 155 && Buffer.byteLength(name) <= 100) return [prefix, name];
  }
  throw tooLong(path);
}

function tooLong(path: string): AssemblyFailed {
  return new AssemblyFailed(`write a layer: the name ${path} is too long for the assembler`);
}

/** Every byte, those of the checksum itself as blanks. */
function checksumOf(header: Buffer): number {
  return header.reduce((sum, byte, index) => sum + (index >= 148 && index < 156 ? 0x20 : byte), 0);
}

function numberIn(header: Buffer, at: number, length: number): number {
  const field = header.subarray(at, at + length);
  // GNU's form for numbers that are too large for octal digits.
  if ((field[0] ?? 0) & 0x80) return field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
  return Number.parseInt(textIn(header, at, length).trim() || "0", 8);
}

function writeNumber(header: Buffer, value: number, at: number, length: number): void {
  header.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at);
}

function textIn(header: Buffer, at: number, length: number): string {
  const field = header.subarray(at, at + length);
  const end = field.indexOf(0);
  return field.toString("utf8", 0, end < 0 ? length : end);
}

function paxRecords(content: Buffer): ReadonlyMap<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < content.length; ) {
    const blank = content.indexOf(0x20, at);
    const length = Number(content.toString("latin1", at, blank));
    const [, key = "", value = ""] = /^([^=]+)=(.*)\n$/s.exec(content.toString("utf8", blank + 1, at + length)) ?? [];
    if (!PAX_KEYS.has(key)) throw new AssemblyFailed(`read an archive: the assembler doesn't know its record "${key}"`);
    records.set(key, value);
    at += length;
  }
  return records;
}

/** @throws {AssemblyFailed} for a name that leads out of the archive. */
function insideRoot(name: string): string {
  const path = posix.normalize(name).replace(/^\/+|\/+$/g, "");
  if (path === ".." || path.startsWith("../")) throw new AssemblyFailed(`read an archive: ${name} leads out of it`);
  return path === "." ? "" : path;
}
