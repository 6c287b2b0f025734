import assert from "node:assert/strict";
import { test } from "node:test";
import { DispatchRefused } from "../../src/build/ports.ts";
import { createWorkflows } from "../../src/github/workflows.ts";
import { type Api, app, couldNotLook, sha, startApi } from "./api.ts";

const REPOSITORY = { id: 42, name: "app", owner: { id: 7, login: "acme" }, default_branch: "trunk" };
const FILE = "trusted-builds.yml";
const REF = "refs/tags/release/v1";
const DISPATCH = `POST /repos/acme/app/actions/workflows/${FILE}/dispatches`;
const CONTENT = "/repos/acme/app/contents/.github%2Fworkflows%2Ftrusted-builds.yml";
const COMMIT = sha("c");
const build = {
  id: "3f1c",
  request: {
    image: "ghcr.io/acme/app",
    tags: ["v1"],
    dockerfile: "Dockerfile",
    buildArgs: {},
    contexts: {},
    secrets: [],
    workflow: FILE,
  },
} as const;

function workflowsOf(api: Api) {
  return createWorkflows({ octokitFor: async () => api.octokit });
}

async function refused(asked: Promise<unknown>): Promise<string> {
  const error = await asked.then(
    () => assert.fail("nothing was thrown"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof DispatchRefused, String(error));
  return error.message;
}

test("R31 starts the workflow at the full ref, and knows the run that it started", async (t) => {
  const api = startApi(t);
  const html_url = "https://github.com/acme/app/actions/runs/9";
  api.answer(DISPATCH, 200, { workflow_run_id: 9, run_url: "https://api.github.com/runs/9", html_url });
  assert.deepEqual(await workflowsOf(api).dispatch(app, FILE, REF, build), { id: 9, attempt: 1, url: html_url });
  const body = api.asked[0]?.body as { ref: string; inputs: Record<string, string>; return_run_details: boolean };
  assert.equal(body.ref, REF);
  assert.equal(body.return_run_details, true);
  assert.equal(body.inputs["build-id"], "3f1c");
  assert.equal(JSON.parse(body.inputs.request ?? "").image, "ghcr.io/acme/app");
});

for (const [status, message] of [
  [400, "Problems parsing JSON"],
  [422, 'Invalid request. "return_run_details" is not a permitted key.'],
] as const) {
  test(`starts it without asking for the run where a server answers ${status} to that`, async (t) => {
    const api = startApi(t);
    api.answer(DISPATCH, status, { message });
    api.answer(DISPATCH, 204);
    assert.equal(await workflowsOf(api).dispatch(app, FILE, REF, build), undefined);
    assert.deepEqual(
      api.asked.map(({ body }) => (body as { return_run_details?: boolean }).return_run_details),
      [true, undefined],
    );
  });
}

test("a workflow that can't be started is refused with GitHub's words, and not asked for twice", async (t) => {
  const api = startApi(t);
  api.answer(DISPATCH, 422, { message: "No ref found for: \u001b[31mrefs/tags/v1\n" });
  const message = await refused(workflowsOf(api).dispatch(app, FILE, REF, build));
  assert.match(message, /No ref found for: refs\/tags\/v1; see that the workflow is there/);
  assert.equal(api.asked.length, 1);
  api.answer(DISPATCH, 400, { message: "bad" });
  api.answer(DISPATCH, 422, { message: "Workflow does not have 'workflow_dispatch' trigger" });
  await refused(workflowsOf(api).dispatch(app, FILE, REF, build));
});

test("a workflow that isn't there is refused only where the repository can be seen", async (t) => {
  const api = startApi(t);
  api.answer(DISPATCH, 404);
  api.answer("GET /repos/acme/app", 200, REPOSITORY);
  await refused(workflowsOf(api).dispatch(app, FILE, REF, build));
  api.answer(DISPATCH, 404);
  api.answer("GET /repos/acme/app", 404);
  await couldNotLook("not-found-unproven", workflowsOf(api).dispatch(app, FILE, REF, build));
});

for (const [what, status, message, code] of [
  ["a permission is missing", 403, "Resource not accessible by integration", "credentials-refused"],
  ["GitHub fails", 500, "Failed to run workflow dispatch", "server-error"],
  ["GitHub limits us", 403, "You have exceeded a secondary rate limit", "rate-limited"],
] as const) {
  test(`could not look, and isn't refused, when ${what}`, async (t) => {
    const api = startApi(t);
    api.answer(DISPATCH, status, { message });
    await couldNotLook(code, workflowsOf(api).dispatch(app, FILE, REF, build));
    api.answer("POST /repos/acme/app/actions/runs/9/rerun", status, { message });
    await couldNotLook(code, workflowsOf(api).rerun(app, 9));
  });
}

test("could not look when the answer to a start gets lost", async (t) => {
  const api = startApi(t);
  api.drop(DISPATCH);
  await couldNotLook("network", workflowsOf(api).dispatch(app, FILE, REF, build));
});

test("an archived repository refuses for good", async (t) => {
  const api = startApi(t);
  api.answer(DISPATCH, 403, { message: "Repository was archived so is read-only." });
  await refused(workflowsOf(api).dispatch(app, FILE, REF, build));
});

test("runs a run again, unless GitHub can't", async (t) => {
  const api = startApi(t);
  api.answer("POST /repos/acme/app/actions/runs/9/rerun", 201, {});
  await workflowsOf(api).rerun(app, 9);
  for (const [status, message] of [
    [403, "The workflow run containing this job is already running"],
    [403, "Unable to retry this workflow run because it was created over a month ago"],
    [422, "no"],
  ] as const) {
    api.answer("POST /repos/acme/app/actions/runs/9/rerun", status, { message });
    await refused(workflowsOf(api).rerun(app, 9));
  }
});

test("looks for the workflow at the commit of the tag, and at the head of the default branch", async (t) => {
  const api = startApi(t);
  const file = { type: "file", encoding: "base64", size: 3, content: "b246\n" };
  api.answer("GET /repos/acme/app", 200, REPOSITORY);
  api.answer("GET /repos/acme/app/git/ref/tags%2Frelease%2Fv1", 200, {
    ref: REF,
    object: { type: "commit", sha: COMMIT },
  });
  api.answer(`GET ${CONTENT}?ref=${COMMIT}`, 200, file);
  assert.equal(await workflowsOf(api).hasWorkflow(app, FILE, REF), true);
  api.answer("GET /repos/acme/app", 200, REPOSITORY);
  api.answer("GET /repos/acme/app/branches/trunk", 200, { name: "trunk", commit: { sha: sha("d") }, protected: false });
  api.answer(`GET ${CONTENT}?ref=${sha("d")}`, 200, file);
  assert.equal(await workflowsOf(api).hasWorkflow(app, FILE, "default-branch"), true);
});

test("a workflow is there however large it is", async (t) => {
  const api = startApi(t);
  api.answer("GET /repos/acme/app", 200, REPOSITORY);
  api.answer("GET /repos/acme/app/branches/trunk", 200, { name: "trunk", commit: { sha: COMMIT }, protected: false });
  api.answer(`GET ${CONTENT}`, 200, { type: "file", encoding: "none", size: 5_000_000, content: "" });
  assert.equal(await workflowsOf(api).hasWorkflow(app, FILE, "default-branch"), true);
});

test("knows that a workflow is absent only where the commit can be read", async (t) => {
  const api = startApi(t);
  for (const [status, isProven] of [
    [200, true],
    [404, false],
  ] as const) {
    api.answer("GET /repos/acme/app", 200, REPOSITORY);
    api.answer("GET /repos/acme/app/branches/trunk", 200, { name: "trunk", commit: { sha: COMMIT }, protected: false });
    api.answer(`GET ${CONTENT}`, 404);
    api.answer(`GET /repos/acme/app/commits/${COMMIT}`, status, isProven ? { sha: COMMIT } : undefined);
    const asked = workflowsOf(api).hasWorkflow(app, FILE, "default-branch");
    if (isProven) assert.equal(await asked, false);
    else await couldNotLook("not-found-unproven", asked);
  }
});

test("a symbolic link is no workflow, and a tag that is gone has none", async (t) => {
  const api = startApi(t);
  api.answer("GET /repos/acme/app", 200, REPOSITORY);
  api.answer("GET /repos/acme/app/git/ref/tags%2Frelease%2Fv1", 200, {
    ref: REF,
    object: { type: "commit", sha: COMMIT },
  });
  api.answer(`GET ${CONTENT}`, 200, { type: "symlink", target: "x.yml" });
  assert.equal(await workflowsOf(api).hasWorkflow(app, FILE, REF), false);
  api.answer("GET /repos/acme/app", 200, REPOSITORY);
  api.answer("GET /repos/acme/app/git/ref/tags%2Frelease%2Fv1", 404);
  assert.equal(await workflowsOf(api).hasWorkflow(app, FILE, REF), false);
});
