import type { Flag } from "./flags.ts";

/** `RUN --mount=…`, cut into its fields. */
export interface Mount {
  readonly fields: readonly MountField[];
  /** The last `from`; empty where there is none. */
  readonly from: string;
  /** Where that stands in the instruction's text; undefined where quotes or escapes are in it. */
  readonly fromAt: number | undefined;
}

/** `key=value` of a mount, or a key alone. */
export interface MountField {
  /** In lower case. */
  readonly key: string;
  readonly value: string | undefined;
}

/** The fields can't be read. */
export class MountError extends Error {
  readonly code = "malformed-mount";
}

const KEYS = new Set([
  "type",
  "from",
  "source",
  "src",
  "target",
  "dst",
  "destination",
  "readonly",
  "ro",
  "readwrite",
  "rw",
  "required",
  "size",
  "id",
  "sharing",
  "mode",
  "uid",
  "gid",
  "env",
]);
const ALONE = new Set(["readonly", "ro", "readwrite", "rw", "required"]);
const TYPES = new Set(["bind", "cache", "tmpfs", "secret", "ssh"]);

/**
 * Reads the value of a `--mount`: a line of comma-separated values, any of which may be quoted.
 *
 * @throws {MountError} also for a variable in `from`, which BuildKit doesn't put in.
 */
export function readMount({ value = "", valueAt }: Flag): Mount {
  const fields = readCsv(value).map(({ text, at }) => {
    const equals = text.indexOf("=");
    const key = (equals < 0 ? text : text.slice(0, equals)).toLowerCase();
    const rest = equals < 0 ? undefined : text.slice(equals + 1);
    return { key, value: rest, at: at === undefined || rest === undefined ? undefined : at + equals + 1 };
  });
  const froms = fields.filter((field) => field.key === "from" && field.value !== undefined);
  if (froms.some((field) => /\$./.test(field.value ?? ""))) throw new MountError("from takes no variables");
  const last = froms.at(-1);
  const fromAt = last?.at === undefined || valueAt === undefined ? undefined : valueAt + last.at;
  return { fields, from: last?.value ?? "", fromAt };
}

/** What is wrong with the fields once variables are put in; undefined if they are as they should be. */
export function faultOfMount(fields: readonly MountField[]): string | undefined {
  for (const { key, value } of fields) {
    if (value === undefined ? !ALONE.has(key) : !KEYS.has(key)) return `a mount has no field ${key.slice(0, 40)}`;
    if (key === "type" && !TYPES.has(value?.toLowerCase() ?? ""))
      return `there is no mount of type ${value?.slice(0, 40)}`;
  }
  return undefined;
}

function readCsv(text: string): readonly { readonly text: string; readonly at: number | undefined }[] {
  if (text === "") throw new MountError("it is empty");
  const fields: { text: string; at: number | undefined }[] = [];
  for (let at = 0; ; ) {
    if (text.charAt(at) !== '"') {
      const comma = text.indexOf(",", at);
      const end = comma < 0 ? text.length : comma;
      const field = text.slice(at, end);
      if (field.includes('"')) throw new MountError("a quote stands inside a field");
      fields.push({ text: field, at });
      if (comma < 0) return fields;
      at = comma + 1;
      continue;
    }
    let field = "";
    for (at++; ; at++) {
      if (at >= text.length) throw new MountError("a quote has no end");
      if (text.charAt(at) !== '"') field += text.charAt(at);
      else if (text.charAt(at + 1) === '"') field += text.charAt(at++);
      else break;
    }
    fields.push({ text: field, at: undefined });
    at++;
    if (at === text.length) return fields;
    if (text.charAt(at) !== ",") throw new MountError("something stands behind a quote");
    at++;
  }
}
