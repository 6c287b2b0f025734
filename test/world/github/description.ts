import { readFileSync } from "node:fs";

/** JSON Schema as OpenAPI 3.0 writes it. */
export type Schema = { readonly [key: string]: unknown };

/** A parameter of an operation. */
export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly required?: boolean;
  readonly schema: Schema;
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}

/** One operation of GitHub's API. */
export interface Operation {
  /** `GET /repos/{owner}/{repo}` */
  readonly name: string;
  readonly parameters: readonly Parameter[];
  /** Of the body; undefined if it takes none. */
  readonly body: Schema | undefined;
  /** By status; undefined for an answer without a body. */
  readonly responses: ReadonlyMap<number, Schema | undefined>;
}

type Reference<T> = T | { readonly $ref: string };

interface Slice {
  readonly info: { readonly version: string; readonly package: string };
  readonly operations: Readonly<
    Record<
      string,
      {
        readonly parameters?: readonly Reference<Parameter>[];
        readonly requestBody?: Content;
        readonly responses: Readonly<Record<string, Reference<Content>>>;
      }
    >
  >;
  readonly webhooks: Readonly<Record<string, { readonly requestBody: Content }>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const slice = JSON.parse(readFileSync(new URL("openapi.json", import.meta.url), "utf8")) as Slice;

/** Where GitHub is known to answer otherwise than it describes: since 2026-07-16 the list has null in place of each bundle. */
const listed = slice.operations["GET /repos/{owner}/{repo}/attestations/{subject_digest}"]?.responses["200"];
mend(listed, ["content", "application/json", "schema", "properties", "attestations", "items", "properties", "bundle"]);

/** The list of installations is described with an account that is a user and an enterprise at once; the component has it right. */
const installations = slice.operations["GET /app/installations"]?.responses["200"];
at(installations, ["content", "application/json", "schema"]).items = { $ref: "#/components/schemas/installation" };

/** A pull request outlives the fork that it is from. */
for (const name of ["pull-request", "pull-request-simple"])
  mend(slice.components.schemas?.[name], ["properties", "head", "properties", "repo"]);

/** A ref that can't be deleted is described as refused without a word; GitHub says why. */
const deleted = slice.operations["DELETE /repos/{owner}/{repo}/git/refs/{ref}"]?.responses;
Object.assign(deleted ?? {}, { 422: { $ref: "#/components/responses/validation_failed" } });

/** GitHub's OpenAPI description, the part that is used here. */
export const components = slice.components;

/** Of the description. */
export const { version } = slice.info;

/** Every described operation by its name. */
export const operations: ReadonlyMap<string, Operation> = new Map(
  Object.entries(slice.operations).map(([name, { parameters = [], requestBody, responses }]) => [
    name,
    {
      name,
      parameters: parameters.map((each) => resolve(each)),
      body: schemaOf(requestBody),
      responses: new Map(Object.entries(responses).map(([status, each]) => [Number(status), schemaOf(resolve(each))])),
    },
  ]),
);

/** The payload's schema by the webhook's name, `workflow-run-completed`. */
export const webhooks: ReadonlyMap<string, Schema> = new Map(
  Object.entries(slice.webhooks).map(([name, { requestBody }]) => [name, schemaOf(requestBody) ?? {}]),
);

/** Parameters whose value may have slashes, encoded or not. */
const WITH_SLASHES = new Set(["path", "ref", "branch"]);

const routes = [...operations.values()]
  .map((operation) => {
    const [method = "", path = ""] = operation.name.split(" ");
    const names: string[] = [];
    const pattern = path.replace(/\{([^}]+)\}|[^{]+/g, (text, name?: string) => {
      if (name === undefined) return RegExp.escape(text);
      names.push(name);
      return WITH_SLASHES.has(name) ? "(.*)" : "([^/]+)";
    });
    return { operation, method, path, names, pattern: new RegExp(`^${pattern}$`) };
  })
  .sort((one, other) => fixedLength(other.path) - fixedLength(one.path)); // the more is fixed, the earlier

/** The operation that a request asks for, with its path parameters decoded; undefined if none is described. */
export function findOperation(method: string, pathname: string) {
  const path = /\/contents$/.test(pathname) ? `${pathname}/` : pathname;
  for (const route of routes) {
    const match = route.method === method ? route.pattern.exec(path) : null;
    if (match === null) continue;
    const values = route.names.map((name, index) => [name, decodeURIComponent(match[index + 1] ?? "")]);
    return { operation: route.operation, parameters: Object.fromEntries(values) as Record<string, string> };
  }
  return undefined;
}

function mend(document: unknown, path: readonly string[]): void {
  Object.assign(at(document, path), { nullable: true });
}

function at(document: unknown, path: readonly string[]): Record<string, unknown> {
  const found = path.reduce((each: unknown, key) => (each as Record<string, unknown> | undefined)?.[key], document);
  if (typeof found !== "object" || found === null) throw new Error(`openapi.json has nothing at ${path.join("/")}`);
  return found as Record<string, unknown>;
}

function fixedLength(path: string): number {
  return path.replace(/\{[^}]+\}/g, "").length;
}

function resolve<T>(value: Reference<T>): T {
  if (typeof value !== "object" || value === null || !("$ref" in value)) return value as T;
  const [, , kind = "", name = ""] = value.$ref.split("/");
  return components[kind]?.[name] as T;
}

function schemaOf(content: Content | undefined): Schema | undefined {
  return content?.content?.["application/json"]?.schema;
}
