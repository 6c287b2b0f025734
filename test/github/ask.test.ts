import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { Octokit } from "@octokit/rest";
import nock from "nock";
import { ProbotOctokit } from "probot";
import { z } from "zod";
import { ask, askPages, exchange, type GitHubClient } from "../../src/github/ask.ts";
import { BeyondLimit } from "../../src/trust/ports.ts";
import { API, couldNotLook, startApi, TOKEN } from "./api.ts";

const question = { asked: "for something" };

/** Probot's own client, which retries and waits unless it is told not to. */
function probotOctokit(): GitHubClient {
  return new ProbotOctokit({ auth: { token: TOKEN }, log: { debug() {}, info() {}, warn() {}, error() {} } as never });
}

function octokitAt(server: Server): GitHubClient {
  return new Octokit({
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
}

/** When the first connection that asks something is gone, in whichever way. */
function firstClosed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.once("request", ({ socket }) => socket.on("error", () => {}).once("close", () => resolve()));
  });
}

/** The clock of limits of time, in the test's hand: how long a busy machine takes to ask at all, nobody knows. */
function limitInHand(t: TestContext): { end(): void } {
  const limit = new AbortController();
  t.mock.method(AbortSignal, "timeout", () => limit.signal);
  return { end: () => limit.abort(new DOMException("in the test's hand", "TimeoutError")) };
}

test("gives up when GitHub takes too long, and when the caller's own time is over", async (t) => {
  for (const limits of [{ timeoutMs: 30 }, { signal: AbortSignal.timeout(30) }, { signal: AbortSignal.abort() }]) {
    const silent = exchange(question, () => new Promise(() => {}), limits);
    await couldNotLook("timeout", silent);
  }
  const server = createServer(() => {}).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const octokit = octokitAt(server);
  const closed = firstClosed(server);
  const limit = limitInHand(t);
  server.once("request", limit.end);
  const slow = exchange(question, (request) => octokit.rest.repos.get({ owner: "acme", repo: "app", request }));
  await couldNotLook("timeout", slow);
  // The connection is given up too.
  await closed;
});

test("reads no answer without end", async (t) => {
  const piece = `"${"x".repeat(1024 * 1024)}",`;
  const server = createServer((_, response) => {
    response.setHeader("content-type", "application/json");
    response.write('{"id":1,"more":[');
    const write = () => {
      while (!response.destroyed && response.write(piece)) {}
    };
    response.on("drain", write);
    write();
  }).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const closed = firstClosed(server);
  const octokit = octokitAt(server);
  const endless = ask(
    question,
    z.object({ id: z.number() }),
    (request) => octokit.rest.repos.get({ owner: "acme", repo: "app", request }),
    { timeoutMs: 120_000 },
  );
  await couldNotLook("server-error", endless);
  await closed;
});

test("sends nothing a second time behind the caller's back", async (t) => {
  startApi(t);
  const octokit = probotOctokit();
  // Prepared once: a second request would find nothing, and fail otherwise.
  for (const [status, code] of [
    [502, "server-error"],
    [0, "network"],
  ] as const) {
    const prepared = nock(API).post("/repos/acme/app/check-runs");
    if (status === 0) prepared.replyWithError("socket hang up");
    else prepared.reply(status, { message: "Bad Gateway" });
    const written = exchange(question, (request) =>
      octokit.rest.checks.create({ owner: "acme", repo: "app", name: "n", head_sha: "a", request }),
    );
    await couldNotLook(code, written);
  }
});

test("ends in time though an Octokit waits out a rate limit inside, and sends nothing afterwards", async (t) => {
  startApi(t);
  let asked = 0;
  const limit = limitInHand(t);
  nock(API)
    .get("/repos/acme/app")
    .times(2)
    .reply(() => {
      asked += 1;
      // By then it has the answer, and waits.
      setTimeout(limit.end, 200);
      return [429, { message: "secondary rate limit" }, { "retry-after": "1" }];
    });
  const octokit = probotOctokit();
  const call = exchange(question, (request) => octokit.rest.repos.get({ owner: "acme", repo: "app", request }));
  await couldNotLook("timeout", call);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.equal(asked, 1);
  nock.cleanAll();
});

test("reads every page of a list, in order", async (t) => {
  const api = startApi(t);
  const next = (page: number) => ({
    link: `<${API}/app/installations?page=${page}>; rel="next", <${API}/app/installations?page=3>; rel="last"`,
  });
  api.answer("GET /app/installations?page=1", 200, [{ id: 1, account: { login: "a" } }], next(2));
  api.answer("GET /app/installations?page=2", 200, [{ id: 2, account: { login: "b" } }], next(3));
  api.answer("GET /app/installations?page=3", 200, [{ id: 3, account: { login: "c" } }], {
    link: `<${API}/app/installations?page=1>; rel="first", <${API}/app/installations?page=2>; rel="prev"`,
  });
  const all = await askPages(question, z.array(z.object({ id: z.number() })), (page, request) =>
    api.octokit.rest.apps.listInstallations({ page, request }),
  );
  assert.deepEqual(all, [{ id: 1 }, { id: 2 }, { id: 3 }]);
});

test("a list without end is beyond the limit, and isn't cut in silence", async () => {
  const endless = askPages(question, z.array(z.number()), async (page) => ({
    status: 200,
    headers: { link: '<https://api.github.com/x?page=9>; rel="next"' },
    data: [page],
  }));
  await assert.rejects(endless, BeyondLimit);
});
