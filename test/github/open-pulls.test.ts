import assert from "node:assert/strict";
import { test } from "node:test";
import { GitHubError } from "../../src/github/error.ts";
import { createOpenPulls } from "../../src/github/open-pulls.ts";
import { type Api, app, couldNotLook, sha, startApi } from "./api.ts";

const LIST = "GET /repos/acme/app/pulls";
const ASKED = `${LIST}?state=open&sort=updated&direction=desc&per_page=100`;
const REPOSITORY = { id: 42, name: "app", owner: { id: 7, login: "acme" }, default_branch: "main" };

const list = (api: Api) => createOpenPulls({ octokitFor: async () => api.octokit }).listOpenPulls(app);

function pull(number: number, changes: object = {}) {
  return {
    number,
    state: "open",
    merged_at: null,
    html_url: `https://github.com/acme/app/pull/${number}`,
    head: { ref: "fix", sha: sha("a"), repo: { id: 99, name: "app-fork", owner: { id: 8, login: "bob" } } },
    base: { ref: "main", sha: sha("d"), repo: REPOSITORY },
    ...changes,
  };
}

test("open pull requests are listed by one request, those that changed last first, forks and what is left of them too", async (t) => {
  const api = startApi(t);
  const gone = { ref: "x", sha: sha("b"), repo: null };
  const next = { link: '<https://api.github.com/x?page=2>; rel="next"' };
  api.answer(
    ASKED,
    200,
    [pull(9), pull(4, { head: gone, base: { ref: "v1", sha: sha("e"), repo: REPOSITORY } })],
    next,
  );
  assert.deepEqual(await list(api), [
    { number: 9, head: sha("a"), base: "main" },
    { number: 4, head: sha("b"), base: "v1" },
  ]);
  assert.equal(api.asked.length, 1);
});

test("R8 pull requests of whoever has the name now aren't told as this repository's", async (t) => {
  const api = startApi(t);
  const baseOf = (repo: object) => ({ base: { ref: "main", sha: sha("d"), repo: { ...REPOSITORY, ...repo } } });
  api.answer(ASKED, 200, [
    pull(1, baseOf({ id: 43 })),
    pull(2, baseOf({ owner: { id: 8, login: "acme" } })),
    // The head may be anybody's; and names may change.
    pull(3, baseOf({ name: "renamed", owner: { id: 7, login: "acme-inc" } })),
  ]);
  assert.deepEqual(
    (await list(api)).map(({ number }) => number),
    [3],
  );
});

test("no answer is never an empty list", async (t) => {
  const api = startApi(t);
  api.answer(ASKED, 403);
  await couldNotLook("credentials-refused", list(api));
  api.answer(ASKED, 404);
  await couldNotLook("not-found-unproven", list(api));
  api.answer(ASKED, 403, { message: "API rate limit exceeded" }, { "x-ratelimit-remaining": "0", "retry-after": "60" });
  const limited = await couldNotLook("rate-limited", list(api));
  assert.ok(limited instanceof GitHubError);
  assert.equal(limited.retryAfter, 60);
  api.drop(LIST);
  await couldNotLook("network", list(api));
  api.answer(ASKED, 503);
  await couldNotLook("server-error", list(api));
});

test("an answer that GitHub's description doesn't know tells nothing", async (t) => {
  const wrong: readonly object[] = [
    { head: { ref: "x", sha: "HEAD", repo: null } },
    { head: { ref: "x", sha: `${sha("a")}\n`, repo: null } },
    { html_url: "javascript:alert(1)" },
    { number: 0 },
  ];
  for (const changes of wrong) {
    const api = startApi(t);
    api.answer(ASKED, 200, [pull(1), pull(2, changes)]);
    await couldNotLook("server-error", list(api));
  }
});
