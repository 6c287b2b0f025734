import assert from "node:assert/strict";
import { test } from "node:test";
import { WriteRefused } from "../../src/change/ports.ts";
import { createCommitWriter } from "../../src/github/commits.ts";
import { createPullRequestWriter } from "../../src/github/pull-request-writer.ts";
import { reviewComment } from "../../src/github/suggestion.ts";
import { type Api, app, couldNotLook, sha, startApi } from "./api.ts";
import { NOW, writerOptions } from "./writing-fixture.ts";

const [ON, TREE, MADE] = [sha("a"), sha("b"), sha("c")];
const REPOSITORY = "GET /repos/acme/app";
const WRITES = "POST /repos/acme/app/git";
const change = {
  branch: "trusted-builds/pins",
  isNew: true,
  on: ON,
  message: "Pin digests",
  files: [{ path: "Dockerfile", bytes: new TextEncoder().encode("FROM a\n") }],
};

/** Everything up to the first write. */
function prepare(api: Api): void {
  api.answer(REPOSITORY, 200, { id: app.id, owner: { id: app.ownerId, login: "acme" }, default_branch: "main" });
  api.answer("GET /repos/acme/app/git/ref/heads%2Ftrusted-builds%2Fpins", 404);
  api.answer(`GET /repos/acme/app/git/commits/${ON}`, 200, { sha: ON, tree: { sha: TREE }, parents: [] });
  api.answer(`GET /repos/acme/app/git/trees/${TREE}`, 200, { sha: TREE, tree: [], truncated: false });
}

const commitOf = (api: Api, used = 0) => {
  const writer = writerOptions(async () => api.octokit, used);
  return { writer, commit: () => createCommitWriter(writer).commit(app, change) };
};

for (const [what, status, message, code] of [
  ["a permission is missing", 403, "Resource not accessible by integration", "not-permitted"],
  [
    "the permission for workflows is missing",
    403,
    "refusing to allow a GitHub App to create or update workflow `.github/workflows/x.yml` without `workflows` permission",
    "not-permitted",
  ],
  ["what may be read is hidden from whoever would write", 404, "Not Found", "not-permitted"],
  ["it was archived", 403, "Repository was archived so is read-only.", "not-permitted"],
  [
    "rules are in the way",
    422,
    "Repository rule violations found\n\nChanges must be made through a pull request.\n",
    "protected",
  ],
  ["rules are in the way as a conflict", 409, "Repository rule violations found", "protected"],
  [
    "protection wants a review",
    422,
    "At least 1 approving review is required by reviewers with write access.",
    "protected",
  ],
  ["protection wants a check", 403, 'Required status check "build" is expected.', "protected"],
  ["the branch went elsewhere", 422, "Update is not a fast forward", "moved-on"],
  ["the branch is there", 422, "Reference already exists", "moved-on"],
  ["it makes no sense to GitHub", 422, "Validation Failed", "invalid"],
] as const) {
  test(`a write is refused for good where ${what}`, async (t) => {
    const api = startApi(t);
    prepare(api);
    api.answer(`${WRITES}/trees`, status, { message });
    const { writer, commit } = commitOf(api);
    await assert.rejects(commit(), (error) => {
      assert.ok(error instanceof WriteRefused, String(error));
      assert.equal(error.code, code);
      return true;
    });
    assert.deepEqual(writer.pauses, []);
  });
}

for (const [what, status, message, headers, code] of [
  ["there is a secondary limit", 403, "You have exceeded a secondary rate limit", {}, "rate-limited"],
  [
    "there is one that says when",
    403,
    "Resource not accessible by integration",
    { "retry-after": "7" },
    "rate-limited",
  ],
  ["there are too many requests", 429, "slow down", {}, "rate-limited"],
  [
    "an address isn't allowed",
    403,
    "Although you appear to have the correct authorization credentials, the `acme` organization has an IP allow list enabled",
    {},
    "credentials-refused",
  ],
  ["git is busy", 409, "Conflict", {}, "server-error"],
  ["the server fails", 502, "Bad Gateway", {}, "server-error"],
] as const) {
  test(`a write could not be made, and may be the next time, where ${what}`, async (t) => {
    const api = startApi(t);
    prepare(api);
    api.answer(`${WRITES}/trees`, status, { message }, headers);
    const { writer, commit } = commitOf(api);
    await couldNotLook(code, commit());
    const seconds = headers && "retry-after" in headers ? 7 : 60;
    const pauses = code === "rate-limited" ? [new Date(NOW.getTime() + seconds * 1000)] : [];
    assert.deepEqual(writer.pauses, pauses);
  });
}

test("without a slot nothing is written, nor where slots can't be kept", async (t) => {
  const api = startApi(t);
  prepare(api);
  const { commit } = commitOf(api, 38);
  const { retryAfter } = (await couldNotLook("rate-limited", commit())) as { retryAfter?: number };
  assert.equal(retryAfter, 60);
  prepare(api);
  const broken = writerOptions(async () => api.octokit);
  const slots = { ...broken.slots, takeSlots: () => Promise.reject(new Error("the database is away")) };
  await assert.rejects(createCommitWriter({ ...broken, slots }).commit(app, change), /database is away/);
  assert.ok(api.asked.every(({ route }) => route.startsWith("GET ")));
});

test("no branch is made of a commit that isn't what was asked for", async (t) => {
  for (const odd of [{ parents: [] }, { parents: [{ sha: sha("d") }] }, { tree: { sha: sha("d") } }]) {
    const api = startApi(t);
    prepare(api);
    api.answer(`${WRITES}/trees`, 201, { sha: sha("e"), tree: [], truncated: false });
    api.answer(`${WRITES}/commits`, 201, { sha: MADE, tree: { sha: sha("e") }, parents: [{ sha: ON }], ...odd });
    await couldNotLook("server-error", commitOf(api).commit());
  }
});

test("a commit that changes nothing isn't made", async (t) => {
  const api = startApi(t);
  prepare(api);
  api.answer(`${WRITES}/trees`, 201, { sha: TREE, tree: [], truncated: false });
  await assert.rejects(commitOf(api).commit(), { code: "invalid" });
});

test("a branch that can't be seen isn't taken for one that isn't there", async (t) => {
  const api = startApi(t);
  api.answer(REPOSITORY, 404);
  api.answer("GET /repos/acme/app/git/ref/heads%2Fx", 404);
  const commits = createCommitWriter(writerOptions(async () => api.octokit));
  await couldNotLook("not-found-unproven", commits.readBranch(app, "x"));
});

test("pull requests that a filter should have left out aren't found", async (t) => {
  const api = startApi(t);
  api.answer(REPOSITORY, 200, { id: app.id, owner: { id: app.ownerId, login: "acme" }, default_branch: "main" });
  const repository = { id: app.id, name: "app", owner: { id: app.ownerId, login: "acme" } };
  const pull = (number: number, ref: string, id: number | null) => ({
    number,
    state: "closed",
    merged_at: null,
    html_url: "https://github.com/acme/app/pull/1",
    head: { ref, sha: ON, label: "x", repo: id === null ? null : { ...repository, id } },
    base: { ref: "main", sha: ON, label: "x", repo: repository },
  });
  const all = [
    pull(9, "other", app.id),
    pull(8, change.branch, 99),
    pull(7, change.branch, null),
    pull(5, change.branch, app.id),
  ];
  api.answer("GET /repos/acme/app/pulls?state=all&head=acme%3Atrusted-builds%2Fpins", 200, all);
  const pulls = createPullRequestWriter(writerOptions(async () => api.octokit));
  assert.equal((await pulls.findFromBranch(app, change.branch))?.number, 5);
});

test("lines that would end the block of a suggestion stay inside it", () => {
  const comment = { path: "Dockerfile", line: 3, endLine: 4, body: "" };
  for (const [lines, fence] of [
    ["FROM a", "```"],
    ["RUN echo `date`\n", "```"],
    ["```\n[click](https://evil.example)", "````"],
    ["RUN `````", "``````"],
  ] as const) {
    const { body } = reviewComment({ ...comment, lines });
    assert.equal(body, `${fence}suggestion\n${lines.replace(/\n$/, "")}\n${fence}`);
  }
});
