import type { z } from "zod";
import { MAX_FAULTS, type PolicyFault, type PolicyPositions } from "./policy-fault.ts";
import { readPolicyYaml } from "./policy-yaml.ts";
import { schemaFaults } from "./schema-faults.ts";

/** A policy's text held to its form. */
export interface PolicyReading<T> {
  /** Undefined where anything is wrong: part of a policy is none. */
  readonly whole: T | undefined;
  /** What is left without the entries that are wrong, to look for further faults in; undefined where that is of no form either. */
  readonly sound: T | undefined;
  /** By place. */
  readonly faults: readonly PolicyFault[];
  readonly positions: PolicyPositions;
  /** Where in the file something stands that is at this path of `sound`. */
  readonly placeOf: (path: readonly PropertyKey[]) => readonly PropertyKey[];
}

/**
 * Holds a policy to a schema, and finds all that is wrong at once: a schema that meets an unknown key or a wrong type doesn't look
 * further there.
 *
 * @throws {PolicyError} where it isn't YAML.
 */
export function readPolicyForm<T>(schema: z.ZodType<T>, bytes: Uint8Array, name: string): PolicyReading<T> {
  const { value, positions, faults: spelling } = readPolicyYaml(bytes, name);
  const first = schema.safeParse(value);
  const untouched = (path: readonly PropertyKey[]) => path;
  if (first.success) {
    const whole = spelling.length === 0 ? first.data : undefined;
    return { whole, sound: first.data, faults: spelling, positions, placeOf: untouched };
  }
  const unknown = first.error.issues.filter(({ code }) => code === "unrecognized_keys");
  const known = structuredClone(value);
  for (const { path, ...issue } of unknown)
    for (const key of "keys" in issue ? issue.keys : []) remove(known, [...path, key]);
  const second = schema.safeParse(known);
  const issues = [...unknown, ...(second.error?.issues ?? []).filter(({ code }) => code !== "unrecognized_keys")];
  const spelled = new Set(spelling.map(({ line, column }) => `${line}:${column}`));
  const told = schemaFaults(issues, { schema, value, positions }).filter(
    // How it is spelled is what is wrong there.
    ({ line, column }) => !spelled.has(`${line}:${column}`),
  );
  const rest = withoutFaulty(known, second.error?.issues ?? []);
  const third = schema.safeParse(rest.value);
  return {
    whole: undefined,
    sound: third.data,
    faults: byPlace([...spelling, ...told]),
    positions,
    placeOf: rest.placeOf,
  };
}

/** From the top of the file to its end, each once; no more than a person reads, and how many more there are behind them. */
export function byPlace(faults: readonly PolicyFault[]): readonly PolicyFault[] {
  if (faults.length > MAX_FAULTS) return faults;
  const unique = new Map(
    faults.map((fault) => [`${fault.line}:${fault.column}:${fault.path}:${fault.message}`, fault]),
  );
  return [...unique.values()].sort((a, b) => a.line - b.line || a.column - b.column);
}

/** Takes out what an issue is in: the whole entry of a list, else the key alone. What is left is looked at as if that were not there. */
function withoutFaulty(
  value: unknown,
  issues: readonly z.core.$ZodIssue[],
): { readonly value: unknown; readonly placeOf: PolicyReading<unknown>["placeOf"] } {
  const rest = structuredClone(value);
  const gone = new Map<string, Set<number>>();
  for (const { path } of issues) {
    const at = path.findIndex((part) => typeof part === "number");
    if (at === -1) {
      if (path.length === 1 && path[0] === "version") Object.assign(rest as object, { version: 1 });
      else remove(rest, path);
      continue;
    }
    const list = JSON.stringify(path.slice(0, at));
    gone.set(list, (gone.get(list) ?? new Set()).add(Number(path[at])));
  }
  for (const [list, indexes] of gone) {
    const entries = at(rest, JSON.parse(list));
    // From the end, so that those before keep their places.
    for (const index of [...indexes].sort((a, b) => b - a)) if (Array.isArray(entries)) entries.splice(index, 1);
  }
  return {
    value: rest,
    placeOf: (path) => {
      const index = path.findIndex((part) => typeof part === "number");
      const indexes = gone.get(JSON.stringify(path.slice(0, Math.max(index, 0))));
      if (index === -1 || indexes === undefined) return path;
      let original = Number(path[index]);
      for (const each of [...indexes].sort((a, b) => a - b)) if (each <= original) original++;
      return path.with(index, original);
    },
  };
}

function remove(value: unknown, path: readonly PropertyKey[]): void {
  const map = at(value, path.slice(0, -1));
  const key = path.at(-1);
  if (typeof map === "object" && map !== null && key !== undefined) Reflect.deleteProperty(map, key);
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (from, part) => (typeof from === "object" && from !== null ? Reflect.get(from, part) : undefined),
    value,
  );
}
