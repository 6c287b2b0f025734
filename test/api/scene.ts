import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders, request } from "node:http";
import type { AddressInfo } from "node:net";
import { after } from "node:test";
import type { z } from "zod";
import { apiRoutes } from "../../src/api/api-routes.ts";
import { createApi } from "../../src/api/create-api.ts";
import type { Route } from "../../src/api/exchange.ts";
import type { PagePorts } from "../../src/api/page-ports.ts";
import { pageRoutes } from "../../src/api/page-routes.ts";
import { type ProblemCode, problemSchema } from "../../src/api/problem.ts";
import { createSlowReaders, type SlowReaders } from "../../src/api/slow-readers.ts";
import { createUnread, type Unread } from "../../src/api/unread.ts";
import { describedBy } from "./described.ts";
import { InMemory } from "./in-memory.ts";

/** A response, whole; its description holds, or it wasn't answered. */
export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
  readonly json: unknown;
  /** Its body in the form that it is said to have. */
  as<Form>(schema: z.ZodType<Form>): Form;
}

/** What is asked. */
export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** The API over HTTP, on answers in memory. */
export interface ApiScene {
  readonly world: InMemory;
  readonly faults: unknown[];
  readonly url: string;
  readonly forget: () => void;
  ask(path: string, asked?: Asked): Promise<Answered>;
}

/** Serves until the test file ends. */
export async function serveApi({
  routes = [],
  unread = createUnread(),
  slowReaders = createSlowReaders(),
  ...given
}: Partial<PagePorts> & {
  routes?: readonly Route[];
  unread?: Unread;
  slowReaders?: SlowReaders;
} = {}): Promise<ApiScene> {
  const world = new InMemory();
  const faults: unknown[] = [];
  let ids = 0;
  const operations = apiRoutes(world.ports(given));
  const api = createApi({
    routes: [...operations, ...pageRoutes(world.ports(given)), ...routes],
    // Tests tell clients apart by a header, as a proxy would.
    clientOf: ({ headers }) => String(headers["x-client"] ?? "192.0.2.1"),
    newId: () => `id-${++ids}`,
    now: () => world.now,
    beatMs: 0,
    unread,
    slowReaders,
    onFault: (error) => faults.push(error),
  });
  const http = createServer(async (incoming, response) => {
    if (!(await api.handle(incoming, response))) response.writeHead(404, { "x-elsewhere": "yes" }).end();
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  after(() => http.close());
  const { port } = http.address() as AddressInfo;
  const check = describedBy(operations, world.ports(given));
  return {
    world,
    faults,
    url: `http://127.0.0.1:${port}`,
    forget: api.forget,
    ask: async (path, asked = {}) => {
      const answered = await sent(port, path, asked);
      if (answered.headers["x-elsewhere"] === undefined) check(asked.method ?? "GET", path, answered);
      return answered;
    },
  };
}

/** As it stands: `fetch` would tidy the path up. */
function sent(port: number, path: string, { method = "GET", headers = {}, body = "" }: Asked): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const length = body.length === 0 ? {} : { "content-length": Buffer.byteLength(body) };
    const asking = request(
      { host: "127.0.0.1", port, path, method, headers: { ...length, ...headers }, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          const whole = Buffer.concat(chunks);
          const text = whole.toString();
          const isJson = /json$/.test(response.headers["content-type"] ?? "") && text !== "";
          const json: unknown = isJson ? JSON.parse(text) : undefined;
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: whole,
            text,
            json,
            as: (schema) => schema.parse(json),
          });
        });
      },
    );
    asking.on("error", reject);
    asking.end(body);
  });
}

/** Asserts a problem by its code. */
export function assertProblem({ status, headers, as }: Answered, expected: number, code: ProblemCode): void {
  assert.equal(status, expected);
  assert.equal(headers["content-type"], "application/problem+json");
  assert.equal(as(problemSchema).code, code);
}
