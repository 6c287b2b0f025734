import { z } from "zod";
import { nearestOf } from "./near-miss.ts";
import { formatPath, MAX_FAULTS, type PolicyFault, type PolicyPositions } from "./policy-fault.ts";

/** The longest value that is told in full, in characters. */
const MAX_FOUND = 60;

/** What a schema found wrong, with its place in the file, what stands there and what may; unknown keys are told one by one, at the key. */
export function schemaFaults(
  issues: readonly z.core.$ZodIssue[],
  {
    schema,
    value,
    positions,
  }: { readonly schema: z.ZodType; readonly value: unknown; readonly positions: PolicyPositions },
): PolicyFault[] {
  const found = issues.flatMap(likeliest).flatMap((issue) => {
    const { path } = issue;
    if (issue.code !== "unrecognized_keys") {
      return [
        () => {
          const there = valueAt(value, path);
          const wanted = wantedBy(issue, formsAt(schema, path));
          return { ...positions.at(path, sentenceOf(issue, there, wanted)), ...factsOf(issue, there, wanted) };
        },
      ];
    }
    const accepted = keysAt(schema, path);
    return issue.keys.map((key) => () => ({
      ...positions.atKey(path, key, unknownKey(schema, key, accepted)),
      found: key,
      accepted,
    }));
  });
  const told = found.slice(0, MAX_FAULTS).map((place) => place());
  const more = found.length - told.length;
  return more === 0 ? told : [...told, positions.at([], `and ${more} more faults`)];
}

/** Of several forms that a value may have, the one that its keys say was meant: its own faults tell more than that none fits. */
function likeliest(issue: z.core.$ZodIssue): readonly z.core.$ZodIssue[] {
  if (issue.code !== "invalid_union") return [issue];
  const isMeant = (branch: readonly z.core.$ZodIssue[]) =>
    branch.length > 0 &&
    !branch.some(({ code, path }) => (code === "invalid_type" && path.length <= 1) || code === "unrecognized_keys") &&
    branch.some(({ path }) => path.length > 0);
  const meant = issue.errors.filter(isMeant);
  const [only] = meant;
  if (only === undefined || meant.length > 1) return [issue];
  return only.flatMap((each) => likeliest({ ...each, path: [...issue.path, ...each.path] }));
}

function unknownKey(schema: z.ZodType, key: string, known: readonly string[]): string {
  const near = nearestOf(key, known);
  if (near !== undefined) return `unknown key; did you mean \`${near}\`? Known here: ${listed(known)}`;
  const elsewhere = placesOf(schema, key);
  const [only] = elsewhere;
  const advice = only === undefined || elsewhere.length > 1 ? "" : `; it belongs to ${only}`;
  return `unknown key${advice}. Known here: ${listed(known)}`;
}

function sentenceOf(issue: z.core.$ZodIssue, there: unknown, wanted: string | undefined): string {
  if (there === undefined) return wanted === undefined ? issue.message : `missing: ${wanted} is needed`;
  const near = nearestOf(String(there), valuesOf(issue));
  const advice = near === undefined ? "" : `; did you mean ${near}?`;
  const what = wanted === undefined ? issue.message : `${wanted} is needed`;
  // What a schema says of a whole map is about what stands in it.
  const isWhole = wanted === undefined && typeof there === "object" && there !== null;
  return isWhole ? what : `${what}, found ${shownValue(there)}${advice}`;
}

/** The words that a value may be. */
function valuesOf(issue: z.core.$ZodIssue): readonly string[] {
  if (issue.code === "invalid_value") return issue.values.map(String);
  if (issue.code !== "invalid_union") return [];
  return issue.errors.flat().flatMap((each) => (each.path.length === 0 ? valuesOf(each) : []));
}

/** Undefined where the schema's own sentence says it. */
function wantedBy(issue: z.core.$ZodIssue, at: readonly z.core.$ZodTypes[]): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return rangeOf(at) ?? TYPES[issue.expected] ?? issue.expected;
    case "invalid_value":
      return issue.values.length === 1 ? String(issue.values[0]) : `one of ${listed(issue.values.map(String))}`;
    case "too_small":
      if (issue.origin === "number" || issue.origin === "int") return rangeOf(at);
      if (!issue.message.startsWith("Too small")) return undefined;
      if (issue.origin === "array") return `a list of at least ${issue.minimum}`;
      return issue.origin === "string" ? "a text that isn't empty" : `a number from ${issue.minimum} on`;
    case "too_big":
      if (issue.origin === "number" || issue.origin === "int") return rangeOf(at);
      if (!issue.message.startsWith("Too big")) return undefined;
      return issue.origin === "string"
        ? `a text of at most ${issue.maximum} characters`
        : `a number of at most ${issue.maximum}`;
    case "invalid_format":
      if (issue.format === "url") return "a URL";
      return issue.message.startsWith("Invalid") && issue.pattern !== undefined
        ? `a text like ${issue.pattern}`
        : undefined;
    default:
      return undefined;
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: "a text",
  array: "a list",
  object: "a map",
  record: "a map",
  boolean: "true or false",
  number: "a number",
  int: "a whole number",
};

/** `a whole number from 0 to 3` */
function rangeOf(at: readonly z.core.$ZodTypes[]): string | undefined {
  const { minValue, maxValue } = at.find((form) => form instanceof z.ZodNumber) ?? {};
  return typeof minValue === "number" && maxValue === Math.trunc(maxValue ?? NaN)
    ? `a whole number from ${minValue} to ${maxValue}`
    : undefined;
}

function factsOf(
  issue: z.core.$ZodIssue,
  there: unknown,
  wanted: string | undefined,
): Pick<PolicyFault, "found" | "accepted"> {
  const accepted = issue.code === "invalid_value" ? issue.values.map(String) : [wanted ?? issue.message];
  return { ...(there !== undefined && { found: shownValue(there) }), accepted };
}

/** As it would be written, in a few words. */
function shownValue(value: unknown): string {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object") return "a map";
  const text = JSON.stringify(value);
  return text.length > MAX_FOUND ? `${text.slice(0, MAX_FOUND)}…` : text;
}

function listed(words: readonly string[]): string {
  return words.join(", ");
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, part) =>
      typeof at === "object" && at !== null && Object.hasOwn(at, part) ? Reflect.get(at, part) : undefined,
    value,
  );
}

/** The keys that may stand in the map at a path; of forms that differ, those of all. */
function keysAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): readonly string[] {
  const at = formsAt(schema, path);
  return [...new Set(at.flatMap(({ _zod: { def } }) => (def.type === "object" ? Object.keys(def.shape) : [])))];
}

/** What may stand at a path. */
function formsAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): readonly z.core.$ZodTypes[] {
  return path.reduce((at, part) => at.flatMap((form) => inside(form, part)).flatMap(forms), forms(schema));
}

/** Where in a policy a key is known, as `trust.roots`; lists are left out of it. */
function placesOf(schema: z.core.$ZodType, key: string, path: readonly string[] = []): readonly string[] {
  return forms(schema).flatMap((form) => {
    const { def } = form._zod;
    if (def.type !== "object") return [];
    return Object.entries(def.shape).flatMap(([name, field]) => [
      ...(name === key ? [formatPath([...path, name])] : []),
      ...placesOf(field, key, [...path, name]),
    ]);
  });
}

/** What a schema may be, without what only wraps it. */
function forms(schema: z.core.$ZodType): readonly z.core.$ZodTypes[] {
  const known = schema as z.core.$ZodTypes;
  const { def } = known._zod;
  switch (def.type) {
    case "union":
      return def.options.flatMap(forms);
    case "optional":
    case "default":
    case "prefault":
      return forms(def.innerType);
    case "pipe":
      return forms(def.in);
    default:
      return [known];
  }
}

function inside({ _zod: { def } }: z.core.$ZodTypes, part: PropertyKey): readonly z.core.$ZodType[] {
  if (def.type === "array") return [def.element];
  if (def.type === "record") return [def.valueType];
  if (def.type !== "object" || !Object.hasOwn(def.shape, part)) return [];
  const field: z.core.$ZodType | undefined = def.shape[String(part)];
  return field === undefined ? [] : [field];
}
