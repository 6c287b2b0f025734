import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import type { BuildRequest } from "../../src/build/build.ts";
import { DispatchRefused } from "../../src/build/ports.ts";
import type { Clients } from "../../src/github/ask.ts";
import { createCheckRuns } from "../../src/github/check-runs.ts";
import { createDeliveries } from "../../src/github/deliveries.ts";
import { createInstallations } from "../../src/github/installations.ts";
import { createPolicyReader } from "../../src/github/policies.ts";
import { createTagReader } from "../../src/github/tags.ts";
import { createWorkflows } from "../../src/github/workflows.ts";
import { type Github, type GithubOptions, startGithub } from "../world/github/github.ts";
import { octokitOf, octokitOfApp } from "../world/github/octokit.ts";
import { couldNotLook } from "./api.ts";

const FILE = "trusted-builds.yml";
const REF = "refs/tags/v1";
const POLICY = "version: 1\n";
/** What users are told to commit. */
const WORKFLOW = readFileSync(new URL("../../examples/trusted-builds.yml", import.meta.url), "utf8");
const FILES = { ".github/trusted-builds.yml": POLICY, [`.github/workflows/${FILE}`]: WORKFLOW };
const request: BuildRequest = {
  image: "ghcr.io/acme/app",
  tags: ["v1"],
  dockerfile: "Dockerfile",
  buildArgs: {},
  contexts: {},
  secrets: [],
  workflow: FILE,
};

/** GitHub with a private repository, and at the end of the test nothing that its description doesn't know. */
async function start(t: TestContext, options?: GithubOptions) {
  const github = await startGithub(options);
  t.after(async () => {
    await github.close();
    assert.deepEqual(github.violations, []);
  });
  const commit = await github.repository("acme/app", { files: FILES, private: true });
  const clients: Clients = {
    octokitFor: () => octokitOf(github, "acme"),
    appOctokit: () => octokitOfApp(github),
  };
  const [app] = await createInstallations(clients).listRepositories(github.installation("acme").id);
  assert.ok(app);
  return { github, clients, commit, app };
}

function policiesOf(github: Github, clients: Clients) {
  return createPolicyReader({ ...clients, serverUrl: github.url });
}

test("repositories, tags and policies are read from a GitHub that keeps them in git", async (t) => {
  const { github, clients, commit, app } = await start(t);
  const tags = createTagReader(clients);
  const object = await github.tag("acme/app", "rel/1.0+b", { annotated: true });
  assert.deepEqual(await tags.readTag(app, "refs/tags/rel/1.0+b"), { object, commit });
  assert.equal(await tags.readTag(app, "refs/tags/rel"), undefined);
  assert.deepEqual(await tags.listTags(app), [{ ref: "refs/tags/rel/1.0+b", object }]);
  const policy = await policiesOf(github, clients).readRepositoryPolicy(app);
  assert.equal(policy?.uri, `git+${github.url}/acme/app@${commit}#.github/trusted-builds.yml`);
  assert.equal(Buffer.from(policy?.bytes ?? []).toString(), POLICY);
  assert.equal(policy?.isProtected, false);
  github.change("acme/app", { protected: 1 });
  assert.equal((await policiesOf(github, clients).readRepositoryPolicy(app))?.isProtected, true);
});

test("R2 an organisation's policy is read, proven absent, or neither", async (t) => {
  const { github, clients, app } = await start(t);
  const policies = policiesOf(github, clients);
  const narrowed: Clients = { ...clients, octokitFor: () => octokitOf(github, "acme", { repositories: ["app"] }) };
  assert.equal(await policies.readOrganisationPolicy(app), undefined);
  await github.repository("acme/.github", { private: true });
  assert.equal(await policies.readOrganisationPolicy(app), undefined);
  await github.commit("acme/.github", { "README.md": "hello" });
  assert.equal(await policies.readOrganisationPolicy(app), undefined);
  await github.commit("acme/.github", { "trusted-builds.yml": POLICY });
  assert.equal((await policies.readOrganisationPolicy(app))?.name, "acme/.github/trusted-builds.yml");
  const found = await policiesOf(github, narrowed).readOrganisationPolicy(app);
  assert.equal(found?.name, "acme/.github/trusted-builds.yml");
  const installation = github.installation("acme") as { selection: "all" | "selected" };
  installation.selection = "selected";
  await github.select("acme/.github", false);
  await couldNotLook("not-found-unproven", policies.readOrganisationPolicy(app));
  github.change("acme/.github", { private: false });
  assert.equal((await policies.readOrganisationPolicy(app))?.name, "acme/.github/trusted-builds.yml");
});

test("R8 a repository that another one took the name of is known for another", async (t) => {
  const { github, clients, app } = await start(t);
  await github.removeRepository("acme/app");
  await couldNotLook("not-found-unproven", createTagReader(clients).readTag(app, REF));
  await github.repository("acme/app", { files: FILES, id: 4711 });
  await github.tag("acme/app", "v1");
  await couldNotLook("not-found-unproven", createTagReader(clients).readTag(app, REF));
  await couldNotLook("not-found-unproven", policiesOf(github, clients).readRepositoryPolicy(app));
});

test("R31 a workflow is started at a tag, found, followed, read when it failed, and run again", async (t) => {
  const { github, clients, app } = await start(t);
  const workflows = createWorkflows(clients);
  await assert.rejects(workflows.dispatch(app, FILE, REF, { id: "b-1", request }), DispatchRefused);
  await github.tag("acme/app", "v1");
  assert.equal(await workflows.hasWorkflow(app, FILE, REF), true);
  assert.equal(await workflows.hasWorkflow(app, FILE, "default-branch"), true);
  assert.equal(await workflows.hasWorkflow(app, "other.yml", REF), false);
  await assert.rejects(workflows.dispatch(app, "other.yml", REF, { id: "b-1", request }), DispatchRefused);
  const since = new Date();
  const run = await workflows.dispatch(app, FILE, REF, { id: "b-1", request });
  assert.ok(run);
  assert.deepEqual(await workflows.findRun(app, FILE, "b-1", since), run);
  assert.equal(await workflows.findRun(app, FILE, "b-", since), undefined);
  assert.equal((await workflows.readRun(app, run.id))?.status, "queued");
  github.onDispatch(async (job) => {
    assert.equal(JSON.parse(job.inputs.request ?? "").image, "ghcr.io/acme/app");
    job.log("\u001b[31mit broke\u001b[0m\n");
    return "failure";
  });
  await github.idle();
  const ended = await workflows.readRun(app, run.id);
  assert.deepEqual([ended?.status, ended?.conclusion, ended?.attempt], ["completed", "failure", 1]);
  assert.match((await workflows.readFailureLog(app, run)) ?? "", /^it broke$/m);
  github.onDispatch(async () => "success");
  await workflows.rerun(app, run.id);
  await github.idle();
  const again = await workflows.readRun(app, run.id);
  assert.deepEqual([again?.conclusion, again?.attempt], ["success", 2]);
  assert.equal(await workflows.readRun(app, run.id + 1000), undefined);
});

test("a GitHub Enterprise Server starts a workflow without telling the run, which is found by its title", async (t) => {
  const { github, clients, app } = await start(t, { ghes: true });
  await github.tag("acme/app", "v1");
  const workflows = createWorkflows(clients);
  const since = new Date();
  assert.equal(await workflows.dispatch(app, FILE, REF, { id: "b-1", request }), undefined);
  assert.equal((await workflows.findRun(app, FILE, "b-1", since))?.id, github.runs("acme/app")[0]?.id);
});

test("check runs are written, found again after a lost answer, and compared", async (t) => {
  const { github, clients, app, commit } = await start(t);
  const checkRuns = createCheckRuns({ ...clients, appId: github.app.id });
  const check = { name: "trusted-builds / tag (ghcr.io/acme/app)", commit, externalId: "b-1" };
  const queued = { status: "queued", title: "queued", summary: "since now\n" } as const;
  github.fail({ method: "POST", path: /check-runs$/, times: 1, drop: true, after: true });
  await couldNotLook("network", checkRuns.create(app, check, queued));
  const id = await checkRuns.find(app, check);
  assert.ok(id);
  assert.equal(github.checkRuns("acme/app").length, 1);
  assert.equal(await checkRuns.find(app, { ...check, externalId: "b-2" }), undefined);
  assert.equal(await checkRuns.says(app, id, queued), true);
  const done = {
    status: "completed",
    conclusion: "failure",
    title: "untrusted",
    summary: "x\n".repeat(90_000),
  } as const;
  assert.equal(await checkRuns.says(app, id, done), false);
  await checkRuns.update(app, id, done);
  assert.equal(await checkRuns.says(app, id, done), true);
  assert.equal(github.checkRuns("acme/app")[0]?.conclusion, "failure");
});

test("deliveries that nobody answered are found, and asked for again", async (t) => {
  const { github, clients, app } = await start(t);
  github.deliverTo("http://127.0.0.1:9/nobody");
  await github.tag("acme/app", "v1");
  await github.idle();
  const deliveries = createDeliveries(clients);
  const { deliveries: page, next } = await deliveries.listDeliveries(new Date(Date.now() - 60_000));
  const push = page.find(({ event }) => event === "push");
  assert.deepEqual([push?.repositoryId, push?.isReceived, next], [app.id, false, undefined]);
  assert.equal(await deliveries.redeliver(push?.id ?? ""), true);
  await github.idle();
  assert.equal(github.deliveries.filter(({ guid }) => guid === push?.guid).length, 2);
  assert.equal(await deliveries.redeliver("987654321"), false);
});
