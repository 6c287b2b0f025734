import assert from "node:assert/strict";
import { test } from "node:test";
import { createPullRequestReader } from "../../src/github/pull-requests.ts";
import { BeyondLimit } from "../../src/trust/ports.ts";
import { type Api, app, couldNotLook, sha, startApi } from "./api.ts";

const PULL = "GET /repos/acme/app/pulls/7";
const FILES = `${PULL}/files`;
const HEAD = sha("a");
const BLOB = sha("b");
const OWNER = { id: 7, login: "acme" };
const REPOSITORY = { id: 42, name: "app", owner: OWNER, default_branch: "main" };
const NEXT = { link: '<https://api.github.com/x?page=2>; rel="next"' };

const readerOf = (api: Api) => createPullRequestReader({ octokitFor: async () => api.octokit });

function pull(changes: object = {}) {
  return {
    number: 7,
    state: "open",
    merged_at: null,
    html_url: "https://github.com/acme/app/pull/7",
    head: { ref: "fix/base", sha: HEAD, repo: { id: 99, name: "app-fork", owner: { id: 8, login: "bob" } } },
    base: { ref: "main", sha: sha("d"), repo: REPOSITORY },
    ...changes,
  };
}

function file(changes: object = {}, at = HEAD) {
  return {
    filename: "Dockerfile",
    status: "modified",
    sha: BLOB,
    contents_url: `https://api.github.com/repos/acme/app/contents/Dockerfile?ref=${at}`,
    ...changes,
  };
}

test("reads a pull request with its head in a fork", async (t) => {
  const api = startApi(t);
  api.answer(PULL, 200, pull());
  assert.deepEqual(await readerOf(api).readPull(app, 7), {
    number: 7,
    isOpen: true,
    isMerged: false,
    head: { commit: HEAD, branch: "fix/base", repository: { id: 99, owner: "bob", name: "app-fork" } },
    base: { commit: sha("d"), branch: "main" },
    url: "https://github.com/acme/app/pull/7",
  });
});

test("tells one that is closed from one that is merged, and knows no repository where the fork is gone", async (t) => {
  const api = startApi(t);
  api.answer(PULL, 200, pull({ state: "closed", head: { ref: "x", sha: HEAD, repo: null } }));
  const closed = await readerOf(api).readPull(app, 7);
  assert.deepEqual([closed?.isOpen, closed?.isMerged, closed?.head.repository], [false, false, undefined]);
  api.answer(PULL, 200, pull({ state: "closed", merged_at: "2026-01-01T00:00:00Z" }));
  assert.equal((await readerOf(api).readPull(app, 7))?.isMerged, true);
});

test("there is no pull request only where the repository can be seen", async (t) => {
  const api = startApi(t);
  api.answer(PULL, 404);
  api.answer("GET /repos/acme/app", 200, REPOSITORY);
  assert.equal(await readerOf(api).readPull(app, 7), undefined);
  api.answer(PULL, 404);
  api.answer("GET /repos/acme/app", 404);
  await couldNotLook("not-found-unproven", readerOf(api).readPull(app, 7));
});

for (const [what, repo] of [
  ["another repository that has the name now", { ...REPOSITORY, id: 43 }],
  ["the repository at another owner's", { ...REPOSITORY, owner: { id: 9, login: "other" } }],
] as const) {
  test(`R8 reads no pull request of ${what}`, async (t) => {
    const api = startApi(t);
    api.answer(PULL, 200, pull({ base: { ref: "main", sha: sha("d"), repo } }));
    await couldNotLook("not-found-unproven", readerOf(api).readPull(app, 7));
  });
}

test("a repository that was renamed is the same one", async (t) => {
  const api = startApi(t);
  const repo = { ...REPOSITORY, name: "renamed", owner: { id: 7, login: "acme-inc" } };
  api.answer(PULL, 200, pull({ base: { ref: "main", sha: sha("d"), repo } }));
  assert.equal((await readerOf(api).readPull(app, 7))?.number, 7);
});

test("could not look where GitHub refuses, fails, or tells what isn't as it describes it", async (t) => {
  const api = startApi(t);
  api.answer(PULL, 403, { message: "Resource not accessible by integration" });
  const { message } = await couldNotLook("credentials-refused", readerOf(api).readPull(app, 7));
  assert.match(message, /"pull_requests: read" in acme\/app/);
  api.answer(PULL, 500);
  await couldNotLook("server-error", readerOf(api).readPull(app, 7));
  api.answer(PULL, 403, { message: "You have exceeded a secondary rate limit" }, { "retry-after": "7" });
  await couldNotLook("rate-limited", readerOf(api).readPull(app, 7));
  for (const wrong of [
    { number: 8 },
    { html_url: "javascript:alert(1)" },
    { head: { ref: "x", sha: "HEAD", repo: null } },
  ]) {
    api.answer(PULL, 200, pull(wrong));
    await assert.rejects(readerOf(api).readPull(app, 7));
  }
});

test("lists the files of the head that was asked for, page by page", async (t) => {
  const api = startApi(t);
  api.answer(`${FILES}?per_page=100&page=1`, 200, [file({ filename: "a/#100% b", status: "added" })], NEXT);
  const moved = file({ filename: "new", previous_filename: "old", status: "renamed" });
  const copied = file({ filename: "copy", previous_filename: "old", status: "copied", sha: null });
  api.answer(`${FILES}?page=2`, 200, [moved, copied]);
  assert.deepEqual(await readerOf(api).listChangedFiles(app, 7, HEAD), [
    { path: "a/#100% b", previousPath: undefined, isRemoved: false, blob: BLOB },
    { path: "new", previousPath: "old", isRemoved: false, blob: BLOB },
    { path: "copy", previousPath: undefined, isRemoved: false, blob: undefined },
  ]);
});

test("files that don't say of which head they are count only while the head is still that one", async (t) => {
  const api = startApi(t);
  const removed = file({ status: "removed" }, sha("d"));
  for (const files of [[removed], []]) {
    api.answer(FILES, 200, files);
    api.answer(PULL, 200, pull());
    const list = await readerOf(api).listChangedFiles(app, 7, HEAD);
    assert.deepEqual(
      list.map(({ isRemoved, blob }) => [isRemoved, blob]),
      files.map(() => [true, undefined]),
    );
  }
});

test("could not look where the head moved on: the files of one head are never judged as those of another", async (t) => {
  const api = startApi(t);
  const moved = pull({ head: { ref: "fix/base", sha: sha("e"), repo: null } });
  for (const files of [[file({}, sha("e"))], [file({ contents_url: "https://api.github.com/x" })], []]) {
    api.answer(FILES, 200, files);
    api.answer(PULL, 200, moved);
    await couldNotLook("server-error", readerOf(api).listChangedFiles(app, 7, HEAD));
  }
});

test("from 3,000 files on, the list may be cut, and is beyond the limit", async (t) => {
  const api = startApi(t);
  const page = Array.from({ length: 100 }, (_, index) => file({ filename: `${index}` }));
  for (let number = 1; number <= 30; number++)
    api.answer(`${FILES}?page=${number}`, 200, page, number < 30 ? NEXT : {});
  await assert.rejects(readerOf(api).listChangedFiles(app, 7, HEAD), BeyondLimit);
});
