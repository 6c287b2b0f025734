import assert from "node:assert/strict";
import { test } from "node:test";
import type { Github } from "./github/github.ts";
import { octokitOf } from "./github/octokit.ts";
import { githubOf, isStatus, receiverOf } from "./github/world.ts";

const app = { owner: "acme", repo: "app" };
const NOBODY = "f".repeat(40);

/** An app that may write, in a repository with a Dockerfile. */
async function writing(github: Github) {
  await github.owner("acme");
  const installation = github.installation("acme");
  installation.permissions = { ...installation.permissions, contents: "write", pull_requests: "write" };
  const head = await github.repository("acme/app", { files: { Dockerfile: "FROM a\n" } });
  const { rest } = await octokitOf(github, "acme");
  const { data } = await rest.git.getCommit({ ...app, commit_sha: head });
  const blob = { path: "Dockerfile", mode: "100644", type: "blob", content: "FROM b\n" } as const;
  const tree = await rest.git.createTree({ ...app, base_tree: data.tree.sha, tree: [blob] });
  const made = await rest.git.createCommit({ ...app, message: "b", tree: tree.data.sha, parents: [head] });
  return { head, rest, base: data.tree.sha, blob, commit: made.data };
}

test("refs are made once, moved forward alone, and deleted", async (t) => {
  const github = await githubOf(t);
  const { head, rest, commit } = await writing(github);
  assert.deepEqual([commit.verification.verified, commit.author.name], [true, "trusted-builds[bot]"]);
  const ref = "refs/heads/x";
  await rest.git.createRef({ ...app, ref, sha: head });
  await assert.rejects(rest.git.createRef({ ...app, ref, sha: head }), /Reference already exists/);
  await assert.rejects(rest.git.createRef({ ...app, ref: "refs/heads/x/y", sha: head }), isStatus(422));
  await assert.rejects(rest.git.createRef({ ...app, ref: "refs/heads/y", sha: NOBODY }), isStatus(422));
  await assert.rejects(rest.git.createRef({ ...app, ref: "refs/heads/a..b", sha: head }), isStatus(422));
  await rest.git.updateRef({ ...app, ref: "heads/x", sha: commit.sha });
  await assert.rejects(rest.git.updateRef({ ...app, ref: "heads/x", sha: head }), /not a fast forward/);
  await rest.git.updateRef({ ...app, ref: "heads/x", sha: head, force: true });
  await assert.rejects(rest.git.updateRef({ ...app, ref: "heads/none", sha: head }), /Reference does not exist/);
  github.change("acme/app", { protected: true });
  await assert.rejects(rest.git.updateRef({ ...app, ref: "heads/main", sha: commit.sha }), /through a pull request/);
  await assert.rejects(rest.git.deleteRef({ ...app, ref: "heads/main" }), isStatus(422));
  await rest.git.deleteRef({ ...app, ref: "heads/x" });
  await assert.rejects(rest.git.deleteRef({ ...app, ref: "heads/x" }), isStatus(422));
});

test("trees take what git takes, and workflows with a permission of their own", async (t) => {
  const github = await githubOf(t);
  const { head, rest, base, blob } = await writing(github);
  const tree = (entry: object, base_tree = base) =>
    rest.git.createTree({ ...app, base_tree, tree: [{ ...blob, ...entry }] });
  for (const path of ["../x", "a//b", ".git/config", "/x"]) await assert.rejects(tree({ path }), isStatus(422), path);
  await assert.rejects(tree({ sha: NOBODY, content: undefined }), isStatus(422));
  await assert.rejects(tree({}, head), isStatus(422));
  const workflow = { path: ".github/workflows/x.yml" };
  await assert.rejects(tree(workflow), isStatus(403));
  const installation = github.installation("acme");
  installation.permissions = { ...installation.permissions, workflows: "write" };
  const { rest: permitted } = await octokitOf(github, "acme");
  await permitted.git.createTree({ ...app, base_tree: base, tree: [{ ...blob, ...workflow }] });
  const gone = await rest.git.createTree({ ...app, base_tree: base, tree: [{ ...blob, sha: null }] as never });
  assert.deepEqual(gone.data.tree, []);
});

test("what the app writes is told to it as what people write", async (t) => {
  const github = await githubOf(t, { app: { events: ["create", "push", "pull_request"] } });
  const { rest, commit } = await writing(github);
  const { received } = await receiverOf(t, github);
  await rest.git.createRef({ ...app, ref: "refs/heads/x", sha: commit.sha });
  const opened = await rest.pulls.create({ ...app, head: "x", base: "main", title: "b" });
  await rest.pulls.update({ ...app, pull_number: opened.data.number, state: "closed" });
  await github.idle();
  const events = received.map(({ headers, payload }) => [headers["x-github-event"], payload.action].join(" ").trim());
  assert.deepEqual(events.sort(), ["create", "pull_request closed", "pull_request opened", "push"]);
  await assert.rejects(rest.pulls.create({ ...app, head: "none", base: "main", title: "b" }), isStatus(422));
  await assert.rejects(rest.pulls.create({ ...app, head: "main", base: "main", title: "b" }), /No commits between/);
});

test("an installation writes 80 times a minute and 500 times an hour, and no more", async (t) => {
  let now = Date.now();
  const github = await githubOf(t, { now: () => new Date(now) });
  const { rest } = await writing(github);
  const write = async () => {
    let written = 0;
    for (;;) {
      try {
        await rest.pulls.update({ ...app, pull_number: 1, title: "x" });
      } catch (error) {
        const { status, response } = error as { status: number; response: { headers: Record<string, string> } };
        if (status === 403) return { written, retryAfter: Number(response.headers["retry-after"]) };
        written++; // there is no such pull request, and it counts all the same
      }
    }
  };
  // A tree and a commit were made before.
  assert.deepEqual(await write(), { written: 78, retryAfter: 60 });
  let [all, retryAfter] = [80, 60];
  while (retryAfter <= 60) {
    now += 60_000;
    const next = await write();
    all += next.written;
    retryAfter = next.retryAfter;
  }
  // A refused one counts too: there were seven.
  assert.ok(all <= 500 && all >= 490, String(all));
});
