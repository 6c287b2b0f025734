import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import nock from "nock";
import { createDefaultBranches } from "../../src/github/default-branch.ts";
import { CouldNotLook } from "../../src/trust/ports.ts";
import { octokitOf } from "./api.ts";

const source = { sourceRepositoryUri: "https://github.com/acme/app", sourceRepositoryIdentifier: "42" };
const answer = { id: 42, default_branch: "trunk" };

beforeEach(() => nock.disableNetConnect());
afterEach(() => {
  nock.cleanAll();
  nock.enableNetConnect();
});

test("R5 tells the default branch of the repository with the certificate's id, and asks once", async () => {
  const api = nock("https://api.github.com").get("/repos/acme/app").once().reply(200, answer);
  const branches = createDefaultBranches({});
  assert.equal(await branches.readDefaultBranch(source), "trunk");
  assert.equal(await branches.readDefaultBranch(source), "trunk");
  assert.ok(api.isDone());
});

test("R8 knows no default branch where another repository has the name now", async () => {
  nock("https://api.github.com")
    .get("/repos/acme/app")
    .reply(200, { ...answer, id: 43 });
  assert.equal(await createDefaultBranches({}).readDefaultBranch(source), undefined);
});

for (const [what, status, headers, code] of [
  ["GitHub hides the repository", 404, {}, "not-found-unproven"],
  ["the token is refused", 401, {}, "credentials-refused"],
  ["the rate limit is used up", 403, { "x-ratelimit-remaining": "0" }, "rate-limited"],
  ["access is forbidden", 403, {}, "credentials-refused"],
  ["GitHub fails", 502, {}, "server-error"],
] as const) {
  test(`could not look when ${what}`, async () => {
    nock("https://api.github.com").get("/repos/acme/app").reply(status, { message: what }, headers);
    const asked = createDefaultBranches({}).readDefaultBranch(source);
    await assert.rejects(asked, (error) => error instanceof CouldNotLook && error.code === code);
  });
}

test("could not look when the connection breaks, or the answer is no repository", async () => {
  nock("https://api.github.com").get("/repos/acme/app").replyWithError("reset");
  await assert.rejects(
    createDefaultBranches({}).readDefaultBranch(source),
    (error) => error instanceof CouldNotLook && error.code === "network",
  );
  nock("https://api.github.com").get("/repos/acme/app").reply(200, { id: "42" });
  await assert.rejects(
    createDefaultBranches({}).readDefaultBranch(source),
    (error) => error instanceof CouldNotLook && error.code === "server-error",
  );
});

test("R32 sends the token to api.github.com and to no other server", async () => {
  nock("https://api.github.com", { reqheaders: { authorization: "token secret" } })
    .get("/repos/acme/app")
    .reply(200, answer);
  nock("https://github.example", { badheaders: ["authorization"] })
    .get("/api/v3/repos/acme/app")
    .reply(200, answer);
  const branches = createDefaultBranches({ token: "secret" });
  assert.equal(await branches.readDefaultBranch(source), "trunk");
  const elsewhere = { ...source, sourceRepositoryUri: "https://github.example/acme/app" };
  assert.equal(await branches.readDefaultBranch(elsewhere), "trunk");
});

test("asks the one server that it is told to ask, in the name that it is given, and no other", async () => {
  nock("https://api.github.com", { reqheaders: { authorization: "token installation" } })
    .get("/repos/acme/app")
    .reply(200, answer);
  const server = "https://github.com";
  const branches = createDefaultBranches({ server, octokit: async () => octokitOf("installation") });
  assert.equal(await branches.readDefaultBranch(source), "trunk");
  const elsewhere = nock("https://github.example").get("/api/v3/repos/acme/app").reply(200, answer);
  for (const uri of [
    "https://github.example/acme/app",
    "http://github.com/acme/app",
    "https://github.com:8443/acme/app",
  ]) {
    await assert.rejects(
      branches.readDefaultBranch({ ...source, sourceRepositoryUri: uri }),
      (error) => error instanceof CouldNotLook && error.code === "address-refused",
    );
  }
  assert.ok(!elsewhere.isDone());
});

test("asks an enterprise with data residency at the name of its API", async () => {
  nock("https://api.octo.ghe.com", { badheaders: ["authorization"] })
    .get("/repos/acme/app")
    .reply(200, answer);
  const branches = createDefaultBranches({ token: "secret" });
  assert.equal(
    await branches.readDefaultBranch({ ...source, sourceRepositoryUri: "https://octo.ghe.com/acme/app" }),
    "trunk",
  );
});

test("could not look when the walk's time is over", async () => {
  nock("https://api.github.com").get("/repos/acme/app").optionally().reply(200, answer);
  await assert.rejects(
    createDefaultBranches({ signal: AbortSignal.abort() }).readDefaultBranch(source),
    (error) => error instanceof CouldNotLook && error.code === "timeout",
  );
});
