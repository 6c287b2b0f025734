import type { z } from "zod";
import { printableJson } from "../report/printable.ts";
import type { ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { pathForm } from "./path-form.ts";
import { Problem, type ProblemCode } from "./problem.ts";

/** One form that a body may have. */
export interface Content {
  readonly type: string;
  /** Undefined for what is no JSON. */
  readonly schema?: z.ZodType;
}

/** An address for programs, with all that its description (OpenAPI) says of it. */
export interface Operation extends Route {
  /** `/v1/verdicts/{digest}/vsa` */
  readonly form: string;
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  /** Whether a token shows more. */
  readonly takesToken?: boolean;
  /** By name; strings, as they come in an address. */
  readonly queries?: z.ZodObject;
  readonly asks?: z.ZodType;
  /** What it answers, by status; problems stand apart. */
  readonly answers: Readonly<Record<number, { readonly description: string; readonly content: readonly Content[] }>>;
  readonly problems: readonly ProblemCode[];
}

/** An operation with its path's form taken for what it matches. */
export function operation(given: Omit<Operation, "match" | "maxBody"> & { readonly maxBody?: number }): Operation {
  return { maxBody: 0, ...given, match: pathForm(given.form) };
}

/** Content in JSON of a form. */
export function json(schema: z.ZodType): readonly Content[] {
  return [{ type: "application/json", schema }];
}

/** A document of a form as a response; in JSON that is safe on a terminal too: names of strangers are in it. */
export function document<Schema extends z.ZodType>(
  _schema: Schema,
  value: z.output<Schema>,
  headers: Readonly<Record<string, string>>,
  status = 200,
): ApiResponse {
  return { status, headers: { "content-type": "application/json", ...headers }, body: printableJson(value) };
}

/**
 * Reads what stands behind `?`. What isn't known is refused: a misspelt `verdict=` would find everything, and each spelling would be
 * kept apart.
 *
 * @throws {Problem} `malformed-request`
 */
export function queriesOf<Schema extends z.ZodObject>(schema: Schema, { query }: ApiRequest): z.output<Schema> {
  const names = [...query.keys()];
  if (new Set(names).size !== names.length) throw new Problem("malformed-request", "a parameter is there twice");
  const read = schema.safeParse(Object.fromEntries(query));
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new Problem(
    "malformed-request",
    `the parameters: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`.slice(0, 300),
  );
}
