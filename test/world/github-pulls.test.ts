import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { octokitOf } from "./github/octokit.ts";
import { APP_EVENTS, APP_PERMISSIONS } from "./github/state.ts";
import { githubOf, isStatus, receiverOf } from "./github/world.ts";

const app = { owner: "acme", repo: "app" };
const READS_PULLS = {
  permissions: { ...APP_PERMISSIONS, pull_requests: "read" },
  events: [...APP_EVENTS, "pull_request"],
} as const;

/** A repository with a branch `change` and a pull request from it. */
async function pullOf(t: TestContext, { isFork = false } = {}) {
  const github = await githubOf(t, { app: READS_PULLS });
  const first = await github.repository("acme/app", { files: { Dockerfile: "FROM scratch\n", old: "a\nb\nc\n" } });
  const { received } = await receiverOf(t, github);
  const from = isFork ? "bob/app" : "acme/app";
  if (isFork) {
    await github.owner("bob", { type: "User", installation: false });
    await github.fork("acme/app", from);
  }
  const files = { "a/#100% b": "x\n", Dockerfile: "FROM busybox\n", moved: "a\nb\nc\n" };
  const head = await github.commit(from, files, { branch: "change", remove: ["old"] });
  const number = await github.openPull("acme/app", { from, branch: "change", title: "Another base" });
  const octokit = await octokitOf(github, "acme");
  const told = () => received.filter(({ headers }) => headers["x-github-event"] === "pull_request");
  return { github, octokit, first, head, number, from, told };
}

for (const isFork of [false, true]) {
  test(`a pull request from ${isFork ? "a fork" : "the repository"} has its head, and the base repository has its commits`, async (t) => {
    const { octokit, first, head, number, told } = await pullOf(t, { isFork });
    const pull = (await octokit.rest.pulls.get({ ...app, pull_number: number })).data;
    assert.deepEqual([pull.number, pull.state, pull.merged, pull.changed_files], [1, "open", false, 3]);
    assert.deepEqual([pull.head.sha, pull.head.ref, pull.base.sha, pull.base.ref], [head, "change", first, "main"]);
    assert.equal(pull.head.repo.full_name, isFork ? "bob/app" : "acme/app");
    assert.equal((await octokit.rest.repos.getCommit({ ...app, ref: head })).data.sha, head);
    const file = (await octokit.rest.repos.getContent({ ...app, path: "Dockerfile", ref: head })).data;
    assert.ok("content" in file && Buffer.from(file.content, "base64").toString() === "FROM busybox\n");
    assert.deepEqual((await octokit.rest.git.getRef({ ...app, ref: "pull/1/head" })).data.object.sha, head);
    assert.deepEqual(
      told().map(({ payload }) => payload.action),
      ["opened"],
    );
  });
}

test("files of a pull request are those that differ from where the branches parted, with their names as they are", async (t) => {
  const { github, octokit, head } = await pullOf(t);
  await github.commit("acme/app", { "only on main": "y" });
  const list = (page: number) => octokit.rest.pulls.listFiles({ ...app, pull_number: 1, per_page: 2, page });
  const [one, two] = [await list(1), await list(2)];
  assert.match(one.headers.link ?? "", /rel="next"/);
  assert.deepEqual(
    [...one.data, ...two.data].map((each) => [each.status, each.filename, each.previous_filename]),
    [
      ["modified", "Dockerfile", undefined],
      ["added", "a/#100% b", undefined],
      ["renamed", "moved", "old"],
    ],
  );
  assert.ok(one.data.every((each) => each.contents_url.endsWith(`?ref=${head}`)));
  const compared = (await octokit.rest.repos.compareCommitsWithBasehead({ ...app, basehead: `main...${head}` })).data;
  assert.deepEqual([compared.status, compared.ahead_by, compared.behind_by], ["diverged", 1, 1]);
  assert.equal(compared.files?.length, 3);
});

test("what happens to a pull request is told to those who may read it", async (t) => {
  const { github, octokit, head, from, told } = await pullOf(t, { isFork: true });
  const second = await github.commit(from, { Dockerfile: "FROM alpine\n" }, { branch: "change" });
  await github.branch("acme/app", "release", (await github.refs("acme/app"))[0]?.object ?? "");
  await github.branch(from, "change", head);
  await github.changePull("acme/app", 1, { base: "release" });
  await github.changePull("acme/app", 1, { title: "Renamed" });
  await github.closePull("acme/app", 1);
  await github.reopenPull("acme/app", 1);
  const merged = await github.mergePull("acme/app", 1);
  const pull = (await octokit.rest.pulls.get({ ...app, pull_number: 1 })).data;
  assert.deepEqual([pull.state, pull.merged, pull.merge_commit_sha], ["closed", true, merged]);
  const what = told().map(({ payload }) => [payload.action, payload.before, payload.after]);
  assert.deepEqual(what, [
    ["opened", undefined, undefined],
    ["synchronize", head, second],
    ["synchronize", second, head],
    ["edited", undefined, undefined],
    ["edited", undefined, undefined],
    ["closed", undefined, undefined],
    ["reopened", undefined, undefined],
    ["closed", undefined, undefined],
  ]);
  assert.equal(Object(told()[3]?.payload.changes).base.ref.from, "main");
  const count = told().length;
  const { pull_requests: _, ...fewer } = APP_PERMISSIONS;
  github.installation("acme").permissions = fewer;
  await github.openPull("acme/app", { from, branch: "main", base: "release" });
  assert.equal(told().length, count);
  const narrow = await octokitOf(github, "acme", { permissions: { contents: "read" } });
  github.change("acme/app", { private: true });
  await assert.rejects(narrow.rest.pulls.get({ ...app, pull_number: 1 }), isStatus(403));
});

test("a pull request outlives its fork, without it", async (t) => {
  const { github, octokit, head, told } = await pullOf(t, { isFork: true });
  await github.removeRepository("bob/app");
  const pull = (await octokit.rest.pulls.get({ ...app, pull_number: 1 })).data;
  assert.deepEqual([pull.state, pull.head.repo, pull.head.sha], ["closed", null, head]);
  assert.equal((await octokit.rest.git.getCommit({ ...app, commit_sha: head })).data.sha, head);
  assert.equal(told().at(-1)?.payload.action, "closed");
});

test("trees, blobs and commits are those of git; a tree that is too long is cut", async (t) => {
  const { github, octokit, head } = await pullOf(t);
  const tree = async (sha: string, recursive?: string) =>
    (await octokit.rest.git.getTree({ ...app, tree_sha: sha, ...(recursive && { recursive }) })).data;
  const all = await tree(head, "1");
  assert.deepEqual(
    [all.truncated, all.tree.map(({ path, mode }) => `${mode} ${path}`)],
    [false, ["100644 Dockerfile", "040000 a", "100644 a/#100% b", "100644 moved"]],
  );
  assert.equal((await tree(head)).tree.length, 3);
  const [file] = all.tree;
  const blob = (await octokit.rest.git.getBlob({ ...app, file_sha: file?.sha ?? "" })).data;
  assert.equal(Buffer.from(blob.content, "base64").toString(), "FROM busybox\n");
  const commit = (await octokit.rest.git.getCommit({ ...app, commit_sha: head })).data;
  assert.equal(commit.tree.sha, all.sha);
  await assert.rejects(octokit.rest.git.getBlob({ ...app, file_sha: head }), isStatus(404));
  await assert.rejects(tree("f".repeat(40)), isStatus(404));
  github.change("acme/app", { treeLimit: 2 });
  const cut = await tree(head, "1");
  assert.deepEqual([cut.truncated, cut.tree.length], [true, 2]);
});

test("people may do what their role says", async (t) => {
  const { github, octokit } = await pullOf(t);
  github.collaborate("acme/app", "eve", "maintain");
  github.collaborate("acme/app", "tom", "triage");
  const ask = async (username: string) => {
    const { data } = await octokit.rest.repos.getCollaboratorPermissionLevel({ ...app, username });
    return `${data.permission} ${data.role_name}`;
  };
  assert.deepEqual(
    [await ask("Eve"), await ask("tom"), await ask("ada")],
    ["write maintain", "read triage", "read read"],
  );
  await assert.rejects(ask("nobody"), isStatus(404));
});
