import assert from "node:assert/strict";
import { test } from "node:test";
import { createInstallations } from "../../src/github/installations.ts";
import { type Api, app, couldNotLook, octokitOf, startApi, TOKEN } from "./api.ts";

const link = { link: '<https://api.github.com/x?page=2>; rel="next"' };

function installationsOf(api: Api) {
  return createInstallations({ octokitFor: async () => api.octokit, appOctokit: async () => octokitOf("jwt") });
}

test("lists where the app is installed, in its own name, suspended ones too", async (t) => {
  const api = startApi(t);
  api.answer(
    "GET /app/installations?per_page=100&page=1",
    200,
    [{ id: 3, account: { id: 7, login: "acme" }, suspended_at: null }],
    link,
  );
  api.answer("GET /app/installations?page=2", 200, [
    { id: 4, account: { id: 8, login: "bob" }, suspended_at: "2026-01-01T00:00:00Z" },
    { id: 5, account: null },
  ]);
  assert.deepEqual(await installationsOf(api).listInstallations(), [
    { id: 3, ownerId: 7, owner: "acme", isSuspended: false },
    { id: 4, ownerId: 8, owner: "bob", isSuspended: true },
  ]);
  assert.ok(api.asked.every(({ authorization }) => authorization === "token jwt"));
});

test("lists the repositories of an installation, in that one's name", async (t) => {
  const api = startApi(t);
  const repository = { id: 42, name: "app", owner: { id: 7, login: "acme" }, private: true, default_branch: "main" };
  api.answer("GET /installation/repositories?page=1", 200, { total_count: 2, repositories: [repository] }, link);
  api.answer("GET /installation/repositories?page=2", 200, {
    total_count: 2,
    repositories: [{ ...repository, id: 43, name: "base", private: false }],
  });
  assert.deepEqual(await installationsOf(api).listRepositories(3), [
    app,
    { ...app, id: 43, name: "base", isPrivate: false },
  ]);
  assert.ok(api.asked.every(({ authorization }) => authorization === `token ${TOKEN}`));
});

test("could not look where GitHub fails between two pages", async (t) => {
  const api = startApi(t);
  api.answer("GET /app/installations?page=1", 200, [{ id: 3, account: { id: 7, login: "acme" } }], link);
  api.answer("GET /app/installations?page=2", 502, { message: "Bad Gateway" });
  await couldNotLook("server-error", installationsOf(api).listInstallations());
});
