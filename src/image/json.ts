import type { z } from "zod";

/** Deepest nesting of objects and arrays that is read; the deepest honest documents (BuildKit's LLB) stay below 20. */
const MAX_DEPTH = 256;

/**
 * Most parts of a document where its reader says nothing else: objects, arrays, and what stands in them. Three bytes make a part, and each
 * takes up to two hundred in memory: a size alone bounds neither memory nor time. Manifests, configs and reviews of 4 MiB stay below.
 */
export const MAX_PARTS = 500_000;

/** Why a document was not read. */
export type JsonErrorCode =
  /** Bytes that are not UTF-8: Go would replace them, and compare other strings than we do. */
  | "not-utf8"
  /** Not JSON; a byte order mark counts as that, for Go as for us. */
  | "not-json"
  /** The same key twice: whoever reads takes the first, the last, or both merged. */
  | "duplicate-key"
  /** A key that differs from a known one by case only: Go takes it for the known one, JavaScript does not. */
  | "folded-key"
  /** Nested deeper than any honest document. */
  | "too-deep"
  /** Of more parts than any honest document. */
  | "too-many-parts"
  /** Not of the form that was asked for. */
  | "schema";

/** A document that could not be read in one way only. */
export class JsonError extends Error {
  readonly code: JsonErrorCode;
  /** Where the fault is, `manifests[2].digest`; "" for the whole document. Parts of it were chosen by whoever wrote the document. */
  readonly path: string;
  constructor(code: JsonErrorCode, path: string, reason: string, options?: ErrorOptions) {
    super(`read a JSON document${path === "" ? "" : ` at ${path}`}: ${reason}`, options);
    this.name = "JsonError";
    this.code = code;
    this.path = path;
  }
}

/** Without a state between two calls: none of them streams. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads bytes as JSON such that every other reader of the same bytes sees the same document (RULES R23). The size is the
 * caller's to limit, before.
 *
 * Numbers are JavaScript's: a schema must refuse integers beyond `Number.isSafeInteger`. A key `__proto__` is an ordinary own
 * property of the answer; never copy it with `Object.assign`.
 *
 * @param maxParts - As {@link MAX_PARTS}.
 * @throws {JsonError} of every code but `folded-key` and `schema`.
 */
export function parseJson(bytes: Uint8Array, maxParts = MAX_PARTS): unknown {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch (cause) {
    throw new JsonError("not-utf8", "", "the bytes are not UTF-8", { cause });
  }
  // Before JSON.parse, which would spend memory on a million nested arrays.
  refuseDuplicateKeys(text, maxParts);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new JsonError("not-json", "", "it is not JSON", { cause });
  }
}

/**
 * Reads bytes as a document of a known form: {@link parseJson}, {@link refuseFoldedKeys}, then the schema.
 *
 * @param maxParts - As {@link MAX_PARTS}.
 * @throws {JsonError} and nothing else: an exception out of the schema's own functions is a refusal too.
 */
export function readDocument<T>(schema: z.ZodType<T>, bytes: Uint8Array, maxParts?: number): T {
  return readValue(schema, parseJson(bytes, maxParts));
}

/**
 * {@link readDocument} for a value that {@link parseJson} made.
 *
 * @throws {JsonError} `folded-key` or `schema`.
 */
export function readValue<T>(schema: z.ZodType<T>, value: unknown): T {
  refuseFoldedKeys(value, schema);
  let outcome: z.ZodSafeParseResult<T>;
  try {
    outcome = schema.safeParse(value);
  } catch (cause) {
    throw new JsonError("schema", "", "its form could not be checked", { cause });
  }
  if (outcome.success) return outcome.data;
  const [first] = outcome.error.issues;
  throw new JsonError("schema", pathText(first?.path ?? []), (first?.message ?? "wrong form").slice(0, 200), {
    cause: outcome.error,
  });
}

/**
 * Refuses keys that equal a field of the schema but for case. Go's `encoding/json` reads them as that field, so that `Manifests`
 * could show one list to a cluster and none to us. Only fields that the schema names are compared: free maps (annotations,
 * labels) are case-sensitive for Go too, and fields that we don't read can't mislead us.
 *
 * @param value - Answered by {@link parseJson}: its depth is bounded.
 * @throws {JsonError} `folded-key`
 */
export function refuseFoldedKeys(value: unknown, schema: z.ZodType): void {
  walk(value, formsOf([schema]), []);
}

/**
 * Compares case as Go does: `ſ` is an s and the Kelvin sign a k. It goes further for a few letters (`ı`, `ß`), where refusing
 * hurts no known document.
 */
function fold(key: string): string {
  return key.toUpperCase().toLowerCase();
}

/** The schemas that look into a value; several where a union leaves it open which will be taken. */
type Form = z.core.$ZodObject | z.core.$ZodArray | z.core.$ZodTuple | z.core.$ZodRecord;

function walk(value: unknown, forms: readonly Form[], path: readonly PropertyKey[]): void {
  if (forms.length === 0 || typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) {
    for (const [index, element] of value.entries()) walk(element, elementForms(forms, index), [...path, index]);
    return;
  }
  for (const [key, field] of Object.entries(value)) {
    if (!isField(key, forms) && equalsFieldButForCase(key, forms)) {
      throw new JsonError("folded-key", pathText([...path, key]), "the key differs from a known field by case only");
    }
    walk(field, fieldForms(forms, key), [...path, key]);
  }
}

function isField(key: string, forms: readonly Form[]): boolean {
  return forms.some((form) => form._zod.def.type === "object" && Object.hasOwn(form._zod.def.shape, key));
}

const foldedFields = new WeakMap<Form, ReadonlySet<string>>();

function equalsFieldButForCase(key: string, forms: readonly Form[]): boolean {
  const folded = fold(key);
  return forms.some((form) => {
    if (form._zod.def.type !== "object") return false;
    let fields = foldedFields.get(form);
    if (fields === undefined) {
      fields = new Set(Object.keys(form._zod.def.shape).map(fold));
      foldedFields.set(form, fields);
    }
    return fields.has(folded);
  });
}

function elementForms(forms: readonly Form[], index: number): readonly Form[] {
  return formsOf(
    forms.flatMap(({ _zod: { def } }) => {
      if (def.type === "array") return [def.element];
      if (def.type === "tuple") return [def.items[index] ?? def.rest ?? []].flat();
      return [];
    }),
  );
}

/** By form, the forms of each of its own fields: schemas don't change, and a document asks for the same ones over and over. */
const knownFieldForms = new WeakMap<Form, Map<string, readonly Form[]>>();

function fieldForms(forms: readonly Form[], key: string): readonly Form[] {
  const [form] = forms;
  // Only fields that the schema names are kept: other keys are the document's to choose, without end.
  if (forms.length !== 1 || form?._zod.def.type !== "object" || !Object.hasOwn(form._zod.def.shape, key)) {
    return findFieldForms(forms, key);
  }
  let known = knownFieldForms.get(form);
  if (known === undefined) {
    known = new Map();
    knownFieldForms.set(form, known);
  }
  let found = known.get(key);
  if (found === undefined) {
    found = findFieldForms(forms, key);
    known.set(key, found);
  }
  return found;
}

function findFieldForms(forms: readonly Form[], key: string): readonly Form[] {
  return formsOf(
    forms.flatMap(({ _zod: { def } }) => {
      if (def.type === "record") return [def.valueType];
      if (def.type !== "object") return [];
      const field = Object.hasOwn(def.shape, key) ? def.shape[key] : def.catchall;
      return field === undefined ? [] : [field];
    }),
  );
}

/** Takes off the wrappers, and answers what is inside; nothing for schemas that don't look into objects. */
function formsOf(schemas: readonly z.core.$ZodType[]): readonly Form[] {
  const forms = new Set<Form>();
  const seen = new Set<z.core.$ZodType>();
  const open = [...schemas];
  for (let schema = open.pop(); schema !== undefined; schema = open.pop()) {
    if (seen.has(schema)) continue;
    seen.add(schema);
    const { def } = (schema as z.core.$ZodTypes)._zod;
    switch (def.type) {
      case "object":
      case "array":
      case "tuple":
      case "record":
        forms.add(schema as Form);
        break;
      case "optional":
      case "nullable":
      case "default":
      case "prefault":
      case "nonoptional":
      case "readonly":
      case "catch":
      case "success":
        open.push(def.innerType);
        break;
      case "union":
        open.push(...def.options);
        break;
      case "intersection":
        open.push(def.left, def.right);
        break;
      case "lazy":
        open.push(def.getter());
        break;
      case "pipe":
        // The document is what goes in; z.preprocess puts a bare function there, and then what follows tells the fields.
        open.push(def.in._zod.def.type === "transform" ? def.out : def.in);
        break;
      default:
        break;
    }
  }
  return [...forms];
}

/** One open object or array of the scanner. */
interface Frame {
  /** The keys so far, as Go decodes them; undefined in an array. */
  readonly keys: Set<string> | undefined;
  key: string;
  index: number;
}

/**
 * Runs over the text once, strings and brackets only. It need not notice what is wrong with a text that is not JSON, since
 * JSON.parse comes after it; on JSON it sees every key: a string in an object with a colon behind it.
 */
function refuseDuplicateKeys(text: string, maxParts: number): void {
  const frames: Frame[] = [];
  let top: Frame | undefined;
  // Whatever stands in an object or array is the first there, or has a comma before it.
  let parts = 0;
  const count = () => {
    if (++parts > maxParts) throw new JsonError("too-many-parts", "", `it has more than ${maxParts} parts`);
  };
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case "{":
      case "[":
        count();
        if (frames.length >= MAX_DEPTH) throw new JsonError("too-deep", "", `it is nested deeper than ${MAX_DEPTH}`);
        top = { keys: text[at] === "{" ? new Set() : undefined, key: "", index: 0 };
        frames.push(top);
        break;
      case "}":
      case "]":
        frames.pop();
        top = frames.at(-1);
        break;
      case ",":
        count();
        if (top !== undefined) top.index++;
        break;
      case '"': {
        const end = endOfString(text, at);
        if (top?.keys !== undefined && isBeforeColon(text, end)) {
          top.key = decodeKey(text.slice(at, end));
          if (top.keys.has(top.key)) {
            const path = frames.map((frame) => (frame.keys === undefined ? frame.index : frame.key));
            throw new JsonError("duplicate-key", pathText(path), "the key is there twice");
          }
          top.keys.add(top.key);
        }
        at = end - 1;
        break;
      }
      default:
        break;
    }
  }
}

/** The place behind the closing quote. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    // A quote is escaped by an odd number of backslashes before it.
    let backslashes = 0;
    while (text[end - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return end + 1;
  }
  throw new JsonError("not-json", "", "a string has no end");
}

function isBeforeColon(text: string, from: number): boolean {
  let at = from;
  while (text[at] === " " || text[at] === "\t" || text[at] === "\n" || text[at] === "\r") at++;
  return text[at] === ":";
}

/** The key as Go sees it, which reads each half of a broken surrogate pair as U+FFFD: two keys for us could be one there. */
function decodeKey(token: string): string {
  if (!token.includes("\\")) return token.slice(1, -1);
  try {
    return (JSON.parse(token) as string).toWellFormed();
  } catch (cause) {
    throw new JsonError("not-json", "", "a key is no JSON string", { cause });
  }
}

/** A path for people, `manifests[2].digest`; keys that are no plain names are quoted, and long ones cut. */
function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((step) => {
      if (typeof step === "number") return `[${step}]`;
      const key = String(step).slice(0, 100);
      return /^[A-Za-z_][A-Za-z0-9_]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
    })
    .join("")
    .replace(/^\./, "");
}
