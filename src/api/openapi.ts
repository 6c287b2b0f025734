import { z } from "zod";
import { verdictSchema } from "../report/json.ts";
import { printableJson } from "../report/printable.ts";
import { answerSchema, faultSchema, headSchema, policySchema } from "./answer-form.ts";
import type { ApiPorts } from "./api-ports.ts";
import { publicFor } from "./freshness.ts";
import { json, type Operation, operation, queriesOf } from "./operation.ts";
import { PROBLEMS, type ProblemCode, problemSchema } from "./problem.ts";
import { NO_QUERIES } from "./queries.ts";

/** What every address may answer. */
const EVERYWHERE: readonly ProblemCode[] = ["malformed-request", "too-many-requests", "internal"];

/** How long the description stays the same: as long as this process, in milliseconds. */
const DESCRIPTION_MS = 3_600_000;

const HEADERS = {
  "X-Request-Id": { description: "The request's own, or a new one.", schema: { type: "string" }, required: true },
  RateLimit: { $ref: "#/components/headers/RateLimit" },
  "RateLimit-Policy": { $ref: "#/components/headers/RateLimitPolicy" },
} as const;

/** Forms with a name of their own in the description; whatever stands in others by reference. */
const NAMED: Readonly<Record<string, z.ZodType>> = {
  Answer: answerSchema,
  Fault: faultSchema,
  Head: headSchema,
  Policy: policySchema,
  Problem: problemSchema,
  Verdict: verdictSchema,
};

/** The description of the API as an OpenAPI 3.1 document, made of the forms that its answers are typed by. */
export function describe(
  operations: readonly Operation[],
  { version, publicUrl }: Pick<ApiPorts, "version" | "publicUrl">,
): object {
  const schemas = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(NAMED)) schemas.add(schema, { id });
  // The others under a name made of their operation's.
  const names = new Map<z.ZodType, string>(Object.entries(NAMED).map(([id, schema]) => [schema, id]));
  const name = (schema: z.ZodType, id: string) => {
    if (names.has(schema)) return;
    names.set(schema, id);
    schemas.add(schema, { id });
  };
  for (const each of operations) {
    const id = `${each.id[0]?.toUpperCase()}${each.id.slice(1)}`;
    if (each.asks !== undefined) name(each.asks, `${id}Request`);
    for (const { content } of Object.values(each.answers))
      for (const { schema } of content) if (schema !== undefined) name(schema, `${id}Response`);
  }
  const made = z.toJSONSchema(schemas, { uri: (id) => `#/components/schemas/${id}`, io: "output" }).schemas;
  const reference = (schema: z.ZodType) => ({ $ref: `#/components/schemas/${names.get(schema)}` });
  const paths: Record<string, Record<string, object>> = {};
  for (const each of operations) {
    const path = paths[each.form] ?? {};
    paths[each.form] = { ...path, [each.method.toLowerCase()]: describeOne(each, reference) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Trusted Builds",
      version,
      description:
        "Verdicts on container images by the policy that this server's operator publishes. What is made from private repositories is shown to whoever sends a GitHub token that can read them; to everyone else it is answered as what isn't there.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: publicUrl ?? "/" }],
    paths,
    components: {
      schemas: Object.fromEntries(Object.entries(made).map(([id, { $schema, $id, ...schema }]) => [id, schema])),
      headers: {
        RateLimit: { description: "What is left, and in how many seconds all is.", schema: { type: "string" } },
        RateLimitPolicy: { description: "How much there is.", schema: { type: "string" } },
      },
      securitySchemes: {
        github: { type: "http", scheme: "bearer", description: "A GitHub token; GitHub is asked what it can read." },
      },
    },
  };
}

function describeOne(each: Operation, reference: (schema: z.ZodType) => object): object {
  const byStatus = Map.groupBy([...new Set([...each.problems, ...EVERYWHERE])], (code) => PROBLEMS[code].status);
  const answers = Object.entries(each.answers).map(([status, { description, content }]) => [
    status,
    {
      description,
      headers: HEADERS,
      ...(content.length > 0 && {
        content: Object.fromEntries(
          content.map(({ type, schema }) => [type, schema === undefined ? {} : { schema: reference(schema) }]),
        ),
      }),
    },
  ]);
  const problems = [...byStatus].map(([status, codes]) => [
    String(status),
    {
      description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code].title}.`).join(" "),
      headers: HEADERS,
      content: { "application/problem+json": { schema: reference(problemSchema) } },
    },
  ]);
  const notModified = each.method === "GET" ? [["304", { description: "As it was.", headers: HEADERS }]] : [];
  return {
    operationId: each.id,
    summary: each.summary,
    ...(each.description !== undefined && { description: each.description }),
    ...(each.takesToken && { security: [{}, { github: [] }] }),
    parameters: [...pathParameters(each.form), ...queryParameters(each.queries)],
    ...(each.asks !== undefined && {
      requestBody: { required: true, content: { "application/json": { schema: reference(each.asks) } } },
    }),
    responses: Object.fromEntries([...answers, ...notModified, ...problems]),
  };
}

function pathParameters(form: string): readonly object[] {
  return [...form.matchAll(/\{([a-z]+)\}/g)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    description: PARAMETERS[name] ?? "",
    schema: { type: "string" },
  }));
}

const PARAMETERS: Readonly<Record<string, string>> = {
  reference: "`registry/repository:tag` or `registry/repository@sha256:…`; slashes may stand as they are",
  digest: "`sha256:…`",
  id: "as it was given",
  code: "of a problem",
};

function queryParameters(queries: z.ZodObject | undefined): readonly object[] {
  if (queries === undefined) return [];
  const { properties = {}, required = [] } = z.toJSONSchema(queries, { io: "input" });
  return Object.entries(properties).map(([name, schema]) => {
    const { description, ...rest } = schema as { readonly description?: string };
    return {
      name,
      in: "query",
      required: required.includes(name),
      ...(description !== undefined && { description }),
      schema: rest,
    };
  });
}

/** `GET /v1/openapi.json`: the description of all of these, and of itself. */
export function openApi(operations: readonly Operation[], ports: Pick<ApiPorts, "version" | "publicUrl">): Operation {
  let text: string | undefined;
  const own = operation({
    method: "GET",
    form: "/v1/openapi.json",
    id: "readDescription",
    summary: "This description",
    answers: {
      200: { description: "An OpenAPI 3.1 document.", content: json(z.looseObject({ openapi: z.string() })) },
    },
    problems: [],
    handle: async (request) => {
      queriesOf(NO_QUERIES, request);
      text ??= printableJson(describe([...operations, own], ports));
      const { headers, ...shared } = publicFor(DESCRIPTION_MS);
      return { status: 200, headers: { "content-type": "application/json", ...headers }, body: text, ...shared };
    },
  });
  return own;
}
