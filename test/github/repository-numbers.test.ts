import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import nock from "nock";
import { createRepositoryNumbers } from "../../src/github/repository-numbers.ts";
import { API, couldNotLook, startApi, TOKEN } from "./api.ts";

const GITHUB = "https://github.com";

beforeEach(() => nock.disableNetConnect());
afterEach(() => {
  nock.cleanAll();
  nock.enableNetConnect();
});

test("R8 tells the numbers of a repository and of an account, and asks for each once", async (t) => {
  const api = startApi(t);
  api.answer("GET /repos/acme/app", 200, { id: 42, full_name: "acme/app", owner: { id: 7, login: "acme" } });
  nock(API, { reqheaders: { authorization: `token ${TOKEN}` } })
    .get("/users/acme")
    .once()
    .reply(200, { type: "Organization", id: 7, login: "acme" });
  const numbers = createRepositoryNumbers({ token: TOKEN });
  for (let time = 0; time < 2; time++) {
    assert.deepEqual(await numbers.readRepository(GITHUB, "acme", "app"), { fullName: "acme/app", id: 42, ownerId: 7 });
    assert.deepEqual(await numbers.readAccount(GITHUB, "acme"), { login: "acme", id: 7 });
  }
  assert.deepEqual(
    api.asked.map(({ authorization }) => authorization),
    [`token ${TOKEN}`],
  );
});

test("R8 a repository that was renamed is told by the name that it has now", async () => {
  nock(API)
    .get("/repos/acme/old")
    .reply(301, {}, { location: `${API}/repositories/42` });
  nock(API)
    .get("/repositories/42")
    .reply(200, { id: 42, full_name: "other/new", owner: { id: 8, login: "other" } });
  const found = await createRepositoryNumbers({}).readRepository(GITHUB, "acme", "old");
  assert.equal(found.fullName, "other/new");
});

for (const [what, status, headers, code] of [
  ["GitHub hides the repository", 404, {}, "not-found-unproven"],
  ["access is forbidden", 403, {}, "credentials-refused"],
  ["the token is refused", 401, {}, "credentials-refused"],
  ["the rate limit is used up", 403, { "x-ratelimit-remaining": "0" }, "rate-limited"],
  ["GitHub fails", 502, {}, "server-error"],
] as const) {
  test(`R8 knows no numbers when ${what}`, async () => {
    nock(API).get("/repos/acme/app").reply(status, { message: what }, headers);
    const error = await couldNotLook(
      code,
      createRepositoryNumbers({ token: TOKEN }).readRepository(GITHUB, "acme", "app"),
    );
    assert.doesNotMatch(error.message, /\bthe app\b/);
  });
}

test("R8 knows no numbers where the connection breaks, the answer is no repository, or time is over", async () => {
  nock(API).get("/repos/acme/a").replyWithError("reset");
  await couldNotLook("network", createRepositoryNumbers({}).readRepository(GITHUB, "acme", "a"));
  for (const wrong of [{}, { id: "42" }, { id: -1 }, { full_name: "acme" }, { owner: { id: 1.5, login: "acme" } }]) {
    const right = { id: 42, full_name: "acme/app", owner: { id: 7, login: "acme" } };
    const answer = Object.keys(wrong).length === 0 ? {} : { ...right, ...wrong };
    nock(API).get("/repos/acme/app").reply(200, answer);
    await couldNotLook("server-error", createRepositoryNumbers({}).readRepository(GITHUB, "acme", "app"));
  }
  await couldNotLook(
    "timeout",
    createRepositoryNumbers({ signal: AbortSignal.abort() }).readRepository(GITHUB, "acme", "app"),
  );
});

test("asks a server that limits us for nothing more", async () => {
  nock(API).get("/repos/acme/app").once().reply(429, {}, { "retry-after": "60" });
  const more = nock(API).get("/repos/acme/other").reply(200, {});
  const numbers = createRepositoryNumbers({});
  await couldNotLook("rate-limited", numbers.readRepository(GITHUB, "acme", "app"));
  await couldNotLook("rate-limited", numbers.readRepository(GITHUB, "acme", "other"));
  assert.ok(!more.isDone());
});

test("R32 the token goes to api.github.com alone, and no number is taken over http", async () => {
  const answer = { id: 42, full_name: "acme/app", owner: { id: 7, login: "acme" } };
  nock("https://github.example", { badheaders: ["authorization"] })
    .get("/api/v3/repos/acme/app")
    .reply(200, answer);
  const numbers = createRepositoryNumbers({ token: TOKEN });
  assert.equal((await numbers.readRepository("https://github.example", "acme", "app")).id, 42);
  const plain = nock("http://github.example").get("/api/v3/repos/acme/app").reply(200, answer);
  await couldNotLook("address-refused", numbers.readRepository("http://github.example", "acme", "app"));
  assert.ok(!plain.isDone());
});

test("R7 no name leads to another path of the API, and look-alikes aren't asked for", async () => {
  const any = nock(API)
    .get(/.*/)
    .reply(200, { id: 42, full_name: "acme/app", owner: { id: 7, login: "acme" } });
  const numbers = createRepositoryNumbers({});
  for (const [owner, name] of [
    ["..", "user"],
    ["acme", ".."],
    ["\u0430cme", "app"],
    ["acme", "app?x"],
    ["ac%2Fme", "app"],
  ] as const)
    await couldNotLook("not-found-unproven", numbers.readRepository(GITHUB, owner, name));
  assert.ok(!any.isDone());
});
