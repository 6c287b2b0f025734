// Cuts what the tests' GitHub needs out of GitHub's own description, so that it can be committed and looked through.
// node scripts/openapi-slice.ts FILE    FILE is generated/api.github.com.json of the npm package @octokit/openapi
import { readFileSync, writeFileSync } from "node:fs";

const PACKAGE = "@octokit/openapi";
const TARGET = "test/world/github/openapi.json";

const REPOSITORY = "/repos/{owner}/{repo}";

/** What the app, the action and the command ask of GitHub. */
const OPERATIONS = [
  "GET /app",
  "GET /app/hook/deliveries",
  "POST /app/hook/deliveries/{delivery_id}/attempts",
  "POST /app-manifests/{code}/conversions",
  "GET /app/installations",
  "GET /app/installations/{installation_id}",
  "POST /app/installations/{installation_id}/access_tokens",
  "GET /installation/repositories",
  `GET ${REPOSITORY}`,
  `GET ${REPOSITORY}/actions/jobs/{job_id}/logs`,
  `GET ${REPOSITORY}/actions/runs/{run_id}`,
  `GET ${REPOSITORY}/actions/runs/{run_id}/attempts/{attempt_number}/jobs`,
  `POST ${REPOSITORY}/actions/runs/{run_id}/cancel`,
  `POST ${REPOSITORY}/actions/runs/{run_id}/rerun`,
  `POST ${REPOSITORY}/actions/workflows/{workflow_id}/dispatches`,
  `GET ${REPOSITORY}/actions/workflows/{workflow_id}/runs`,
  `POST ${REPOSITORY}/attestations`,
  `GET ${REPOSITORY}/attestations/{subject_digest}`,
  `GET ${REPOSITORY}/branches/{branch}`,
  `POST ${REPOSITORY}/check-runs`,
  `GET ${REPOSITORY}/check-runs/{check_run_id}`,
  `PATCH ${REPOSITORY}/check-runs/{check_run_id}`,
  `GET ${REPOSITORY}/check-runs/{check_run_id}/annotations`,
  `GET ${REPOSITORY}/collaborators/{username}/permission`,
  `GET ${REPOSITORY}/commits/{ref}`,
  `GET ${REPOSITORY}/commits/{ref}/check-runs`,
  `GET ${REPOSITORY}/compare/{basehead}`,
  `GET ${REPOSITORY}/contents/{path}`,
  `POST ${REPOSITORY}/git/blobs`,
  `GET ${REPOSITORY}/git/blobs/{file_sha}`,
  `POST ${REPOSITORY}/git/commits`,
  `GET ${REPOSITORY}/git/commits/{commit_sha}`,
  `GET ${REPOSITORY}/git/matching-refs/{ref}`,
  `GET ${REPOSITORY}/git/ref/{ref}`,
  `POST ${REPOSITORY}/git/refs`,
  `PATCH ${REPOSITORY}/git/refs/{ref}`,
  `DELETE ${REPOSITORY}/git/refs/{ref}`,
  `GET ${REPOSITORY}/git/tags/{tag_sha}`,
  `POST ${REPOSITORY}/git/trees`,
  `GET ${REPOSITORY}/git/trees/{tree_sha}`,
  `GET ${REPOSITORY}/pulls`,
  `POST ${REPOSITORY}/pulls`,
  `GET ${REPOSITORY}/pulls/{pull_number}`,
  `PATCH ${REPOSITORY}/pulls/{pull_number}`,
  `GET ${REPOSITORY}/pulls/{pull_number}/files`,
  `GET ${REPOSITORY}/pulls/{pull_number}/reviews`,
  `POST ${REPOSITORY}/pulls/{pull_number}/reviews`,
  `GET ${REPOSITORY}/rules/branches/{branch}`,
  "GET /users/{username}",
];

const WEBHOOKS =
  /^(?:push|create|delete|(?:workflow-run|check-run)-.+|check-suite-(?:re)?requested|pull-request-(?:opened|synchronize|reopened|edited|closed)|repository-(?:privatized|publicized)|installation(?:-repositories)?-.+)$/;

/** Every error has this form, whether an operation says so or not. */
const ALWAYS = ["#/components/schemas/basic-error"];

/** Explains to people, or to generators of other things. */
const NOISE = /^(?:description|summary|title|examples?|externalDocs|tags|x-.+)$/;
/** What is below these is named by the description's authors: a property may be called "description". */
const NAMED = /^(?:properties|patternProperties|responses|content|headers|paths|schemas|parameters|webhooks)$/;

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type Entries = Readonly<Record<string, Json>>;

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error(`node scripts/openapi-slice.ts FILE (api.github.com.json of ${PACKAGE})`);
const description = JSON.parse(readFileSync(file, "utf8")) as {
  readonly openapi: string;
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Entries>>;
  readonly "x-webhooks": Readonly<Record<string, { readonly post: Entries }>>;
  readonly components: Readonly<Record<string, Entries>>;
};

const operations = OPERATIONS.map((operation) => {
  const [method = "", path = ""] = operation.split(" ");
  const found = description.paths[path]?.[method.toLowerCase()];
  if (found === undefined)
    throw new Error(`${PACKAGE} describes no operation ${operation}: is its name still the same?`);
  return [operation, withoutNoise(found)] as const;
});
const webhooks = Object.entries(description["x-webhooks"])
  .filter(([name]) => WEBHOOKS.test(name))
  .map(([name, { post }]) => [name, withoutNoise({ requestBody: post.requestBody ?? null })] as const);
const components = reached([operations.map(([, each]) => each), webhooks.map(([, each]) => each), ALWAYS]);

const info = { title: "GitHub REST API, a slice", package: PACKAGE, version: description.info.version, license: "MIT" };
const text = [
  "{",
  `"openapi": ${JSON.stringify(description.openapi)},`,
  `"info": ${JSON.stringify(info)},`,
  `"operations": ${lines(operations)},`,
  `"webhooks": ${lines(webhooks)},`,
  `"components": {`,
  [...Map.groupBy(components, ([reference]) => reference.split("/")[2] ?? "")]
    .map(
      ([kind, of]) => `${JSON.stringify(kind)}: ${lines(of.map(([name, each]) => [name.split("/")[3] ?? "", each]))}`,
    )
    .join(",\n"),
  "}",
  "}",
  "",
].join("\n");
writeFileSync(TARGET, text);
console.log(
  `${TARGET}: ${operations.length} operations, ${webhooks.length} webhooks, ${components.length} components, ${text.length} bytes`,
);

/** One line an entry: differences between two versions stay readable, and the file small. */
function lines(entries: readonly (readonly [string, Json])[]): string {
  return `{\n${entries.map(([name, each]) => `${JSON.stringify(name)}: ${JSON.stringify(each)}`).join(",\n")}\n}`;
}

function withoutNoise(value: Json, areNames = false): Json {
  if (value === null || typeof value !== "object") return value;
  if (isList(value)) return value.map((each) => withoutNoise(each));
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => areNames || !NOISE.test(key))
      .map(([key, each]) => [key, withoutNoise(each, !areNames && NAMED.test(key))]),
  );
}

/** The components that these need, and those that they need, in the order of their names. */
function reached(roots: Json): readonly (readonly [string, Json])[] {
  const found = new Map<string, Json>();
  const visit = (value: Json): void => {
    if (typeof value === "string" && value.startsWith("#/components/") && !found.has(value)) {
      const [, , kind = "", name = ""] = value.split("/");
      const component = withoutNoise(description.components[kind]?.[name] ?? null);
      if (component === null) throw new Error(`${value} leads nowhere`);
      found.set(value, component);
      visit(component);
    } else if (value !== null && typeof value === "object") {
      for (const each of isList(value) ? value : Object.values(value)) visit(each);
    }
  };
  visit(roots);
  return [...found].sort(([one], [other]) => (one < other ? -1 : 1));
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
