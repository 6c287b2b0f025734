import { Ajv, type ValidateFunction } from "ajv";
import { components, type Operation, type Schema, webhooks } from "./description.ts";

const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;
/** Errors that any operation may answer with, described or not. */
const COMMON_ERRORS = new Set([400, 401, 403, 404, 409, 410, 422, 429, 500, 502, 503, 504]);
const BASIC_ERROR: Schema = { $ref: "#/components/schemas/basic-error" };

const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: true, logger: false });
ajv.addFormat("date-time", DATE_TIME);
ajv.addFormat("uri", (text: string) => URL.canParse(text));
ajv.addSchema({ $id: "github", components: jsonSchema(components) });

const compiled = new Map<Schema, ValidateFunction>();

/** A value of a path or a query as the program that reads it would take it. */
export type ParameterValue = string | number | boolean;

/** The parameters of a request by name, and what of it doesn't fit the description. */
export interface RequestReading {
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  readonly faults: readonly string[];
}

/** Reads a request; what the description doesn't know is a fault, for GitHub would ignore it or refuse it. */
export function readRequest(
  operation: Operation,
  path: Readonly<Record<string, string>>,
  query: URLSearchParams,
  body: unknown,
): RequestReading {
  const parameters: Record<string, ParameterValue> = {};
  const faults: string[] = [];
  for (const { name, in: where, required, schema } of operation.parameters) {
    const text = where === "path" ? path[name] : (query.get(name) ?? undefined);
    if (text === undefined) {
      if (required) faults.push(`${where} lacks ${name}`);
      const missing = (jsonSchema(resolved(schema)) as { default?: ParameterValue }).default;
      if (missing !== undefined) parameters[name] = missing;
      continue;
    }
    const value = parameterValue(text, schema);
    // What dates stand for in a query is a language of its own: `created=>=2026-01-01`.
    faults.push(...faultsOf(withoutFormat(schema), value, `${where} ${name}`));
    parameters[name] = value;
  }
  const known = new Set(operation.parameters.filter((each) => each.in === "query").map(({ name }) => name));
  for (const name of query.keys()) if (!known.has(name)) faults.push(`query has ${name}, which isn't described`);
  if (operation.body === undefined) {
    if (body !== undefined) faults.push("body: none is described");
  } else if (body !== undefined) {
    faults.push(...faultsOf(operation.body, body, "body"));
    const properties = Object.keys((operation.body.properties as Schema | undefined) ?? {});
    for (const key of Object.keys(body ?? {}))
      if (!properties.includes(key)) faults.push(`body has ${key}, which isn't described`);
  } else if (Array.isArray(operation.body.required) && operation.body.required.length > 0)
    faults.push("body is missing");
  return { parameters, faults };
}

/** What of an answer doesn't fit the description. */
export function responseFaults(operation: Operation, status: number, body: unknown): readonly string[] {
  if (!operation.responses.has(status)) {
    if (!COMMON_ERRORS.has(status)) return [`answer ${status} isn't described`];
    return faultsOf(BASIC_ERROR, body, `answer ${status}`);
  }
  const schema = operation.responses.get(status);
  if (schema === undefined) return body === undefined ? [] : [`answer ${status}: no body is described`];
  return body === undefined ? [`answer ${status} lacks its body`] : faultsOf(schema, body, `answer ${status}`);
}

/** What of a webhook's payload doesn't fit the description. */
export function webhookFaults(event: string, payload: { readonly action?: unknown }): readonly string[] {
  const name = [event, ...(typeof payload.action === "string" ? [payload.action] : [])].join("-").replaceAll("_", "-");
  const schema = webhooks.get(name);
  return schema === undefined ? [`webhook ${name} isn't described`] : faultsOf(schema, payload, `webhook ${name}`);
}

function faultsOf(schema: Schema, value: unknown, what: string): readonly string[] {
  const known = compiled.get(schema);
  const validate = known ?? ajv.compile(jsonSchema(schema) as Schema);
  if (known === undefined) compiled.set(schema, validate);
  if (validate(value)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${what}${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}

/** OpenAPI 3.0 says `nullable` where JSON Schema has a type of its own for null, and its references are to this document. */
function jsonSchema(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(jsonSchema);
  if (typeof value !== "object" || value === null) return value;
  const { nullable, discriminator: _, ...rest } = value as Schema;
  const schema = Object.fromEntries(
    Object.entries(rest).map(([key, each]) => [
      key,
      key === "$ref" && typeof each === "string" ? each.replace(/^#/, "github#") : jsonSchema(each),
    ]),
  );
  // A property may be called "nullable"; then it is a schema.
  if (nullable === undefined || typeof nullable === "object") {
    return nullable === undefined ? schema : { ...schema, nullable: jsonSchema(nullable) };
  }
  return nullable === true ? { anyOf: [{ type: "null" }, schema] } : schema;
}

function resolved(schema: Schema): Schema {
  const reference = schema.$ref;
  if (typeof reference !== "string") return schema;
  const [, , kind = "", name = ""] = reference.split("/");
  return components[kind]?.[name] as Schema;
}

const formatless = new Map<Schema, Schema>();

function withoutFormat(schema: Schema): Schema {
  if (schema.format === undefined) return schema;
  const known = formatless.get(schema);
  if (known !== undefined) return known;
  const { format: _, ...rest } = schema;
  formatless.set(schema, rest);
  return rest;
}

function parameterValue(text: string, schema: Schema): ParameterValue {
  const { type } = resolved(schema);
  if (type === "integer" && /^-?\d+$/.test(text)) return Number(text);
  if (type === "boolean" && /^(?:true|false)$/.test(text)) return text === "true";
  return text;
}
