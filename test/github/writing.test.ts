import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Repository } from "../../src/build/build.ts";
import { WriteRefused } from "../../src/change/ports.ts";
import { createCommitWriter } from "../../src/github/commits.ts";
import { createInstallations } from "../../src/github/installations.ts";
import { createPullRequestWriter } from "../../src/github/pull-request-writer.ts";
import { type Github, type GithubOptions, startGithub } from "../world/github/github.ts";
import { octokitOf, octokitOfApp } from "../world/github/octokit.ts";
import { couldNotLook } from "./api.ts";
import { writerOptions } from "./writing-fixture.ts";

const WRITING = { contents: "write", pull_requests: "write", workflows: "write" } as const;
const DOCKERFILE = "FROM alpine:3.19\nRUN true\n";
const PINNED = "FROM alpine:3.19@sha256:c5b1261d6d3e43071626931fc004f70149baeba2c8ec672bd4f27761f8e1ad6b\nRUN true\n";
const BRANCH = "trusted-builds/pins";
const text = (words: string) => new TextEncoder().encode(words);
const file = (path: string, words: string) => ({ path, bytes: text(words) });

async function start(t: TestContext, permissions: object = WRITING, options: GithubOptions = {}) {
  const github = await startGithub(options);
  t.after(async () => {
    await github.close();
    assert.deepEqual(github.violations, []);
  });
  await github.owner("acme");
  const installation = github.installation("acme");
  installation.permissions = { ...installation.permissions, ...permissions };
  const head = await github.repository("acme/app", {
    files: { Dockerfile: DOCKERFILE, "run.sh": "#!/bin/sh\n", "docs/a.md": "a\n" },
    private: true,
  });
  const clients = { octokitFor: () => octokitOf(github, "acme"), appOctokit: () => octokitOfApp(github) };
  const [app] = await createInstallations(clients).listRepositories(installation.id);
  assert.ok(app);
  const writer = writerOptions(clients.octokitFor);
  return { github, head, app, writer, commits: createCommitWriter(writer), pulls: createPullRequestWriter(writer) };
}

async function refused(code: WriteRefused["code"], asked: Promise<unknown>): Promise<WriteRefused> {
  const error = await asked.then(
    () => assert.fail("nothing was refused"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof WriteRefused, String(error));
  assert.equal(error.code, code, error.message);
  return error;
}

async function contentOf(github: Github, path: string, ref: string): Promise<string> {
  const octokit = await octokitOf(github, "acme");
  const { data } = await octokit.rest.repos.getContent({ owner: "acme", repo: "app", path, ref });
  return Buffer.from((data as { content: string }).content, "base64").toString();
}

function proposal(on: string, changes: object = {}) {
  const files = [file("Dockerfile", PINNED)];
  return { branch: BRANCH, isNew: true, on, message: "Pin digests", files, ...changes };
}

const opening = { branch: BRANCH, base: "main", title: "Pin digests", body: "Why." };

const writesOf = ({ requests }: Github) =>
  requests.filter(({ method, path }) => method !== "GET" && /\/(?:git|pulls)\b/.test(path));

test("a new branch gets a commit of the app's own, which GitHub signs, and nothing else is moved", async (t) => {
  const { github, head, app, writer, commits } = await start(t);
  const files = [file("Dockerfile", PINNED), file("run.sh", "#!/bin/sh\ntrue\n"), file("new/deep/file", "\ufeffé\r\n")];
  const commit = await commits.commit(app, proposal(head, { files }));
  assert.equal(await commits.readBranch(app, BRANCH), commit);
  assert.equal(await commits.readBranch(app, "main"), head);
  assert.equal(await contentOf(github, "Dockerfile", commit), PINNED);
  assert.equal(await contentOf(github, "new/deep/file", commit), "\ufeffé\r\n");
  assert.equal(await contentOf(github, "docs/a.md", commit), "a\n");
  const octokit = await octokitOf(github, "acme");
  const at = { owner: "acme", repo: "app" };
  const { data } = await octokit.rest.git.getCommit({ ...at, commit_sha: commit });
  assert.deepEqual(
    data.parents.map(({ sha }) => sha),
    [head],
  );
  assert.match(data.author.name, /\[bot\]$/);
  const sent = github.requests.find(({ method, path }) => method === "POST" && path.endsWith("/git/commits"));
  assert.deepEqual(Object.keys(sent?.body ?? {}).sort(), ["message", "parents", "tree"]);
  const { data: tree } = await octokit.rest.git.getTree({ ...at, tree_sha: data.tree.sha });
  assert.equal(tree.tree.find(({ path }) => path === "run.sh")?.mode, "100755");
  // No more was written than slots were taken.
  assert.deepEqual(writer.taken, [3]);
  assert.equal(writesOf(github).length, 3);
});

test("a branch is moved forward, and bytes that are no text come through as they are", async (t) => {
  const { github, head, app, writer, commits } = await start(t);
  const first = await commits.commit(app, proposal(head));
  const bytes = Uint8Array.from([0xff, 0x0a]);
  const second = await commits.commit(
    app,
    proposal(first, { isNew: false, files: [{ path: "blob", bytes }, file("nul", "a\0b")] }),
  );
  assert.equal(await commits.readBranch(app, BRANCH), second);
  const octokit = await octokitOf(github, "acme");
  const { data } = await octokit.rest.repos.getContent({ owner: "acme", repo: "app", path: "blob", ref: second });
  assert.deepEqual(Buffer.from((data as { content: string }).content, "base64"), Buffer.from(bytes));
  assert.deepEqual(writer.taken, [3, 5]);
  assert.equal(writesOf(github).length, 8);
});

test("a branch that moved on is left as it is, whether before or while it is written", async (t) => {
  const { github, head, app, commits } = await start(t);
  await github.branch("acme/app", BRANCH, head);
  await refused("moved-on", commits.commit(app, proposal(head)));
  const theirs = await github.commit("acme/app", { other: "1\n" }, { branch: BRANCH });
  await refused("moved-on", commits.commit(app, proposal(head, { isNew: false })));
  await refused("moved-on", commits.commit(app, proposal(head, { isNew: false, branch: "trusted-builds/none" })));
  assert.equal(writesOf(github).length, 0);
  // Somebody pushes, or puts the branch back, after it was looked at: the first look is before the tree, and the second after the commit.
  for (const to of ["forward", "back"] as const) {
    const on = (await commits.readBranch(app, BRANCH)) ?? "";
    let moved = "";
    github.onRequest(async ({ when, method, path }) => {
      if (when !== "after" || method !== "POST" || !path.endsWith("/git/commits")) return undefined;
      github.onRequest(undefined);
      if (to === "forward") moved = await github.commit("acme/app", { other: "2\n" }, { branch: BRANCH });
      else {
        moved = head;
        await github.branch("acme/app", BRANCH, head);
      }
      return undefined;
    });
    await refused("moved-on", commits.commit(app, proposal(on, { isNew: false })));
    assert.equal(await commits.readBranch(app, BRANCH), moved);
    assert.notEqual(moved, theirs);
  }
  // In the very last moment git itself refuses.
  const on = (await commits.readBranch(app, BRANCH)) ?? "";
  let moved = "";
  github.onRequest(async ({ when, method }) => {
    if (when !== "before" || method !== "PATCH") return undefined;
    moved = await github.commit("acme/app", { other: "3\n" }, { branch: BRANCH });
    return undefined;
  });
  await refused("moved-on", commits.commit(app, proposal(on, { isNew: false })));
  github.onRequest(undefined);
  assert.equal(await commits.readBranch(app, BRANCH), moved);
});

test("after a lost answer what was made is found, and isn't made twice", async (t) => {
  const { github, head, app, commits, pulls } = await start(t);
  github.fail({ method: "POST", path: /git\/refs$/, times: 1, drop: true, after: true });
  await couldNotLook("network", commits.commit(app, proposal(head)));
  assert.ok(await commits.readBranch(app, BRANCH));
  await refused("moved-on", commits.commit(app, proposal(head)));
  github.fail({ method: "POST", path: /pulls$/, times: 1, drop: true, after: true });
  await couldNotLook("network", pulls.open(app, opening));
  const found = await pulls.findFromBranch(app, BRANCH);
  assert.deepEqual([found?.number, found?.isOpen, found?.isMerged], [1, true, false]);
  await refused("moved-on", pulls.open(app, opening));
  assert.equal(github.pulls("acme/app").length, 1);
});

test("R33 what was not permitted is refused for good, each permission by itself", async (t) => {
  const workflow = { files: [file(".github/workflows/trusted-builds.yml", "on: push\n")] };
  const { github, head, app, commits, pulls } = await start(t, {});
  const { message } = await refused("not-permitted", commits.commit(app, proposal(head)));
  assert.match(message, /"contents: write"/);
  const installation = github.installation("acme");
  installation.permissions = { ...installation.permissions, contents: "write", pull_requests: "read" };
  const error = await refused("not-permitted", commits.commit(app, proposal(head, workflow)));
  assert.match(error.message, /workflows: write/);
  assert.equal(await commits.readBranch(app, BRANCH), undefined);
  await commits.commit(app, proposal(head));
  await refused("not-permitted", pulls.open(app, opening));
  installation.permissions = { ...installation.permissions, workflows: "write", pull_requests: "write" };
  await commits.commit(app, proposal(head, { ...workflow, branch: "trusted-builds/onboarding" }));
  assert.equal(await pulls.open(app, opening), 1);
  github.change("acme/app", { archived: true });
  await refused("not-permitted", pulls.update(app, 1, { title: "x", body: "" }));
});

test("a branch with rules is left to those who make them", async (t) => {
  const { github, head, app, commits } = await start(t);
  github.change("acme/app", { protected: true });
  await refused("protected", commits.commit(app, proposal(head, { branch: "main", isNew: false })));
  assert.equal(await commits.readBranch(app, "main"), head);
});

test("branches of others are never deleted, and one that isn't there is deleted", async (t) => {
  const { github, head, app, commits } = await start(t);
  await commits.commit(app, proposal(head));
  await github.branch("acme/app", "feature", head);
  for (const branch of [
    "main",
    "feature",
    "trusted-builds",
    "refs/heads/trusted-builds/pins",
    "trusted-builds/../main",
  ])
    await refused("invalid", commits.deleteBranch(app, branch));
  await commits.deleteBranch(app, BRANCH);
  await commits.deleteBranch(app, BRANCH);
  assert.equal(await commits.readBranch(app, BRANCH), undefined);
  assert.deepEqual(
    (await github.refs("acme/app")).map(({ ref }) => ref),
    ["refs/heads/feature", "refs/heads/main"],
  );
});

test("R8 nothing is written to a repository that took another one's name", async (t) => {
  const { github, head, app, commits, pulls } = await start(t);
  const other: Repository = { ...app, id: app.id + 1 };
  await couldNotLook("not-found-unproven", commits.commit(other, proposal(head)));
  await couldNotLook("not-found-unproven", commits.deleteBranch(other, BRANCH));
  await couldNotLook("not-found-unproven", pulls.open(other, opening));
  await couldNotLook("not-found-unproven", pulls.update(other, 1, { title: "x", body: "" }));
  assert.equal(writesOf(github).length, 0);
});

test("a symbolic link isn't written over, and nothing is written beyond one", async (t) => {
  const { github, app, commits } = await start(t);
  const on = await github.commit("acme/app", {}, { symlinks: { link: "Dockerfile", dir: "docs" } });
  for (const path of ["link", "dir/a.md", "docs", "Dockerfile/x"])
    await refused("invalid", commits.commit(app, proposal(on, { files: [file(path, "x\n")] })));
  assert.equal(writesOf(github).length, 0);
});

test("hostile names and texts are refused before anything is asked", async (t) => {
  const { github, head, app, commits, pulls } = await start(t);
  const before = github.requests.length;
  for (const path of [
    "",
    "/etc",
    "a//b",
    "../x",
    "a/./b",
    ".git/config",
    "a/.GIT/x",
    "git~1/x",
    "a\nb",
    "\ud800",
    "x".repeat(1025),
  ])
    await refused("invalid", commits.commit(app, proposal(head, { files: [file(path, "x")] })));
  for (const files of [[], [file("a", "1"), file("a", "2")], [file("a", "1"), file("a/b", "2")]])
    await refused("invalid", commits.commit(app, proposal(head, { files })));
  for (const branch of [
    "",
    "-f",
    "a..b",
    "a b",
    "a:b",
    "refs/heads/x",
    "a.lock",
    "HEAD",
    "a/",
    ".a",
    "x".repeat(245),
  ]) {
    await refused("invalid", commits.commit(app, proposal(head, { branch })));
    await refused("invalid", pulls.open(app, { ...opening, branch }));
  }
  for (const title of ["", " ", "a\nb", "a\u202eb", "x".repeat(257)])
    await refused("invalid", pulls.open(app, { ...opening, title }));
  await refused("invalid", pulls.open(app, { ...opening, body: "é".repeat(40_000) }));
  await refused("invalid", commits.commit(app, proposal(head, { message: " " })));
  assert.equal(github.requests.length, before);
});

test("the newest pull request from the repository's own branch is found, and no fork's", async (t) => {
  const { github, head, app, commits, pulls } = await start(t);
  assert.equal(await pulls.findFromBranch(app, BRANCH), undefined);
  await github.fork("acme/app", "acme/copy");
  await github.commit("acme/copy", { other: "1\n" }, { branch: BRANCH });
  await github.openPull("acme/app", { from: "acme/copy", branch: BRANCH });
  assert.equal(await pulls.findFromBranch(app, BRANCH), undefined);
  await commits.commit(app, proposal(head));
  const first = await pulls.open(app, opening);
  await github.closePull("acme/app", first);
  const second = await pulls.open(app, opening);
  assert.equal((await pulls.findFromBranch(app, BRANCH))?.number, second);
  await pulls.update(app, second, { title: "Other", body: "New." });
  assert.deepEqual(
    github
      .pulls("acme/app")
      .map(({ title, body }) => [title, body])
      .at(-1),
    ["Other", "New."],
  );
  await github.mergePull("acme/app", second);
  const found = await pulls.findFromBranch(app, BRANCH);
  assert.deepEqual([found?.isOpen, found?.isMerged, found?.head.repository?.id], [false, true, app.id]);
  await refused("invalid", pulls.open(app, opening));
});

test("lines are suggested on the head that they are of, and only where the pull request shows it", async (t) => {
  const { github, app, pulls } = await start(t);
  const long = Array.from({ length: 40 }, (_, i) => `RUN ${i}\n`).join("");
  await github.commit("acme/app", { Dockerfile: `FROM a\n${long}` });
  const commit = await github.commit("acme/app", { Dockerfile: `FROM b\n${long}` }, { branch: "feature" });
  const number = await github.openPull("acme/app", { branch: "feature" });
  const suggestion = { path: "Dockerfile", line: 1, endLine: 1, lines: "FROM b@sha256:c", body: "Pinned." };
  await pulls.suggest(app, number, { commit, body: "", suggestions: [suggestion, { ...suggestion, endLine: 2 }] });
  const [review] = github.pulls("acme/app")[0]?.reviews ?? [];
  assert.deepEqual(review?.comments[0], {
    path: "Dockerfile",
    line: 1,
    endLine: 1,
    body: "Pinned.\n\n```suggestion\nFROM b@sha256:c\n```",
  });
  assert.deepEqual([review?.comments[1]?.line, review?.comments[1]?.endLine], [1, 2]);
  const far = { ...suggestion, line: 30, endLine: 30 };
  await refused("invalid", pulls.suggest(app, number, { commit, body: "", suggestions: [far] }));
  await github.commit("acme/app", { Dockerfile: `FROM c\n${long}` }, { branch: "feature" });
  await refused("invalid", pulls.suggest(app, number, { commit, body: "", suggestions: [suggestion] }));
  await refused("invalid", pulls.suggest(app, number, { commit, body: "", suggestions: [] }));
});

test("writes in no faster succession than their slots, and GitHub's limit is never met", async (t) => {
  const began = Date.now();
  let now = began;
  const { github, head, app, writer } = await start(t, WRITING, { now: () => new Date(now) });
  const paced = writerOptions(
    () => writer.octokitFor(1),
    0,
    () => new Date(now),
  );
  const commits = createCommitWriter(paced);
  for (let i = 0; i < 14; ) {
    try {
      await commits.commit(app, proposal(head, { branch: `trusted-builds/b${i}` }));
      i++;
    } catch (error) {
      const { retryAfter = 0 } = error as { retryAfter?: number };
      assert.ok(retryAfter > 0 && retryAfter <= 60, String(error));
      now += retryAfter * 1000;
    }
  }
  assert.equal(github.requests.filter(({ status }) => status === 403).length, 0);
  assert.equal(writesOf(github).length, 42);
  assert.equal(now - began, 60_000);
});

test("where GitHub limits all the same, nothing more is written until it may", async (t) => {
  let now = Date.now();
  const { github, head, app, writer } = await start(t, WRITING, { now: () => new Date(now) });
  const octokit = await writer.octokitFor(1);
  // Somebody else, with the same installation.
  for (let i = 0; i < 80; i++)
    await octokit.rest.git.createBlob({ owner: "acme", repo: "app", content: "x" }).catch(assert.ifError);
  const paced = writerOptions(
    () => writer.octokitFor(1),
    0,
    () => new Date(now),
  );
  const commits = createCommitWriter(paced);
  await couldNotLook("rate-limited", commits.commit(app, proposal(head)));
  assert.equal(paced.pauses.length, 1);
  const before = writesOf(github).length;
  const { retryAfter } = (await couldNotLook("rate-limited", commits.commit(app, proposal(head)))) as {
    retryAfter?: number;
  };
  assert.equal(retryAfter, 60);
  assert.equal(writesOf(github).length, before);
  now += 61_000;
  assert.ok(await commits.commit(app, proposal(head)));
});
