import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { Octokit } from "@octokit/rest";
import nock from "nock";
import type { Repository } from "../../src/build/build.ts";
import type { GitHubClient } from "../../src/github/ask.ts";
import { CouldNotLook, type CouldNotLookCode } from "../../src/trust/ports.ts";
import { components, findOperation, operations, type Schema } from "../world/github/description.ts";
import { readRequest, responseFaults } from "../world/github/validation.ts";

/** The server that is asked. */
export const API = "https://api.github.com";

/** What no message may show. */
export const TOKEN = "ghs_16C7e42F292c6912E7710c838347Ae178B4a";

/** The repository of the tests. */
export const app: Repository = {
  id: 42,
  ownerId: 7,
  owner: "acme",
  name: "app",
  installation: 3,
  isPrivate: true,
};

/** A commit's id that one recognises. */
export const sha = (digit: string) => digit.repeat(40);

/** What GitHub says of a thing that isn't there, or that we may not see. */
export const NOT_FOUND = { message: "Not Found", documentation_url: "https://docs.github.com/rest", status: "404" };

/** One request that was made. */
export interface Asked {
  readonly route: string;
  readonly body: unknown;
  readonly authorization: string | undefined;
}

/** GitHub for one test: answers what was prepared, once each and in this order, and holds both sides to GitHub's own description. */
export interface Api {
  /**
   * @param route - As `GET /repos/acme/app`, encoded as it must come, with what its query must have.
   * @param body - What differs from the least that the description asks for; a string or an array stands as it is.
   */
  answer(route: string, status: number, body?: unknown, headers?: Record<string, string>): void;
  /** The connection breaks. */
  drop(route: string): void;
  readonly asked: readonly Asked[];
  readonly octokit: GitHubClient;
}

/** Prepares it; at the end of the test everything prepared must have been asked for. */
export function startApi(t: TestContext): Api {
  nock.disableNetConnect();
  const asked: Asked[] = [];
  const faults: string[] = [];
  const unexpected = (request: { readonly method?: string; readonly url?: string }) => {
    faults.push(`nobody expected ${request.method} ${request.url}`);
  };
  nock.emitter.on("no match", unexpected);
  t.after(() => {
    nock.emitter.off("no match", unexpected);
    const pending = nock.pendingMocks();
    nock.cleanAll();
    nock.enableNetConnect();
    assert.deepEqual(faults, []);
    assert.deepEqual(pending, []);
  });
  const intercept = (route: string) => {
    const [method = "", uri = ""] = route.split(" ");
    const [path = "", query] = uri.split("?");
    const interceptor = nock(API).intercept(path, method);
    const wanted = [...new URLSearchParams(query ?? "")];
    return interceptor.query((given) => wanted.every(([name, value]) => given[name] === value));
  };
  return {
    answer(route, status, given, headers = {}) {
      const [method = "", uri = ""] = route.split(" ");
      const known = findOperation(method, uri.split("?")[0] ?? "");
      assert.ok(known, `${route} is described`);
      const body = bodyOf(known.operation.name, status, given);
      faults.push(...responseFaults(known.operation, status, body));
      intercept(route).reply(async (request: Request) => {
        const { pathname, search, searchParams } = new URL(request.url);
        const text = await request.text();
        const sent: unknown = text === "" ? undefined : JSON.parse(text);
        faults.push(...readRequest(known.operation, known.parameters, searchParams, sent).faults);
        const authorization = request.headers.get("authorization") ?? undefined;
        asked.push({ route: `${method} ${pathname}${search}`, body: sent, authorization });
        return [status, body as nock.Body, headers];
      });
    },
    drop(route) {
      intercept(route).replyWithError("socket hang up");
    },
    asked,
    octokit: octokitOf(TOKEN),
  };
}

/** An Octokit that speaks with a token and logs nothing. */
export function octokitOf(token: string): GitHubClient {
  return new Octokit({ auth: token, log: { debug() {}, info() {}, warn() {}, error() {} } });
}

/** Asserts that somebody could not look, and that the message keeps the token. */
export async function couldNotLook(code: CouldNotLookCode, asked: Promise<unknown>): Promise<CouldNotLook> {
  const error = await asked.then(
    () => assert.fail("nothing was thrown"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof CouldNotLook, String(error));
  assert.equal(error.code, code, error.message);
  assert.ok(!error.message.includes(TOKEN), error.message);
  return error;
}

function bodyOf(operation: string, status: number, given: unknown): unknown {
  if (status === 204 || status === 302 || status === 304) return undefined;
  if (given !== undefined && (typeof given !== "object" || given === null)) return given;
  if (status >= 400) return { ...NOT_FOUND, status: String(status), ...given };
  const schema = operations.get(operation)?.responses.get(status);
  return schema === undefined ? given : leastOf(schema, given);
}

/** The least document that a schema takes, with what is given laid over it. */
export function leastOf(schema: Schema, given?: unknown): unknown {
  const { $ref, allOf, oneOf, anyOf } = schema as { [key: string]: readonly Schema[] | undefined } & { $ref?: string };
  if ($ref !== undefined) {
    const [, , kind = "", name = ""] = $ref.split("/");
    return leastOf(components[kind]?.[name] as Schema, given);
  }
  if (given === null) return null;
  if (allOf !== undefined) return allOf.reduce<unknown>((value, each) => leastOf(each, value), given);
  const choice = (oneOf ?? anyOf)?.find((each) => fits(each, given));
  if (choice !== undefined) return leastOf(choice, given);
  if (Array.isArray(given)) return given.map((each) => leastOf((schema.items ?? {}) as Schema, each));
  if (given !== undefined && typeof given !== "object") return given;
  if (given === undefined && schema.nullable === true) return null;
  if (schema.type === "object" || schema.properties !== undefined) {
    const properties = (schema.properties ?? {}) as Record<string, Schema>;
    const names = new Set([...((schema.required ?? []) as string[]), ...Object.keys(given ?? {})]);
    const values = (given ?? {}) as Record<string, unknown>;
    // What is given as undefined is left out.
    const there = [...names].filter((name) => !(name in values) || values[name] !== undefined);
    return Object.fromEntries(there.map((name) => [name, leastOf(properties[name] ?? {}, values[name])]));
  }
  if (given !== undefined) return given;
  if (Array.isArray(schema.enum)) return schema.enum[0];
  return LEAST[`${schema.type} ${schema.format ?? ""}`.trim()] ?? LEAST[String(schema.type)];
}

const LEAST: Readonly<Record<string, unknown>> = {
  "string uri": "https://example.com/",
  "string date-time": "2026-01-01T00:00:00Z",
  string: "text",
  integer: 1,
  number: 1,
  boolean: false,
  array: [],
};

/** Whether something given can only be meant by this choice: its type, or the constant that tells the choices apart. */
function fits(schema: Schema, given: unknown): boolean {
  const { $ref, allOf, properties, type } = schema as {
    $ref?: string;
    allOf?: Schema[];
    properties?: Record<string, Schema>;
    type?: string;
  };
  if ($ref !== undefined) {
    const [, , kind = "", name = ""] = $ref.split("/");
    return fits(components[kind]?.[name] as Schema, given);
  }
  if (allOf !== undefined) return allOf.every((each) => fits(each, given));
  if (Array.isArray(given)) return type === "array";
  if (type === "array") return false;
  const kinds = properties?.type?.enum;
  const kind = (given as { type?: unknown } | undefined)?.type;
  return !Array.isArray(kinds) || kind === undefined || kinds.includes(kind);
}
