import assert from "node:assert/strict";
import { test } from "node:test";
import type { Github } from "./github/github.ts";
import { octokitOf, octokitWith } from "./github/octokit.ts";
import { githubOf, isStatus, receiverOf, WORKFLOW, WORKFLOW_PATH } from "./github/world.ts";

const app = { owner: "acme", repo: "app" };
const FILES = { Dockerfile: "FROM scratch\n", [WORKFLOW_PATH]: WORKFLOW };
const workflow = { ...app, workflow_id: "trusted-builds.yml" };
const inputs = { "build-id": "b-1", request: "{}" };

/** A repository with the tag v1.0.0. */
async function tagged(github: Github) {
  await github.repository("acme/app", { files: FILES });
  await github.tag("acme/app", "v1.0.0");
  return octokitOf(github, "acme");
}

async function dispatched(github: Github, octokit: Awaited<ReturnType<typeof octokitOf>>): Promise<number> {
  await octokit.rest.actions.createWorkflowDispatch({ ...workflow, ref: "refs/tags/v1.0.0", inputs });
  return github.runs("acme/app").at(-1)?.id ?? 0;
}

const runEvents = ({ deliveries }: Github) =>
  deliveries.filter(({ event }) => event === "workflow_run").map(({ action }) => action);

test("a dispatch tells which run it started, where it is asked to", async (t) => {
  const github = await githubOf(t);
  const octokit = await tagged(github);
  const dispatch = { ...workflow, ref: "refs/tags/v1.0.0", inputs };
  const { status, data } = await octokit.rest.actions.createWorkflowDispatch({ ...dispatch, return_run_details: true });
  const { workflow_run_id, html_url } = Object(data);
  assert.equal(status, 200);
  assert.equal(html_url, `${github.url}/acme/app/actions/runs/${workflow_run_id}`);
  assert.equal((await octokit.rest.actions.createWorkflowDispatch(dispatch)).status, 204);
  const { data: run } = await octokit.rest.actions.getWorkflowRun({ ...app, run_id: workflow_run_id });
  assert.deepEqual(
    [run.display_title, run.head_branch, run.event, run.status, run.run_attempt],
    ["Trusted build b-1", "v1.0.0", "workflow_dispatch", "queued", 1],
  );
  const since = new Date(Date.now() - 60_000).toISOString();
  const { data: found } = await octokit.rest.actions.listWorkflowRuns({ ...workflow, created: `>=${since}` });
  assert.equal(found.total_count, 2);
  const later = new Date(Date.now() + 60_000).toISOString();
  assert.equal(
    (await octokit.rest.actions.listWorkflowRuns({ ...workflow, created: `>=${later}` })).data.total_count,
    0,
  );
});

test("a workflow starts only where GitHub would start it", async (t) => {
  const github = await githubOf(t);
  await github.repository("acme/app", { files: { Dockerfile: "FROM scratch\n" } });
  await github.tag("acme/app", "early");
  const octokit = await octokitOf(github, "acme");
  const dispatch = (ref: string, given: Record<string, string> = inputs) =>
    octokit.rest.actions.createWorkflowDispatch({ ...workflow, ref, inputs: given });
  await assert.rejects(dispatch("refs/heads/main"), isStatus(404));
  await github.commit("acme/app", { [WORKFLOW_PATH]: WORKFLOW });
  await github.tag("acme/app", "v1");
  await dispatch("refs/tags/v1");
  await assert.rejects(dispatch("refs/tags/early"), isStatus(422));
  await assert.rejects(dispatch("refs/tags/nowhere"), isStatus(422));
  await assert.rejects(dispatch("refs/tags/v1", { ...inputs, other: "x" }), isStatus(422));
  await assert.rejects(dispatch("refs/tags/v1", { request: "x".repeat(65_536) }), isStatus(422));
  await github.commit("acme/app", { [WORKFLOW_PATH]: WORKFLOW.replace("workflow_dispatch", "push") });
  await github.tag("acme/app", "v2");
  await assert.rejects(dispatch("refs/tags/v2"), isStatus(422));
  await github.commit("acme/app", {}, { remove: [WORKFLOW_PATH] });
  await assert.rejects(dispatch("refs/tags/v1"), isStatus(404));
  assert.equal(github.runs("acme/app").length, 1);
});

test("GitHub Enterprise Server knows no run details and no attestations", async (t) => {
  const github = await githubOf(t, { ghes: true });
  const octokit = await tagged(github);
  const dispatch = { ...workflow, ref: "refs/tags/v1.0.0", inputs };
  const details = octokit.rest.actions.createWorkflowDispatch({ ...dispatch, return_run_details: true });
  await assert.rejects(details, isStatus(400));
  assert.equal(github.runs("acme/app").length, 0);
  assert.equal((await octokit.rest.actions.createWorkflowDispatch(dispatch)).status, 204);
  const listed = octokit.rest.repos.listAttestations({ ...app, subject_digest: "sha256:00" });
  await assert.rejects(listed, isStatus(404));
});

test("a run is queued until a runner takes it, and each step is told", async (t) => {
  const github = await githubOf(t);
  await receiverOf(t, github);
  const octokit = await tagged(github);
  const run_id = await dispatched(github, octokit);
  const seen: string[] = [];
  github.onDispatch(async (job) => {
    const { data } = await octokit.rest.actions.getWorkflowRun({ ...app, run_id: job.run.id });
    seen.push(String(data.status), job.ref, job.inputs["build-id"] ?? "");
    job.start();
    seen.push(String((await octokit.rest.actions.getWorkflowRun({ ...app, run_id: job.run.id })).data.status));
    return "failure";
  });
  await github.idle();
  assert.deepEqual(seen, ["queued", "refs/tags/v1.0.0", "b-1", "in_progress"]);
  const { data } = await octokit.rest.actions.getWorkflowRun({ ...app, run_id });
  assert.deepEqual([data.status, data.conclusion], ["completed", "failure"]);
  assert.deepEqual(runEvents(github), ["requested", "in_progress", "completed"]);
  const statuses = github.deliveries.flatMap(({ payload }) => Object(payload).workflow_run?.status ?? []);
  assert.deepEqual(statuses, ["queued", "in_progress", "completed"]);
});

test("a further attempt isn't told as requested, and counts", async (t) => {
  const github = await githubOf(t);
  await receiverOf(t, github);
  const octokit = await tagged(github);
  const run_id = await dispatched(github, octokit);
  await assert.rejects(octokit.rest.actions.reRunWorkflow({ ...app, run_id }), isStatus(403));
  const attempts: number[] = [];
  github.onDispatch(async ({ run }) => {
    attempts.push(run.attempt);
    return "success";
  });
  await github.idle();
  await octokit.rest.actions.reRunWorkflow({ ...app, run_id });
  await github.idle();
  assert.deepEqual(attempts, [1, 2]);
  assert.equal((await octokit.rest.actions.getWorkflowRun({ ...app, run_id })).data.run_attempt, 2);
  assert.deepEqual(runEvents(github), ["requested", "in_progress", "completed", "in_progress", "completed"]);
});

test("a cancelled run ends its job, or never starts", async (t) => {
  const github = await githubOf(t);
  const octokit = await tagged(github);
  const waiting = await dispatched(github, octokit);
  await octokit.rest.actions.cancelWorkflowRun({ ...app, run_id: waiting });
  const conclusion = async (run_id: number) =>
    (await octokit.rest.actions.getWorkflowRun({ ...app, run_id })).data.conclusion;
  assert.equal(await conclusion(waiting), "cancelled");
  const started = Promise.withResolvers<void>();
  github.onDispatch(async ({ signal }) => {
    started.resolve();
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    return "success";
  });
  const running = await dispatched(github, octokit);
  await started.promise;
  github.cancelRun("acme/app", running);
  await github.idle();
  assert.equal(await conclusion(running), "cancelled");
  await assert.rejects(octokit.rest.actions.cancelWorkflowRun({ ...app, run_id: running }), isStatus(409));
});

test("a job's token is for its repository and its time", async (t) => {
  const github = await githubOf(t);
  const octokit = await tagged(github);
  await github.repository("acme/other", { files: FILES, private: true });
  let token = "";
  github.onDispatch(async (job) => {
    token = job.token;
    const inJob = octokitWith(github, token);
    assert.equal((await inJob.rest.repos.get(app)).status, 200);
    await assert.rejects(inJob.rest.repos.get({ owner: "acme", repo: "other" }), isStatus(404));
    await assert.rejects(inJob.rest.checks.create({ ...app, name: "x", head_sha: job.commit }), isStatus(403));
    return "success";
  });
  await dispatched(github, octokit);
  await github.idle();
  assert.equal(github.runs("acme/app")[0]?.attempts[0].conclusion, "success");
  await assert.rejects(octokitWith(github, token).rest.repos.get(app), isStatus(401));
});

test("a run's job is a check run of GitHub's own app on the same commit", async (t) => {
  const github = await githubOf(t);
  const octokit = await tagged(github);
  await dispatched(github, octokit);
  const { data } = await octokit.rest.checks.listForRef({ ...app, ref: "v1.0.0" });
  assert.deepEqual(
    data.check_runs.map(({ name, app: maker }) => [name, maker?.slug]),
    [["build / build", "github-actions"]],
  );
  const [checkRun] = data.check_runs;
  const update = octokit.rest.checks.update({ ...app, check_run_id: checkRun?.id ?? 0, name: "mine" });
  await assert.rejects(update, isStatus(403));
  assert.deepEqual(github.checkRuns("acme/app"), []);
});
