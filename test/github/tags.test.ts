import assert from "node:assert/strict";
import { test } from "node:test";
import { createTagReader } from "../../src/github/tags.ts";
import { BeyondLimit } from "../../src/trust/ports.ts";
import { type Api, app, couldNotLook, NOT_FOUND, sha, startApi } from "./api.ts";

const REPOSITORY = { id: 42, name: "app", owner: { id: 7, login: "acme" }, default_branch: "main" };

function readerOf(api: Api) {
  return createTagReader({ octokitFor: async () => api.octokit });
}

function names(type: string, digit: string) {
  return { type, sha: sha(digit), url: "https://api.github.com/git" };
}

test("reads the commit of a tag, and asks for a name with odd characters as it is", async (t) => {
  const api = startApi(t);
  api.answer("GET /repos/acme/app", 200, REPOSITORY);
  const ref = "refs/tags/release/1.0+b%41#?é";
  api.answer("GET /repos/acme/app/git/ref/tags%2Frelease%2F1.0%2Bb%2541%23%3F%C3%A9", 200, {
    ref,
    object: names("commit", "a"),
  });
  assert.deepEqual(await readerOf(api).readTag(app, ref), { object: sha("a"), commit: sha("a") });
});

test("peels an annotated tag, and a tag of a tag", async (t) => {
  const api = startApi(t);
  api.answer("GET /repos/acme/app", 200, REPOSITORY);
  api.answer("GET /repos/acme/app/git/ref/tags%2Fv1", 200, { ref: "refs/tags/v1", object: names("tag", "a") });
  api.answer(`GET /repos/acme/app/git/tags/${sha("a")}`, 200, { sha: sha("a"), object: names("tag", "b") });
  api.answer(`GET /repos/acme/app/git/tags/${sha("b")}`, 200, { sha: sha("b"), object: names("commit", "c") });
  assert.deepEqual(await readerOf(api).readTag(app, "refs/tags/v1"), { object: sha("a"), commit: sha("c") });
});

test("goes five tag objects deep, and no deeper", async (t) => {
  for (const [depth, isRead] of [
    [5, true],
    [6, false],
  ] as const) {
    const api = startApi(t);
    api.answer("GET /repos/acme/app", 200, REPOSITORY);
    api.answer("GET /repos/acme/app/git/ref/tags%2Fv1", 200, { ref: "refs/tags/v1", object: names("tag", "1") });
    for (let at = 1; at <= Math.min(depth, 5); at++) {
      const next = at === depth ? names("commit", "f") : names("tag", String(at + 1));
      api.answer(`GET /repos/acme/app/git/tags/${sha(String(at))}`, 200, { sha: sha(String(at)), object: next });
    }
    const asked = readerOf(api).readTag(app, "refs/tags/v1");
    if (isRead) assert.equal((await asked)?.commit, sha("f"));
    else await assert.rejects(asked, BeyondLimit);
  }
});

test("knows no commit of a tag that names a directory", async (t) => {
  const api = startApi(t);
  api.answer("GET /repos/acme/app", 200, REPOSITORY);
  api.answer("GET /repos/acme/app/git/ref/tags%2Fv1", 200, { ref: "refs/tags/v1", object: names("tree", "a") });
  assert.equal(await readerOf(api).readTag(app, "refs/tags/v1"), undefined);
});

test("R15 a tag is absent where the repository can be seen, and unknown where it can't", async (t) => {
  const api = startApi(t);
  for (const status of [404, 409]) {
    api.answer("GET /repos/acme/app", 200, REPOSITORY);
    api.answer("GET /repos/acme/app/git/ref/tags%2Fv1", status);
    assert.equal(await readerOf(api).readTag(app, "refs/tags/v1"), undefined);
  }
  api.answer("GET /repos/acme/app", 404);
  api.answer("GET /repos/acme/app/git/ref/tags%2Fv1", 404);
  await couldNotLook("not-found-unproven", readerOf(api).readTag(app, "refs/tags/v1"));
});

for (const [what, repository] of [
  ["another repository has the name now", { ...REPOSITORY, id: 43 }],
  ["the repository was given to another owner", { ...REPOSITORY, owner: { id: 8, login: "mallory" } }],
] as const) {
  test(`R8 reads no tag where ${what}`, async (t) => {
    const api = startApi(t);
    api.answer("GET /repos/acme/app", 200, repository);
    api.answer("GET /repos/acme/app/git/ref/tags%2Fv1", 200, { ref: "refs/tags/v1", object: names("commit", "a") });
    await couldNotLook("not-found-unproven", readerOf(api).readTag(app, "refs/tags/v1"));
    api.answer("GET /repos/acme/app", 200, repository);
    api.answer("GET /repos/acme/app/git/matching-refs/tags%2F", 200, [
      { ref: "refs/tags/v1", object: names("commit", "a") },
    ]);
    await couldNotLook("not-found-unproven", readerOf(api).listTags(app));
  });
}

test("could not look where GitHub tells about another ref or tag object than the one asked for", async (t) => {
  const api = startApi(t);
  api.answer("GET /repos/acme/app", 200, REPOSITORY);
  api.answer("GET /repos/acme/app/git/ref/tags%2Fv1", 200, { ref: "refs/tags/v1.0", object: names("commit", "a") });
  await couldNotLook("server-error", readerOf(api).readTag(app, "refs/tags/v1"));
  api.answer("GET /repos/acme/app", 200, REPOSITORY);
  api.answer("GET /repos/acme/app/git/ref/tags%2Fv1", 200, { ref: "refs/tags/v1", object: names("tag", "a") });
  api.answer(`GET /repos/acme/app/git/tags/${sha("a")}`, 200, { sha: sha("b"), object: names("commit", "c") });
  await couldNotLook("server-error", readerOf(api).readTag(app, "refs/tags/v1"));
});

test("lists every tag, over all pages, and nothing that is no tag", async (t) => {
  const api = startApi(t);
  api.answer("GET /repos/acme/app", 200, REPOSITORY);
  const path = "/repos/acme/app/git/matching-refs/tags%2F";
  api.answer(`GET ${path}`, 200, [
    { ref: "refs/tags/v1", object: names("commit", "a") },
    { ref: "refs/tagsandmore/v1", object: names("commit", "b") },
    { ref: "refs/tags/x/y", object: names("tag", "c") },
  ]);
  assert.deepEqual(await readerOf(api).listTags(app), [
    { ref: "refs/tags/v1", object: sha("a") },
    { ref: "refs/tags/x/y", object: sha("c") },
  ]);
});

test("an empty repository has no tags, and a hidden one isn't empty", async (t) => {
  const api = startApi(t);
  api.answer("GET /repos/acme/app", 200, REPOSITORY);
  api.answer("GET /repos/acme/app/git/matching-refs/tags%2F", 409, {
    ...NOT_FOUND,
    message: "Git Repository is empty.",
  });
  assert.deepEqual(await readerOf(api).listTags(app), []);
  api.answer("GET /repos/acme/app", 404);
  api.answer("GET /repos/acme/app/git/matching-refs/tags%2F", 404);
  await couldNotLook("not-found-unproven", readerOf(api).listTags(app));
});
