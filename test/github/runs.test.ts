import assert from "node:assert/strict";
import { test } from "node:test";
import { createWorkflows } from "../../src/github/workflows.ts";
import { type Api, app, couldNotLook, startApi } from "./api.ts";

const REPOSITORY = { id: 42, name: "app", owner: { id: 7, login: "acme" }, default_branch: "trunk" };
const FILE = "trusted-builds.yml";
const RUNS = `GET /repos/acme/app/actions/workflows/${FILE}/runs`;
const SINCE = new Date("2026-11-27T16:00:30.500Z");
const ID = "3f1c-77";

function run(id: number, changes: object = {}) {
  return {
    id,
    run_attempt: 1,
    display_title: `Trusted build ${ID}`,
    html_url: `https://github.com/acme/app/actions/runs/${id}`,
    event: "workflow_dispatch",
    path: `.github/workflows/${FILE}`,
    status: "queued",
    conclusion: null,
    created_at: "2026-11-27T16:00:31Z",
    updated_at: "2026-11-27T16:02:00Z",
    run_started_at: "2026-11-27T16:01:00Z",
    repository: { id: 42 },
    ...changes,
  };
}

function workflowsOf(api: Api) {
  return createWorkflows({ octokitFor: async () => api.octokit });
}

function answerRuns(api: Api, runs: readonly object[]) {
  api.answer(RUNS, 200, { total_count: runs.length, workflow_runs: runs });
}

test("finds the run whose title has the build's id, and asks for dispatched ones since then, less a minute", async (t) => {
  const api = startApi(t);
  api.answer(`${RUNS}?event=workflow_dispatch&created=%3E%3D2026-11-27T15%3A59%3A30Z&per_page=100&page=1`, 200, {
    total_count: 2,
    workflow_runs: [run(8, { display_title: "Trusted build 9999" }), run(9, { run_attempt: 2 })],
  });
  assert.deepEqual(await workflowsOf(api).findRun(app, FILE, ID, SINCE), {
    id: 9,
    attempt: 2,
    url: "https://github.com/acme/app/actions/runs/9",
  });
});

for (const [what, changes] of [
  ["whose title has a longer id", { display_title: `Trusted build ${ID}0` }],
  ["whose title has an id that ends so", { display_title: `Trusted build x${ID}` }],
  ["whose title goes on with a dash", { display_title: `Trusted build ${ID}-2` }],
  ["that was pushed", { event: "push" }],
  ["from before the build", { created_at: "2026-11-27T15:59:29Z" }],
] as const) {
  test(`takes no run ${what} for its own`, async (t) => {
    const api = startApi(t);
    answerRuns(api, [run(9, changes)]);
    assert.equal(await workflowsOf(api).findRun(app, FILE, ID, SINCE), undefined);
  });
}

test("a title may have the id anywhere, and again", async (t) => {
  const api = startApi(t);
  answerRuns(api, [run(9, { display_title: `${ID}x (${ID})` })]);
  assert.equal((await workflowsOf(api).findRun(app, FILE, ID, SINCE))?.id, 9);
});

test("a later run of the same title takes nothing over, on whichever page it is", async (t) => {
  const api = startApi(t);
  const link = { link: '<https://api.github.com/x?page=2>; rel="next"' };
  api.answer(
    `${RUNS}?page=1`,
    200,
    { total_count: 3, workflow_runs: [run(30, { created_at: "2026-11-27T16:09:00Z" }), run(12)] },
    link,
  );
  api.answer(`${RUNS}?page=2`, 200, { total_count: 3, workflow_runs: [run(11)] });
  assert.equal((await workflowsOf(api).findRun(app, FILE, ID, SINCE))?.id, 11);
});

test("there are no runs of a workflow that isn't there, where the repository can be seen", async (t) => {
  const api = startApi(t);
  api.answer(RUNS, 404);
  api.answer("GET /repos/acme/app", 200, REPOSITORY);
  assert.equal(await workflowsOf(api).findRun(app, FILE, ID, SINCE), undefined);
  api.answer(RUNS, 404);
  api.answer("GET /repos/acme/app", 404);
  await couldNotLook("not-found-unproven", workflowsOf(api).findRun(app, FILE, ID, SINCE));
});

for (const [told, conclusion, status, since] of [
  ["queued", null, "queued", "2026-11-27T16:01:00Z"],
  ["waiting", null, "queued", "2026-11-27T16:01:00Z"],
  ["pending", null, "queued", "2026-11-27T16:01:00Z"],
  ["requested", null, "queued", "2026-11-27T16:01:00Z"],
  ["in_progress", null, "in_progress", "2026-11-27T16:02:00Z"],
  ["completed", "success", "completed", "2026-11-27T16:02:00Z"],
  ["completed", "startup_failure", "completed", "2026-11-27T16:02:00Z"],
] as const) {
  test(`a run that GitHub calls ${told}${conclusion === null ? "" : ` with ${conclusion}`} is ${status}`, async (t) => {
    const api = startApi(t);
    api.answer("GET /repos/acme/app/actions/runs/9", 200, run(9, { status: told, conclusion, run_attempt: 3 }));
    assert.deepEqual(await workflowsOf(api).readRun(app, 9), {
      id: 9,
      attempt: 3,
      url: "https://github.com/acme/app/actions/runs/9",
      status,
      conclusion: conclusion ?? undefined,
      since: new Date(since),
    });
  });
}

for (const [what, changes, code] of [
  ["has a status that isn't described", { status: "imploded" }, "server-error"],
  ["has no status", { status: null }, "server-error"],
  ["is completed without a conclusion", { status: "completed" }, "server-error"],
  ["is another repository's", { repository: { id: 43 } }, "not-found-unproven"],
  ["has a page that isn't on the web", { html_url: "javascript:alert(1)" }, "server-error"],
] as const) {
  test(`could not look where a run ${what}`, async (t) => {
    const api = startApi(t);
    api.answer("GET /repos/acme/app/actions/runs/9", 200, run(9, changes));
    await couldNotLook(code, workflowsOf(api).readRun(app, 9));
    if (code === "server-error" && !("html_url" in changes)) return;
    answerRuns(api, [run(9, changes)]);
    await couldNotLook(code, workflowsOf(api).findRun(app, FILE, ID, SINCE));
  });
}

test("R15 a run is gone where the repository can be seen, and hidden where it can't", async (t) => {
  const api = startApi(t);
  for (const isSeen of [true, false]) {
    api.answer("GET /repos/acme/app/actions/runs/9", 404);
    api.answer("GET /repos/acme/app", isSeen ? 200 : 404, isSeen ? REPOSITORY : undefined);
    const asked = workflowsOf(api).readRun(app, 9);
    if (isSeen) assert.equal(await asked, undefined);
    else await couldNotLook("not-found-unproven", asked);
  }
});
