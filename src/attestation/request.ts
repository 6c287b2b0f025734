import { z } from "zod";

/** Most places in the nested requests that are looked at. */
const MAX_NESTED = 10_000;

/** What BuildKit was asked to build: `mode=min` leaves out build arguments, labels, secrets and ssh. */
export interface BuildRequest {
  readonly frontend?: string;
  readonly args: Readonly<Record<string, string>>;
  /** Ids only; values are never recorded. */
  readonly secrets: readonly SecretUse[];
  readonly ssh: readonly SecretUse[];
  /** Names of directories that the client sent. */
  readonly locals: readonly string[];
  /** Named contexts, `context:NAME` among the arguments. */
  readonly contexts: Readonly<Record<string, string>>;
  /** The requests that this one's inputs came from, wherever they stand; policy has no words for them. */
  readonly nested: readonly NestedRequest[];
}

/** A secret or an ssh agent that steps may ask for. */
export interface SecretUse {
  readonly id: string;
  readonly optional: boolean;
}

/** A request inside a request: its frontend ran as well. */
export interface NestedRequest {
  readonly frontend?: string;
  readonly args: Readonly<Record<string, string>>;
  readonly locals: readonly string[];
}

const text = z.string().nullish();
const uses = z.array(z.object({ id: text, optional: z.boolean().nullish() }).nullable()).nullish();

const requestFields = {
  frontend: text,
  args: z.record(z.string(), z.string()).nullish(),
  secrets: uses,
  ssh: uses,
  locals: z.array(z.object({ name: text }).nullable()).nullish(),
  inputs: z.unknown().optional(),
  root: z.unknown().optional(),
};

/** The form of the request in both versions: `externalParameters.request`, `invocation.parameters`. */
export const requestSchema = z.object(requestFields);

/** The names of the fields that are understood; any other could change what was built (RULES R9). */
export const REQUEST_FIELDS: ReadonlySet<string> = new Set(Object.keys(requestFields));

/** The request, absence and null and emptiness made one. */
export function requestOf(document: z.infer<typeof requestSchema> | null | undefined): BuildRequest {
  const args = document?.args ?? {};
  const contexts = Object.entries(args).flatMap(([key, value]) =>
    key.startsWith("context:") ? [[key.slice(8), value]] : [],
  );
  return {
    ...(document?.frontend && { frontend: document.frontend }),
    args,
    secrets: usesOf(document?.secrets),
    ssh: usesOf(document?.ssh),
    locals: localsOf(document?.locals),
    contexts: Object.fromEntries(contexts),
    nested: [...nestedIn([document?.inputs, document?.root])],
  };
}

function usesOf(list: z.infer<typeof uses>): readonly SecretUse[] {
  return (list ?? []).flatMap((use) => (use === null ? [] : [{ id: use.id ?? "", optional: use.optional ?? false }]));
}

function localsOf(list: unknown): readonly string[] {
  const known = requestFields.locals.safeParse(list);
  return known.success ? (known.data ?? []).flatMap((local) => (local === null ? [] : [local.name ?? ""])) : [];
}

/**
 * Every object in there that looks like a request. The form of `inputs` and `root` differs between versions of BuildKit, and a
 * frontend that is overlooked is a parent that is overlooked, so nothing is taken for granted but the names of the fields, and
 * those in any case.
 */
function* nestedIn(roots: readonly unknown[]): Generator<NestedRequest> {
  const open: unknown[] = [...roots];
  let looked = 0;
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== "object" || value === null) continue;
    if (++looked > MAX_NESTED) {
      // Not understood whole: an unknown frontend says so, and is reported as one.
      yield { frontend: `more than ${MAX_NESTED} nested values`, args: {}, locals: [] };
      return;
    }
    const fields = new Map(Object.entries(value).map(([key, field]) => [key.toLowerCase(), field as unknown]));
    const frontend = fields.get("frontend");
    const args = textsIn(fields.get("args"));
    const locals = localsOf(fields.get("locals"));
    if (typeof frontend === "string" || Object.keys(args).length > 0 || locals.length > 0) {
      yield { ...(typeof frontend === "string" && frontend !== "" && { frontend }), args, locals };
    }
    for (const field of Array.isArray(value) ? value : fields.values()) open.push(field);
  }
}

function textsIn(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
