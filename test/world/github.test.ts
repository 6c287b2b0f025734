import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { startGithub } from "./github/github.ts";
import { appJwt, octokitOf, octokitOfApp, octokitWith } from "./github/octokit.ts";
import { githubOf, isStatus, receiverOf, WORKFLOW, WORKFLOW_PATH } from "./github/world.ts";

const app = { owner: "acme", repo: "app" };
const FILES = { Dockerfile: "FROM scratch\n", [WORKFLOW_PATH]: WORKFLOW };

test("an app proves itself with its own key, and for ten minutes at most", async (t) => {
  const github = await githubOf(t);
  const other = await githubOf(t);
  assert.equal((await (await octokitOfApp(github)).rest.apps.getAuthenticated()).data?.id, github.app.id);
  for (const [what, options] of [
    ["another key", { privateKey: other.app.privateKey }],
    ["another issuer", { issuer: 999 }],
    ["expired", { expires: -1 }],
    ["too long", { expires: 1200 }],
    ["not yet issued", { issuedAt: 300 }],
  ] as const) {
    const octokit = await octokitOfApp(github, options);
    await assert.rejects(octokit.rest.apps.getAuthenticated(), isStatus(401), what);
  }
});

test("a token sees what its installation covers, and no more than it was narrowed to", async (t) => {
  const github = await githubOf(t);
  await github.repository("acme/app", { files: FILES, private: true });
  await github.repository("acme/base", { files: FILES, private: true });
  const whole = await octokitOf(github, "acme");
  const narrowed = await octokitOf(github, "acme", { repositories: ["app"], permissions: { contents: "read" } });
  assert.equal((await whole.rest.apps.listReposAccessibleToInstallation()).data.total_count, 2);
  assert.equal((await narrowed.rest.apps.listReposAccessibleToInstallation()).data.total_count, 1);
  assert.equal((await narrowed.rest.repos.get(app)).data.private, true);
  await assert.rejects(narrowed.rest.repos.get({ owner: "acme", repo: "base" }), isStatus(404));
  const { sha } = (await whole.rest.repos.getCommit({ ...app, ref: "main" })).data;
  await assert.rejects(narrowed.rest.checks.create({ ...app, name: "x", head_sha: sha }), isStatus(403));
  await assert.rejects(octokitOf(github, "acme", { repositories: ["nowhere"] }), isStatus(422));
  await assert.rejects(octokitOf(github, "acme", { permissions: { contents: "write" } }), isStatus(422));
});

test("a private repository doesn't exist for those who can't read it", async (t) => {
  const github = await githubOf(t);
  await github.owner("acme", { installation: "selected" });
  await github.repository("acme/app", { files: FILES, private: true, selected: false });
  await github.repository("acme/open", { files: FILES, selected: false });
  for (const octokit of [octokitWith(github), await octokitOf(github, "acme")]) {
    await assert.rejects(octokit.rest.repos.get(app), isStatus(404));
    await assert.rejects(octokit.rest.repos.getContent({ ...app, path: "Dockerfile" }), isStatus(404));
    assert.equal((await octokit.rest.repos.get({ owner: "acme", repo: "open" })).data.private, false);
  }
  await github.select("acme/app", true);
  assert.equal((await (await octokitOf(github, "acme")).rest.repos.get(app)).data.private, true);
});

test("a person's token reads what the person may read, by name and by number", async (t) => {
  const github = await githubOf(t);
  await github.repository("acme/app", { files: FILES, private: true, id: 4242 });
  github.collaborate("acme/app", "grace", "read");
  const token = github.personToken("grace");
  const byNumber = (octokit: ReturnType<typeof octokitWith>, id: number) =>
    octokit.request("GET /repositories/{id}", { id });
  const [grace, heidi] = [octokitWith(github, token), octokitWith(github, github.personToken("heidi"))];
  assert.equal((await grace.rest.repos.getContent({ ...app, path: "Dockerfile" })).status, 200);
  assert.equal((await byNumber(grace, 4242)).data.id, 4242);
  for (const octokit of [heidi, octokitWith(github)]) {
    await assert.rejects(octokit.rest.repos.get(app), isStatus(404));
    await assert.rejects(byNumber(octokit, 4242), isStatus(404));
  }
  for (const octokit of [grace, heidi]) await assert.rejects(byNumber(octokit, 4243), isStatus(404));
  github.collaborate("acme/app", "grace", "none");
  await assert.rejects(byNumber(grace, 4242), isStatus(404));
  github.revokeToken(token);
  for (const id of [4242, 4243]) await assert.rejects(byNumber(grace, id), isStatus(401));
  assert.deepEqual(github.violations, []);
});

test("a suspended installation has no tokens, and the old ones are refused", async (t) => {
  const github = await githubOf(t);
  await github.repository("acme/app", { files: FILES, private: true });
  const octokit = await octokitOf(github, "acme");
  github.installation("acme").suspendedAt = new Date();
  await assert.rejects(octokit.rest.repos.get(app), isStatus(403));
  await assert.rejects(octokitOf(github, "acme"), isStatus(403));
});

test("tokens live an hour", async (t) => {
  let now = Date.now();
  const github = await githubOf(t, { now: () => new Date(now) });
  await github.repository("acme/app", { files: FILES });
  const octokit = await octokitOf(github, "acme");
  now += 3_599_000;
  assert.equal((await octokit.rest.repos.get(app)).status, 200);
  now += 2000;
  await assert.rejects(octokit.rest.repos.get(app), isStatus(401));
});

test("refs, tags, branches and contents are those of git", async (t) => {
  const github = await githubOf(t);
  const first = await github.repository("acme/app", { files: { ...FILES, "docs/a b.md": "ä\n" }, protected: 2 });
  const object = await github.tag("acme/app", "release/v1", { annotated: true });
  const second = await github.commit("acme/app", { Dockerfile: "FROM busybox\n" });
  const octokit = await octokitOf(github, "acme");
  const ref = (await octokit.rest.git.getRef({ ...app, ref: "tags/release/v1" })).data;
  assert.deepEqual([ref.object.type, ref.object.sha], ["tag", object]);
  assert.equal((await octokit.rest.git.getTag({ ...app, tag_sha: object })).data.object.sha, first);
  const refs = (await octokit.rest.git.listMatchingRefs({ ...app, ref: "tags/" })).data;
  assert.deepEqual(
    refs.map((each) => each.ref),
    ["refs/tags/release/v1"],
  );
  assert.equal((await octokit.rest.repos.getCommit({ ...app, ref: "release/v1" })).data.sha, first);
  const branch = (await octokit.rest.repos.getBranch({ ...app, branch: "main" })).data;
  assert.deepEqual([branch.commit.sha, branch.protected], [second, true]);
  const rules = (await octokit.rest.repos.getBranchRules({ ...app, branch: "main" })).data;
  const rule = rules.find((each) => each.type === "pull_request");
  assert.equal(rule?.parameters?.required_approving_review_count, 2);
  const file = (await octokit.rest.repos.getContent({ ...app, path: "docs/a b.md", ref: first })).data;
  assert.ok("content" in file && Buffer.from(file.content, "base64").toString() === "ä\n");
  const old = (await octokit.rest.repos.getContent({ ...app, path: "Dockerfile", ref: "release/v1" })).data;
  assert.ok("content" in old && Buffer.from(old.content, "base64").toString() === "FROM scratch\n");
  const root = (await octokit.rest.repos.getContent({ ...app, path: "" })).data;
  assert.deepEqual(Array.isArray(root) && root.map((each) => `${each.type} ${each.path}`), [
    "dir .github",
    "file Dockerfile",
    "dir docs",
  ]);
  await assert.rejects(octokit.rest.git.getRef({ ...app, ref: "tags/release" }), isStatus(404));
  await assert.rejects(octokit.rest.repos.getContent({ ...app, path: "nothing" }), isStatus(404));
  await github.repository("acme/empty");
  const empty = { owner: "acme", repo: "empty" };
  await assert.rejects(octokit.rest.git.getRef({ ...empty, ref: "heads/main" }), isStatus(409));
  await assert.rejects(octokit.rest.repos.getContent({ ...empty, path: "x" }), isStatus(404));
});

test("a symlink to a file of the repository answers as that file, and another one as what it is", async (t) => {
  const github = await githubOf(t);
  await github.repository("acme/app", { files: FILES });
  await github.commit("acme/app", {}, { symlinks: { inside: "Dockerfile", outside: "../../etc/passwd" } });
  const octokit = await octokitOf(github, "acme");
  const inside = (await octokit.rest.repos.getContent({ ...app, path: "inside" })).data;
  assert.ok("content" in inside && Buffer.from(inside.content, "base64").toString() === "FROM scratch\n");
  const outside = (await octokit.rest.repos.getContent({ ...app, path: "outside" })).data;
  assert.ok("target" in outside && outside.type === "symlink");
});

test("the same files give the same commit", async (t) => {
  const [one, other] = [await githubOf(t), await githubOf(t)];
  assert.equal(
    await one.repository("acme/app", { files: FILES }),
    await other.repository("acme/app", { files: FILES }),
  );
});

test("check runs follow GitHub's rules of status and conclusion", async (t) => {
  const github = await githubOf(t);
  const head_sha = await github.repository("acme/app", { files: FILES });
  const octokit = await octokitOf(github, "acme");
  const { data: made } = await octokit.rest.checks.create({ ...app, name: "tag", head_sha, external_id: "b1" });
  assert.deepEqual([made.status, made.conclusion, made.app?.id], ["queued", null, github.app.id]);
  const about = { ...app, check_run_id: made.id };
  const { data: done } = await octokit.rest.checks.update({ ...about, conclusion: "failure" });
  assert.deepEqual([done.status, done.conclusion, done.completed_at !== null], ["completed", "failure", true]);
  const { data: again } = await octokit.rest.checks.update({ ...about, status: "in_progress" });
  assert.deepEqual([again.status, again.conclusion, again.completed_at], ["in_progress", null, null]);
  const { data: second } = await octokit.rest.checks.create({ ...app, name: "tag", head_sha, external_id: "b2" });
  const list = async (filter: "latest" | "all") =>
    (await octokit.rest.checks.listForRef({ ...app, ref: head_sha, check_name: "tag", filter })).data.check_runs.map(
      ({ id }) => id,
    );
  assert.deepEqual(await list("latest"), [second.id]);
  assert.deepEqual(await list("all"), [second.id, made.id]);
  assert.equal(github.checkRuns("acme/app").length, 2);
  const object = await github.tag("acme/app", "v1", { annotated: true });
  await assert.rejects(octokit.rest.checks.create({ ...app, name: "tag", head_sha: object }), isStatus(422));
  const output = { title: "t", summary: "ä".repeat(40_000) };
  await assert.rejects(octokit.rest.checks.update({ ...about, output }), isStatus(422));
});

test("a request that GitHub's description doesn't allow is a violation, answered loudly", async (t) => {
  const github = await startGithub();
  t.after(() => github.close());
  const head_sha = await github.repository("acme/app", { files: FILES });
  const octokit = await octokitOf(github, "acme");
  const { data } = await octokit.rest.checks.create({ ...app, name: "tag", head_sha });
  const about = { ...app, check_run_id: data.id };
  const output = { title: "t", summary: "x".repeat(65_536) };
  for (const [what, call] of [
    ["too long", () => octokit.rest.checks.update({ ...about, output })],
    ["completed without conclusion", () => octokit.rest.checks.update({ ...about, status: "completed" })],
    [
      "unknown field",
      () => octokit.request("PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}", { ...about, y: 1 }),
    ],
    ["unknown query", () => octokit.request("GET /repos/{owner}/{repo}", { ...app, y: 1 })],
    ["unknown operation", () => octokit.request("GET /repos/{owner}/{repo}/nothing", app)],
    ["another version", () => octokit.rest.repos.get({ ...app, headers: { "x-github-api-version": "2026-03-10" } })],
  ] as const) {
    const before = github.violations.length;
    await assert.rejects(call, isStatus(500), what);
    assert.equal(github.violations.length, before + 1, what);
  }
});

test("an answer that doesn't fit GitHub's description is a violation too", async (t) => {
  const github = await startGithub();
  t.after(() => github.close());
  await github.owner("acme");
  Object.assign(github.installation("acme"), { permissions: { contents: "everything" } });
  await assert.rejects((await octokitOfApp(github)).rest.apps.listInstallations(), isStatus(500));
  assert.match(github.violations.join(), /permissions/);
});

test("lost answers: what was asked for is done, or not, as the fault says", async (t) => {
  const github = await githubOf(t);
  const head_sha = await github.repository("acme/app", { files: FILES });
  const octokit = await octokitOf(github, "acme");
  const create = () => octokit.rest.checks.create({ ...app, name: "tag", head_sha });
  const path = /\/check-runs$/;
  github.fail({ method: "POST", path, drop: true, times: 1 });
  await assert.rejects(create());
  assert.equal(github.checkRuns("acme/app").length, 0);
  github.fail({ method: "POST", path, drop: true, after: true, times: 1 });
  await assert.rejects(create());
  assert.equal(github.checkRuns("acme/app").length, 1);
  github.fail({ method: "POST", path, status: 502, after: true, times: 1 });
  await assert.rejects(create(), isStatus(502));
  assert.equal(github.checkRuns("acme/app").length, 2);
  github.fail({ path, status: 403, headers: { "x-ratelimit-remaining": "0" } });
  await assert.rejects(create(), isStatus(403));
  await assert.rejects(create(), isStatus(403));
  github.heal();
  assert.equal((await create()).headers["x-ratelimit-limit"], "5000");
  const statuses = github.requests
    .filter((each) => each.method === "POST" && path.test(each.path))
    .map((each) => each.status);
  assert.deepEqual(statuses, [0, 0, 502, 403, 403, 201]);
});

test("a hook is called before and after each request, and can lose either the request or its answer", async (t) => {
  const github = await githubOf(t);
  const head_sha = await github.repository("acme/app", { files: FILES });
  const octokit = await octokitOf(github, "acme");
  const create = () => octokit.rest.checks.create({ ...app, name: "tag", head_sha });
  const seen: string[] = [];
  const losing = (lost: "before" | "after" | undefined) =>
    github.onRequest(async ({ when, method, path }) => {
      seen.push(`${when} ${method} ${path}, ${github.checkRuns("acme/app").length}`);
      return when === lost ? "lost" : undefined;
    });
  losing("before");
  await assert.rejects(create());
  losing("after");
  await assert.rejects(create());
  losing(undefined);
  await create();
  github.onRequest(undefined);
  await create();
  const path = "POST /repos/acme/app/check-runs";
  const expected = ["before, 0", "before, 0", "after, 1", "before, 1", "after, 2"];
  assert.deepEqual(
    seen,
    expected.map((each) => each.replace(",", ` ${path},`)),
  );
  assert.equal(github.checkRuns("acme/app").length, 3);
});

test("git clones what its token can read", async (t) => {
  const github = await githubOf(t);
  const commit = await github.repository("acme/app", { files: FILES, private: true });
  await github.tag("acme/app", "v1.0.0");
  const directory = mkdtempSync(join(tmpdir(), "clone-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const { data } = await (await octokitOfApp(github)).rest.apps.createInstallationAccessToken({
    installation_id: github.installation("acme").id,
  });
  const host = new URL(github.url).host;
  const clone = (credentials: string, to: string) =>
    promisify(execFile)(
      "git",
      ["clone", "-q", "--branch=v1.0.0", `http://${credentials}${host}/Acme/app.git`, join(directory, to)],
      {
        env: { PATH: process.env.PATH, GIT_TERMINAL_PROMPT: "0", GIT_CONFIG_GLOBAL: "/dev/null" },
      },
    );
  await assert.rejects(clone("", "nobody"));
  await assert.rejects(clone("x-access-token:wrong@", "wrong"));
  await clone(`x-access-token:${data.token}@`, "app");
  assert.equal(readFileSync(join(directory, "app", ".git", "HEAD"), "utf8").trim(), commit);
  github.change("acme/app", { private: false });
  await clone("", "public");
});

test("attestations are found by the digests that they are about", async (t) => {
  const github = await githubOf(t, { app: { permissions: { attestations: "write", metadata: "read" } } });
  await github.repository("acme/app", { files: FILES });
  const octokit = await octokitOf(github, "acme");
  const statement = {
    predicateType: "https://slsa.dev/provenance/v1",
    subject: [{ digest: { sha256: "a".repeat(64) } }],
  };
  const payload = Buffer.from(JSON.stringify(statement)).toString("base64");
  const bundle = { mediaType: "x", verificationMaterial: {}, dsseEnvelope: { payload } };
  await octokit.rest.repos.createAttestation({ ...app, bundle });
  const subject_digest = `sha256:${"a".repeat(64)}`;
  const { data } = await octokit.rest.repos.listAttestations({ ...app, subject_digest });
  const [found] = data.attestations ?? [];
  // Since 2026-07-16 the list has only the link, to another host and compressed.
  assert.equal(found?.bundle, null);
  const bytes = Buffer.from(await (await fetch(found?.bundle_url ?? "")).arrayBuffer());
  assert.ok(bytes.includes(JSON.stringify(bundle)));
  const other = octokit.rest.repos.listAttestations({ ...app, subject_digest: `sha256:${"b".repeat(64)}` });
  await assert.rejects(other, isStatus(404));
});

test("credentials that follow a link to the storage are told as a violation", async (t) => {
  const github = await startGithub();
  t.after(() => github.close());
  await github.repository("acme/app", { files: FILES });
  const octokit = await octokitOf(github, "acme");
  const { data } = await octokit.rest.actions.createWorkflowDispatch({
    ...app,
    workflow_id: "trusted-builds.yml",
    ref: "main",
    return_run_details: true,
  });
  github.onDispatch(async ({ log }) => {
    log("built");
    return "success";
  });
  await github.idle();
  const run_id = Number(Object(data).workflow_run_id); // the client's types know only the answer without it
  const { data: jobs } = await octokit.rest.actions.listJobsForWorkflowRunAttempt({
    ...app,
    run_id,
    attempt_number: 1,
  });
  const log = await octokit.rest.actions.downloadJobLogsForWorkflowRun({ ...app, job_id: jobs.jobs[0]?.id ?? 0 });
  assert.match(String(log.data), /Z built\r\n/);
  assert.deepEqual(github.violations, []);
  await fetch(log.url, { headers: { authorization: `Bearer ${await appJwt(github)}` } });
  assert.equal(github.violations.length, 1);
});

test("what is archived takes no more writes", async (t) => {
  const github = await githubOf(t);
  const head_sha = await github.repository("acme/app", { files: FILES, archived: true });
  await receiverOf(t, github);
  const octokit = await octokitOf(github, "acme");
  await assert.rejects(octokit.rest.checks.create({ ...app, name: "x", head_sha }), isStatus(403));
});
