import assert from "node:assert/strict";
import { test } from "node:test";
import type { CheckRunReport } from "../../src/build/ports.ts";
import { createCheckRuns } from "../../src/github/check-runs.ts";
import { type Api, app, couldNotLook, sha, startApi } from "./api.ts";

const APP_ID = 1234;
const COMMIT = sha("c");
const check = { name: "trusted-builds / tag (ghcr.io/acme/app)", commit: COMMIT, externalId: "3f1c" };
const LIST = `GET /repos/acme/app/commits/${COMMIT}/check-runs`;
const queued: CheckRunReport = { status: "queued", title: "queued", summary: "since now" };
const completed: CheckRunReport = {
  status: "completed",
  conclusion: "success",
  title: "trusted: 3 images",
  summary: "everything\n",
  text: "tree",
  detailsUrl: "https://builds.example/builds/3f1c",
  startedAt: new Date("2026-11-27T16:00:00.123Z"),
  completedAt: new Date("2026-11-27T16:05:00Z"),
};

function annotated(count: number): CheckRunReport {
  const annotation = { path: "a/Dockerfile", level: "warning", title: "t", message: "m" } as const;
  const annotations = Array.from({ length: count }, (_, index) => ({
    ...annotation,
    line: index + 1,
    endLine: index + 1,
  }));
  return { ...completed, annotations };
}

/** The first and the last line of the annotations that a request adds, and its conclusion. */
function added({ body }: { readonly body: unknown }) {
  const { conclusion, output } = body as { conclusion?: string; output: { annotations?: { start_line: number }[] } };
  const lines = output.annotations?.map(({ start_line }) => start_line) ?? [];
  return [conclusion, lines[0], lines.at(-1)];
}

function withAnnotations(count: number) {
  return { output: { title: "trusted: 3 images", summary: "everything", annotations_count: count } };
}

function checkRunsOf(api: Api) {
  return createCheckRuns({ octokitFor: async () => api.octokit, appId: APP_ID });
}

function checkRun(id: number, changes: object = {}) {
  return {
    id,
    name: check.name,
    head_sha: COMMIT,
    external_id: "3f1c",
    status: "completed",
    conclusion: "success",
    app: { id: APP_ID },
    output: { title: "trusted: 3 images", summary: "everything" },
    ...changes,
  };
}

test("creates a check run on the commit, with the build's id", async (t) => {
  const api = startApi(t);
  api.answer("POST /repos/acme/app/check-runs", 201, checkRun(5));
  assert.equal(await checkRunsOf(api).create(app, check, completed), 5);
  assert.deepEqual(api.asked[0]?.body, {
    name: check.name,
    head_sha: COMMIT,
    external_id: "3f1c",
    status: "completed",
    conclusion: "success",
    details_url: "https://builds.example/builds/3f1c",
    started_at: "2026-11-27T16:00:00Z",
    completed_at: "2026-11-27T16:05:00Z",
    output: { title: "trusted: 3 images", summary: "everything\n", text: "tree" },
  });
});

test("sends a conclusion only with a completed check run: it would complete any other", async (t) => {
  const api = startApi(t);
  api.answer("PATCH /repos/acme/app/check-runs/5", 200, checkRun(5));
  await checkRunsOf(api).update(app, 5, { ...completed, status: "in_progress" });
  const body = api.asked[0]?.body as Record<string, unknown>;
  assert.equal(body.status, "in_progress");
  assert.ok(!("conclusion" in body) && !("completed_at" in body));
  const { conclusion: _, ...without } = completed;
  await assert.rejects(checkRunsOf(api).update(app, 5, without), /needs a conclusion/);
});

test("could not look when a write is refused or its answer gets lost", async (t) => {
  const api = startApi(t);
  api.drop("POST /repos/acme/app/check-runs");
  await couldNotLook("network", checkRunsOf(api).create(app, check, queued));
  api.answer("PATCH /repos/acme/app/check-runs/5", 403, { message: "Resource not accessible by integration" });
  const { message } = await couldNotLook("credentials-refused", checkRunsOf(api).update(app, 5, queued));
  assert.match(message, /"checks: write" in acme\/app/);
  api.answer("PATCH /repos/acme/app/check-runs/5", 404);
  await couldNotLook("not-found-unproven", checkRunsOf(api).update(app, 5, queued));
});

test("finds its check run by the build's id among all of that name on the commit", async (t) => {
  const api = startApi(t);
  const link = { link: '<https://api.github.com/x?page=2>; rel="next"' };
  const name = "trusted-builds%20%2F%20tag%20%28ghcr.io%2Facme%2Fapp%29".replaceAll("%20", "+");
  api.answer(
    `${LIST}?check_name=${name}&app_id=${APP_ID}&filter=all&per_page=100&page=1`,
    200,
    { total_count: 2, check_runs: [checkRun(9, { external_id: "other" })] },
    link,
  );
  api.answer(`${LIST}?page=2`, 200, { total_count: 2, check_runs: [checkRun(8), checkRun(7)] });
  assert.equal(await checkRunsOf(api).find(app, check), 7);
});

for (const [what, changes] of [
  ["another app's", { app: { id: 99 } }],
  ["nobody's", { app: null }],
  ["another build's", { external_id: "3f1c.2" }],
  ["of no build", { external_id: null }],
  ["of another name", { name: "trusted-builds / tag" }],
  ["on another commit", { head_sha: sha("d") }],
] as const) {
  test(`takes no check run that is ${what} for its own`, async (t) => {
    const api = startApi(t);
    api.answer(LIST, 200, { total_count: 1, check_runs: [checkRun(5, changes)] });
    assert.equal(await checkRunsOf(api).find(app, check), undefined);
  });
}

for (const [what, changes, expected] of [
  ["everything is the same", {}, true],
  ["the status differs", { status: "in_progress", conclusion: null }, false],
  ["the conclusion differs", { conclusion: "failure" }, false],
  ["the title differs", { output: { title: "untrusted", summary: "everything" } }, false],
  ["the summary differs", { output: { title: "trusted: 3 images", summary: "nothing" } }, false],
  [
    "fewer annotations are there",
    { output: { title: "trusted: 3 images", summary: "everything", annotations_count: 0 } },
    false,
  ],
  ["there is no output", { output: { title: null, summary: null } }, false],
] as const) {
  test(`a check run ${expected ? "says" : "doesn't say"} it already where ${what}`, async (t) => {
    const api = startApi(t);
    api.answer("GET /repos/acme/app/check-runs/5", 200, checkRun(5, changes));
    const report = what.startsWith("fewer") ? annotated(1) : completed;
    assert.equal(await checkRunsOf(api).says(app, 5, report), expected);
  });
}

test("another app's check run says nothing of ours", async (t) => {
  const api = startApi(t);
  api.answer("GET /repos/acme/app/check-runs/5", 200, checkRun(5, { app: { id: 99 } }));
  await couldNotLook("server-error", checkRunsOf(api).says(app, 5, completed));
});

test("adds annotations in portions of fifty, the first with the check run itself", async (t) => {
  const api = startApi(t);
  api.answer("POST /repos/acme/app/check-runs", 201, checkRun(5, withAnnotations(50)));
  api.answer("PATCH /repos/acme/app/check-runs/5", 200, checkRun(5, withAnnotations(100)));
  api.answer("PATCH /repos/acme/app/check-runs/5", 200, checkRun(5, withAnnotations(101)));
  assert.equal(await checkRunsOf(api).create(app, check, annotated(101)), 5);
  assert.deepEqual(api.asked.map(added), [
    ["success", 1, 50],
    [undefined, 51, 100],
    [undefined, 101, 101],
  ]);
});

test("adds no annotation twice: after a crash it goes on behind those that GitHub has", async (t) => {
  const api = startApi(t);
  const update = (there: number, wanted: number) => {
    api.answer("GET /repos/acme/app/check-runs/5", 200, checkRun(5, withAnnotations(there)));
    api.answer("PATCH /repos/acme/app/check-runs/5", 200, checkRun(5, withAnnotations(wanted)));
    return checkRunsOf(api).update(app, 5, annotated(wanted));
  };
  await update(50, 70);
  await update(70, 70);
  assert.deepEqual(api.asked.filter(({ body }) => body !== undefined).map(added), [
    ["success", 51, 70],
    ["success", undefined, undefined],
  ]);
  api.answer("GET /repos/acme/app/check-runs/5", 200, checkRun(5, { ...withAnnotations(0), app: { id: 99 } }));
  await couldNotLook("server-error", checkRunsOf(api).update(app, 5, annotated(1)));
});

test("sends buttons where the report has any, and takes them away where it says so", async (t) => {
  const api = startApi(t);
  const action = { label: "Pin digests", description: "Writes digests into the file", identifier: "pin" };
  for (const actions of [[action], []]) {
    api.answer("PATCH /repos/acme/app/check-runs/5", 200, checkRun(5));
    await checkRunsOf(api).update(app, 5, { ...completed, actions });
  }
  assert.deepEqual(
    api.asked.map(({ body }) => Object(body).actions),
    [[action], []],
  );
});
