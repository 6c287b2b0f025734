import assert from "node:assert/strict";
import { test } from "node:test";
import { createPermissions } from "../../src/github/permissions.ts";
import { type Api, app, couldNotLook, octokitOf, startApi } from "./api.ts";

const INSTALLATION = "GET /app/installations/3";
const REPOSITORY = { id: 42, name: "app", owner: { id: 7, login: "acme" }, default_branch: "main" };
const ask = (login: string) => `GET /repos/acme/app/collaborators/${login}/permission`;

function permissionsOf(api: Api) {
  return createPermissions({ octokitFor: async () => api.octokit, appOctokit: async () => octokitOf("jwt") });
}

function installation(permissions: object, changes: object = {}) {
  return { id: 3, account: { id: 7, login: "acme" }, permissions, suspended_at: null, ...changes };
}

function collaborator(permission: string, login = "eve") {
  const may = { pull: true, push: false, admin: false };
  return { permission, role_name: permission, user: { login, permissions: may } };
}

test("R33 what may be written is what the installation was given, each for itself", async (t) => {
  const api = startApi(t);
  for (const [given, expected] of [
    [{}, [false, false, false]],
    [{ contents: "read", pull_requests: "read" }, [false, false, false]],
    [{ contents: "write", pull_requests: "read" }, [true, false, false]],
    [{ contents: "write", pull_requests: "write", workflows: "write" }, [true, true, true]],
  ] as const) {
    api.answer(INSTALLATION, 200, installation(given));
    const { contents, pullRequests, workflows } = await permissionsOf(api).readWriting(app);
    assert.deepEqual([contents, pullRequests, workflows], expected);
  }
  assert.ok(api.asked.every(({ authorization }) => authorization === "token jwt"));
});

test("could not look for what may be written where the installation is gone, suspended or another owner's", async (t) => {
  const api = startApi(t);
  const all = { contents: "write" };
  api.answer(INSTALLATION, 200, installation(all, { account: { id: 8, login: "acme" } }));
  await couldNotLook("credentials-refused", permissionsOf(api).readWriting(app));
  api.answer(INSTALLATION, 200, installation(all, { suspended_at: "2026-01-01T00:00:00Z" }));
  await couldNotLook("credentials-refused", permissionsOf(api).readWriting(app));
  api.answer(INSTALLATION, 404);
  await couldNotLook("not-found-unproven", permissionsOf(api).readWriting(app));
});

for (const [permission, expected] of [
  ["admin", true],
  ["maintain", true],
  ["write", true],
  ["read", false],
  ["triage", false],
  ["none", false],
  ["everything", false],
] as const) {
  test(`R33 who has the permission ${permission} ${expected ? "may" : "may not"} write`, async (t) => {
    const api = startApi(t);
    api.answer("GET /repos/acme/app", 200, REPOSITORY);
    api.answer(ask("eve"), 200, collaborator(permission, "Eve"));
    assert.equal(await permissionsOf(api).mayWrite(app, "eve"), expected);
  });
}

test("R33 whom GitHub doesn't know may not write, where the repository can be seen", async (t) => {
  const api = startApi(t);
  api.answer("GET /repos/acme/app", 200, REPOSITORY);
  api.answer(ask("eve"), 404);
  assert.equal(await permissionsOf(api).mayWrite(app, "eve"), false);
  api.answer("GET /repos/acme/app", 404);
  api.answer(ask("eve"), 404);
  await couldNotLook("not-found-unproven", permissionsOf(api).mayWrite(app, "eve"));
});

test("R8 who may write to another repository of that name may not write to this one", async (t) => {
  const api = startApi(t);
  api.answer("GET /repos/acme/app", 200, { ...REPOSITORY, id: 43 });
  api.answer(ask("eve"), 200, collaborator("admin"));
  await couldNotLook("not-found-unproven", permissionsOf(api).mayWrite(app, "eve"));
});

test("could not look where GitHub answers about somebody else, or nobody", async (t) => {
  const api = startApi(t);
  for (const user of [collaborator("admin", "mallory").user, null]) {
    api.answer("GET /repos/acme/app", 200, REPOSITORY);
    api.answer(ask("eve"), 200, { ...collaborator("admin"), user });
    await couldNotLook("server-error", permissionsOf(api).mayWrite(app, "eve"));
  }
});

test("no name that would lead to another question is asked for", async (t) => {
  const api = startApi(t);
  for (const login of ["..", ".", "", "a/b", "a%2fb", "a?b", "eve[bot]x", `a${"b".repeat(100)}`])
    assert.equal(await permissionsOf(api).mayWrite(app, login), false, login);
  assert.deepEqual(api.asked, []);
  api.answer("GET /repos/acme/app", 200, REPOSITORY);
  api.answer(ask("renovate%5Bbot%5D"), 200, collaborator("write", "renovate[bot]"));
  assert.equal(await permissionsOf(api).mayWrite(app, "renovate[bot]"), true);
});
