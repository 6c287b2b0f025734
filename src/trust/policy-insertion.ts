import { type Document, isAlias, isMap, isNode, isScalar, type Node, parseDocument, type YAMLMap } from "yaml";
import { PolicyError } from "./policy-fault.ts";
import { readPolicyYaml } from "./policy-yaml.ts";

/** Numbers to add to one map of a policy's text. */
export interface Insertion {
  /** Of the map. */
  readonly path: readonly PropertyKey[];
  /** The key of the map that they are written behind. */
  readonly after: string;
  readonly entries: readonly { readonly key: string; readonly value: number }[];
}

/**
 * Adds keys to the text itself, so that every other byte stays: the library would write the whole document anew, in its own spacing.
 * The result is read again; what didn't become just those keys is left out.
 *
 * @param bytes - A policy that can be read.
 * @returns The text, and what could be added to it.
 */
export function insertKeys(
  bytes: Uint8Array,
  insertions: readonly Insertion[],
): { readonly bytes: Uint8Array; readonly done: readonly Insertion[] } {
  const all = withKeys(bytes, insertions);
  if (all !== undefined) return { bytes: all, done: insertions };
  const possible = possibleOf(bytes, insertions);
  const some = withKeys(bytes, possible);
  return some === undefined ? { bytes, done: [] } : { bytes: some, done: possible };
}

/** By halves: a policy may have thousands of entries, and one that is spelled oddly. */
function possibleOf(bytes: Uint8Array, insertions: readonly Insertion[]): readonly Insertion[] {
  if (withKeys(bytes, insertions) !== undefined) return insertions;
  if (insertions.length < 2) return [];
  const half = insertions.length >> 1;
  return [...possibleOf(bytes, insertions.slice(0, half)), ...possibleOf(bytes, insertions.slice(half))];
}

function withKeys(bytes: Uint8Array, insertions: readonly Insertion[]): Uint8Array | undefined {
  const decoded = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  const text = decoded.replace(/^\uFEFF/, "");
  const document = parseDocument(text, { uniqueKeys: false, version: "1.2", merge: false });
  // By offset: entries that are aliases of one another are one place.
  const pieces = new Map<number, string>();
  for (const { path, after, entries } of insertions) {
    const map = mapAt(document, path);
    const pair = map?.items.find(({ key }) => isScalar(key) && key.value === after);
    const start = isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
    const end = isNode(pair?.value) ? pair.value.range?.[1] : undefined;
    if (map === undefined || start === undefined || end === undefined) return undefined;
    // Where the keys beside it are in quotes it may be JSON, and stays it.
    const quote = isScalar(pair?.key) && pair.key.type === "QUOTE_DOUBLE" ? '"' : "";
    const keys = entries.map(({ key, value }) => `${quote}${key}${quote}: ${value}`);
    if (map.flow === true) pieces.set(end, keys.map((key) => `, ${key}`).join(""));
    else pieces.set(endOfLine(text, end), keys.map((key) => lineBeside(text, start) + key).join(""));
  }
  const offsets = [...pieces.keys()].sort((a, b) => a - b);
  const parts = offsets.map((offset, i) => text.slice(offsets[i - 1] ?? 0, offset) + pieces.get(offset));
  const result = parts.join("") + text.slice(offsets.at(-1) ?? 0);
  const written = new TextEncoder().encode(decoded.slice(0, decoded.length - text.length) + result);
  return addsOnly(insertions, bytes, written) ? written : undefined;
}

function mapAt(document: Document.Parsed, path: readonly PropertyKey[]): YAMLMap | undefined {
  const resolved = (node: unknown): Node | undefined => {
    if (isAlias(node)) return node.resolve(document);
    return isNode(node) ? node : undefined;
  };
  let node = resolved(document.contents);
  for (const part of path) node = node !== undefined && "get" in node ? resolved(node.get(part, true)) : undefined;
  return isMap(node) ? node : undefined;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  if (end === -1) return text.length;
  return text[end - 1] === "\r" ? end - 1 : end;
}

/** A new line as the file ends them, up to the column at which a key stands, be it behind the dash of its entry. */
function lineBeside(text: string, key: number): string {
  const before = text.slice(text.lastIndexOf("\n", key - 1) + 1, key);
  return (text.includes("\r\n") ? "\r\n" : "\n") + before.replace(/[^ ]/g, " ");
}

/** Whether one text says what the other says and these keys: they could have become part of a comment, a text, or another map. */
function addsOnly(insertions: readonly Insertion[], before: Uint8Array, after: Uint8Array): boolean {
  try {
    const { value, faults } = readPolicyYaml(after, "");
    if (faults.length > 0) return false;
    const maps = insertions.map(({ path, entries }) => ({ entries, map: at(value, path) }));
    const isThere = maps.every(({ map, entries }) => entries.every(({ key, value }) => map?.[key] === value));
    for (const { map, entries } of maps) for (const { key } of entries) delete map?.[key];
    return isThere && JSON.stringify(value) === JSON.stringify(readPolicyYaml(before, "").value);
  } catch (error) {
    if (error instanceof PolicyError) return false;
    throw error;
  }
}

function at(value: unknown, path: readonly PropertyKey[]): Record<string, unknown> | undefined {
  const found = path.reduce<unknown>(
    (from, part) => (typeof from === "object" && from !== null ? Reflect.get(from, part) : undefined),
    value,
  );
  return typeof found === "object" && found !== null ? (found as Record<string, unknown>) : undefined;
}
