import assert from "node:assert/strict";
import { test } from "node:test";
import { createAccountNumbers } from "../../src/github/account-numbers.ts";
import { octokitOf } from "../world/github/octokit.ts";
import { githubOf } from "../world/github/world.ts";
import { type Api, app, couldNotLook, startApi } from "./api.ts";

const read = (api: Api, name: string) =>
  createAccountNumbers({ octokitFor: async () => api.octokit }).readAccount(app, name);

test("R8 an account has the number that GitHub tells, in whatever case it is asked for", async (t) => {
  const api = startApi(t);
  api.answer("GET /users/Acme", 200, { id: 7, login: "acme" });
  assert.equal((await read(api, "Acme"))?.id, 7);
});

test("R8 a name that GitHub leads on from is somebody else's by now, and one that isn't there has no number", async (t) => {
  const api = startApi(t);
  api.answer("GET /users/old", 200, { id: 8, login: "other" });
  assert.equal(await read(api, "old"), undefined);
  api.answer("GET /users/gone", 404);
  assert.equal(await read(api, "gone"), undefined);
});

test("a name that would be another question isn't asked for, and no answer is no absence", async (t) => {
  const api = startApi(t);
  for (const name of ["..", "a/b", "-a", "", "a".repeat(40)]) assert.equal(await read(api, name), undefined);
  assert.equal(api.asked.length, 0);
  api.answer("GET /users/acme", 403);
  await couldNotLook("credentials-refused", read(api, "acme"));
});

test("what is asked is what GitHub describes", async (t) => {
  const github = await githubOf(t);
  await github.repository("acme/app");
  const octokit = await octokitOf(github, "acme");
  const accounts = createAccountNumbers({ octokitFor: async () => octokit });
  assert.equal((await accounts.readAccount(app, "ACME"))?.id, 77);
  assert.equal(await accounts.readAccount(app, "nobody"), undefined);
});
