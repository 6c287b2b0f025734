import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import nock from "nock";
import { Probot, ProbotOctokit } from "probot";
import { z } from "zod";
import { ask, type GitHubClient } from "../../src/github/ask.ts";
import { GitHubError, quote } from "../../src/github/error.ts";
import { createTagReader } from "../../src/github/tags.ts";
import { API, app, couldNotLook, startApi, TOKEN } from "./api.ts";

const ROUTE = "GET /repos/acme/app";
const question = { asked: "for the repository acme/app", repository: "acme/app", needs: "metadata: read" };

function askFor(octokit: GitHubClient): Promise<unknown> {
  return ask(question, z.object({ id: z.number() }), (request) =>
    octokit.rest.repos.get({ owner: "acme", repo: "app", request }),
  );
}

const DATE = "Fri, 27 Nov 2026 16:00:00 GMT";
const IN_90_S = String(Date.parse(DATE) / 1000 + 90);

for (const [what, status, message, headers, code, retryAfter] of [
  ["the server fails", 500, "Server Error", {}, "server-error", undefined],
  ["a gateway fails", 502, "Bad Gateway", {}, "server-error", undefined],
  ["the server is overloaded", 503, "Unavailable", { "retry-after": "5" }, "server-error", undefined],
  ["an answer isn't one that the protocol has there", 410, "Gone", {}, "server-error", undefined],
  ["there are too many requests", 429, "Too many", { "retry-after": "17" }, "rate-limited", 17],
  ["nothing says how long to wait", 429, "Too many", {}, "rate-limited", 60],
  [
    "the hour's requests are used up",
    403,
    "API rate limit exceeded",
    { "x-ratelimit-remaining": "0", "x-ratelimit-reset": IN_90_S, date: DATE },
    "rate-limited",
    90,
  ],
  [
    "the limit was reset a moment ago",
    403,
    "API rate limit exceeded",
    { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1000", date: DATE },
    "rate-limited",
    1,
  ],
  ["the secondary limit is exceeded", 403, "You have exceeded a secondary rate limit.", {}, "rate-limited", 60],
  ["an older server speaks of abuse", 403, "You have triggered an abuse detection mechanism.", {}, "rate-limited", 60],
  ["the secondary limit says how long", 403, "slow down", { "retry-after": "30" }, "rate-limited", 30],
  ["the token is bad", 401, "Bad credentials", {}, "credentials-refused", undefined],
  [
    "a permission is missing",
    403,
    "Resource not accessible by integration",
    { "x-ratelimit-remaining": "4999" },
    "credentials-refused",
    undefined,
  ],
  ["it is hidden", 404, "Not Found", {}, "not-found-unproven", undefined],
] as const) {
  test(`could not look when ${what}`, async (t) => {
    const api = startApi(t);
    api.answer(ROUTE, status, { message }, headers);
    const error = await couldNotLook(code, askFor(api.octokit));
    assert.ok(error instanceof GitHubError);
    assert.equal(error.retryAfter, retryAfter);
    assert.equal(error.status, status);
    assert.match(error.message, /^asked GitHub for the repository acme\/app: \d+: .+; .+/);
  });
}

test("could not look when the connection breaks", async (t) => {
  const api = startApi(t);
  api.drop(ROUTE);
  await couldNotLook("network", askFor(api.octokit));
});

test("could not look when an answer isn't as it is described", async (t) => {
  const api = startApi(t);
  const octokit = {
    ...api.octokit,
    rest: { repos: { get: async () => ({ status: 200, headers: {}, data: { id: "42" } }) } },
  };
  const error = await couldNotLook("server-error", askFor(octokit as unknown as GitHubClient));
  assert.match(error.message, /id: /);
});

test("says which permission is missing, as GitHub or as the question names it", async (t) => {
  const api = startApi(t);
  api.answer(ROUTE, 403, { message: "Resource not accessible by integration" });
  assert.match(
    (await couldNotLook("credentials-refused", askFor(api.octokit))).message,
    /accept .*"metadata: read" in acme\/app/,
  );
  api.answer(ROUTE, 403, { message: "no" }, { "x-accepted-github-permissions": "administration=read" });
  assert.match((await couldNotLook("credentials-refused", askFor(api.octokit))).message, /"administration=read"/);
});

test("messages hold no token, no control characters, and no more than a line of GitHub's words", async (t) => {
  const api = startApi(t);
  api.answer(ROUTE, 500, { message: `${TOKEN} eyJhbGciOiJSUzI1NiJ9.eyJp.c2ln \u001b[31m\u202e\n${"x".repeat(9000)}` });
  const { message } = await couldNotLook("server-error", askFor(api.octokit));
  assert.doesNotMatch(message, /[\p{Cc}\p{Cf}]|eyJ/u);
  assert.ok(message.length < 400);
  assert.equal(quote("github_pat_11AAAA_bbb, ghp_abc!"), "[token], [token]!");
});

test("R15 a 404 of the token exchange says nothing about what was asked for", async (t) => {
  const api = startApi(t);
  const { privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  const Octokit = ProbotOctokit.defaults((given: object) => ({ ...given, throttle: { enabled: false } }));
  const probot = new Probot({ appId: 1, privateKey, secret: "s", Octokit, logLevel: "fatal" });
  nock(API).post("/app/installations/3/access_tokens").twice().reply(404, { message: "Not Found" });
  const octokit: GitHubClient = await probot.auth(3);
  const error = await couldNotLook("not-found-unproven", askFor(octokit));
  assert.ok(error instanceof GitHubError);
  assert.equal(error.status, undefined);
  assert.match(error.message, /no token for the installation.*still installed/);
  // Were it taken for the tag's, the tag would be absent beside a repository that still answers.
  nock(API).get("/repos/acme/app").optionally().reply(200, {});
  await couldNotLook(
    "not-found-unproven",
    createTagReader({ octokitFor: async () => octokit }).readTag(app, "refs/tags/v1"),
  );
  void api;
});
