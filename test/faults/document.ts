/** A JSON document on its way to a registry, to be spoilt; a text, or bytes, are taken as they are. */
export type Document = Readonly<Record<string, unknown>>;
export type Rendered = Document | string | Buffer;

/** Where in a document: keys and indexes, from the outside. */
export type Path = readonly (string | number)[];

/**
 * A copy with another value at one place; `undefined` takes the key away. A function is given the old value.
 *
 * @throws if the way there doesn't exist: a mutation that changes nothing would test nothing.
 */
export function put(document: Document, path: Path, value: unknown): Document {
  return replaced(document, path, value, path) as Document;
}

/** Several places at once. */
export function putAll(document: Document, changes: readonly (readonly [path: Path, value: unknown])[]): Document {
  return changes.reduce((changed, [path, value]) => put(changed, path, value), document);
}

/** What stands at a place. */
export function at(document: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<string | number, unknown>)[key], document);
}

/** The bytes that are pushed or signed. */
export function bytesOf(rendered: Rendered): Buffer {
  if (Buffer.isBuffer(rendered)) return rendered;
  return Buffer.from(typeof rendered === "string" ? rendered : JSON.stringify(rendered));
}

/** Whether it is a document still: what it says can be read, and changed once more. */
export function isDocument(rendered: Rendered): rendered is Document {
  return typeof rendered !== "string" && !Buffer.isBuffer(rendered);
}

/** The document as text with more keys at its start: what no object of JavaScript can hold, the same key twice. */
export function withKeyBefore(document: Document, key: string, value: unknown): string {
  return `{${JSON.stringify(key)}:${JSON.stringify(value)},${JSON.stringify(document).slice(1)}`;
}

function replaced(value: unknown, path: Path, to: unknown, whole: Path): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return typeof to === "function" ? (to as (old: unknown) => unknown)(value) : to;
  if (typeof value !== "object" || value === null) throw new Error(`nothing stands at ${whole.join(".")}`);
  const old = (value as Record<string | number, unknown>)[key];
  const next = replaced(old, rest, to, whole);
  if (next === old) throw new Error(`${whole.join(".")} is what it was`);
  if (Array.isArray(value)) {
    const copy = [...value];
    if (next === undefined) copy.splice(Number(key), 1);
    else copy[Number(key)] = next;
    return copy;
  }
  const { [key]: _, ...others } = value as Record<string, unknown>;
  return next === undefined ? others : { ...value, [key]: next };
}
