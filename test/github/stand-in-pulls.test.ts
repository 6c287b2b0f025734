import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { CheckRunReport } from "../../src/build/ports.ts";
import { createCheckRuns } from "../../src/github/check-runs.ts";
import { createInstallations } from "../../src/github/installations.ts";
import { createPermissions } from "../../src/github/permissions.ts";
import { createPullRequestReader } from "../../src/github/pull-requests.ts";
import { createSourceReader } from "../../src/github/source-files.ts";
import { BeyondLimit } from "../../src/trust/ports.ts";
import { octokitOf, octokitOfApp } from "../world/github/octokit.ts";
import { APP_PERMISSIONS } from "../world/github/state.ts";
import { githubOf } from "../world/github/world.ts";
import { couldNotLook } from "./api.ts";

const ODD = "ä/%2e#? b..";

/** A private repository with a pull request from a fork that the app isn't installed on. */
async function start(t: TestContext) {
  const github = await githubOf(t, { app: { permissions: { ...APP_PERMISSIONS, pull_requests: "read" } } });
  const first = await github.repository("acme/app", { files: { Dockerfile: "FROM a\n", old: "x\n" }, private: true });
  await github.owner("bob", { type: "User", installation: false });
  await github.fork("acme/app", "bob/app");
  const head = await github.commit(
    "bob/app",
    { [ODD]: "FROM odd\n" },
    { branch: "change", remove: ["old"], symlinks: { link: "Dockerfile" } },
  );
  const number = await github.openPull("acme/app", { from: "bob/app", branch: "change" });
  const octokit = await octokitOf(github, "acme");
  const clients = { octokitFor: async () => octokit, appOctokit: () => octokitOfApp(github) };
  const [app] = await createInstallations(clients).listRepositories(github.installation("acme").id);
  assert.ok(app);
  return { github, clients, app, number, first, head };
}

test("a fork's pull request and its files are read from the repository that it is made to", async (t) => {
  const { github, clients, app, number, first, head } = await start(t);
  const pulls = createPullRequestReader(clients);
  const pull = await pulls.readPull(app, number);
  assert.deepEqual(
    [pull?.head.commit, pull?.head.repository?.owner, pull?.base.commit, pull?.isOpen],
    [head, "bob", first, true],
  );
  const changed = await pulls.listChangedFiles(app, number, head);
  assert.deepEqual(
    changed.map(({ path, isRemoved }) => [path, isRemoved]),
    [
      ["link", false],
      ["old", true],
      [ODD, false],
    ],
  );
  const source = createSourceReader(clients);
  const files = await source.listFiles(app, head);
  assert.deepEqual([...files.keys()], ["Dockerfile", ODD]);
  assert.equal(files.get(ODD), changed.find(({ path }) => path === ODD)?.blob);
  assert.equal(Buffer.from((await source.readFile(app, head, ODD, 100)) ?? []).toString(), "FROM odd\n");
  assert.equal(await source.readFile(app, first, ODD, 100), undefined);
  await assert.rejects(source.readFile(app, head, "link", 100), BeyondLimit);
  await couldNotLook("not-found-unproven", source.listFiles(app, "f".repeat(40)));
  github.change("acme/app", { treeLimit: 3 });
  const anew = createSourceReader(clients);
  await assert.rejects(anew.listFiles(app, head), BeyondLimit);
  assert.equal((await anew.readFile(app, head, ODD, 100))?.length, 9);
  assert.equal(await pulls.readPull(app, 99), undefined);
  await github.commit("bob/app", { more: "x" }, { branch: "change" });
  await couldNotLook("server-error", pulls.listChangedFiles(app, number, head));
});

test("R8 a repository that was renamed is read and written as before, until another one has its name", async (t) => {
  const { github, clients, app, number, head } = await start(t);
  github.rename("acme/app", "renamed");
  const pulls = createPullRequestReader(clients);
  assert.equal((await pulls.readPull(app, number))?.head.commit, head);
  assert.equal((await createSourceReader(clients).listFiles(app, head)).size, 2);
  const check = { name: "trusted-builds / pull request", commit: head, externalId: "3f1c" };
  await createCheckRuns({ ...clients, appId: github.app.id }).create(app, check, {
    status: "queued",
    title: "t",
    summary: "s",
  });
  assert.equal(github.checkRuns("acme/renamed").length, 1);
  await github.repository("acme/app", { id: 77, files: { Dockerfile: "FROM b\n" } });
  await couldNotLook("not-found-unproven", pulls.readPull(app, number));
});

test("R33 a person's and the app's own permissions are GitHub's", async (t) => {
  const { github, clients, app } = await start(t);
  const permissions = createPermissions(clients);
  github.collaborate("acme/app", "eve", "maintain");
  github.collaborate("acme/app", "tom", "triage");
  const may = await Promise.all(["eve", "tom", "acme", "nobody"].map((login) => permissions.mayWrite(app, login)));
  assert.deepEqual(may, [true, false, true, false]);
  assert.deepEqual(await permissions.readWriting(app), { contents: false, pullRequests: false, workflows: false });
  github.installation("acme").permissions = { ...APP_PERMISSIONS, contents: "write", workflows: "write" };
  assert.deepEqual(await permissions.readWriting(app), { contents: true, pullRequests: false, workflows: true });
});

test("annotations are there once each and in their order, wherever an answer gets lost", async (t) => {
  const { github, clients, app, head } = await start(t);
  const checkRuns = createCheckRuns({ ...clients, appId: github.app.id });
  const check = { name: "trusted-builds / pull request", commit: head, externalId: "3f1c" };
  const annotation = { path: "Dockerfile", level: "failure", title: "t" } as const;
  const report: CheckRunReport = {
    status: "completed",
    conclusion: "failure",
    title: "untrusted",
    summary: "why",
    annotations: Array.from({ length: 120 }, (_, index) => ({
      ...annotation,
      line: index + 1,
      endLine: index + 1,
      message: `${index}`,
    })),
    actions: [{ label: "Pin digests", description: "Writes digests into the file", identifier: "pin" }],
  };
  github.fail({ method: "POST", path: /\/check-runs$/, drop: true, after: true, times: 1 });
  await couldNotLook("network", checkRuns.create(app, check, report));
  const id = (await checkRuns.find(app, check)) ?? 0;
  assert.equal(await checkRuns.says(app, id, report), false);
  github.fail({ method: "PATCH", path: /\/check-runs\//, drop: true, after: true, times: 1 });
  await couldNotLook("network", checkRuns.update(app, id, report));
  await checkRuns.update(app, id, report);
  assert.equal(await checkRuns.says(app, id, report), true);
  const [written] = github.checkRuns("acme/app");
  assert.deepEqual(
    written?.annotations.map(({ message }) => message),
    report.annotations?.map(({ message }) => message),
  );
  assert.deepEqual(written?.actions, report.actions);
});
