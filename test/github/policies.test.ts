import assert from "node:assert/strict";
import { test } from "node:test";
import { createPolicyReader } from "../../src/github/policies.ts";
import { PolicyError } from "../../src/trust/policy-fault.ts";
import { BeyondLimit } from "../../src/trust/ports.ts";
import { type Api, app, couldNotLook, octokitOf, sha, startApi, TOKEN } from "./api.ts";

const OWNER = { id: 7, login: "acme" };
const REPOSITORY = { id: 42, name: "app", owner: OWNER, default_branch: "trunk" };
const HOME = { id: 41, name: ".github", owner: OWNER, default_branch: "main" };
const COMMIT = sha("c");
const FILE = "/repos/acme/app/contents/.github%2Ftrusted-builds.yml";
const HOME_FILE = "/repos/acme/.github/contents/trusted-builds.yml";
const TEXT = "version: 1 # größer\n";
const WIDE = `${TOKEN}wide`;
const INSTALLATION = {
  id: 3,
  account: { id: 7, login: "acme" },
  repository_selection: "all",
  permissions: { contents: "read" },
  suspended_at: null,
};

function readerOf(api: Api, serverUrl = "https://github.com") {
  return createPolicyReader({
    octokitFor: async () => api.octokit,
    appOctokit: async () => octokitOf("jwt"),
    serverUrl,
  });
}

function content(text: string, changes: object = {}) {
  const base64 = Buffer.from(text).toString("base64").replace(/.{60}/g, "$&\n");
  return { type: "file", encoding: "base64", size: Buffer.byteLength(text), content: base64, ...changes };
}

function answerBranch(api: Api, name = "app", branch = "trunk", isProtected = false) {
  const head = { name: branch, commit: { sha: COMMIT }, protected: isProtected };
  api.answer(`GET /repos/acme/${name}/branches/${branch}`, 200, head);
}

/** A repository with a policy, up to the question whether its branch is protected. */
function answerPolicy(api: Api, file: unknown = content(TEXT)) {
  api.answer("GET /repos/acme/app", 200, REPOSITORY);
  answerBranch(api);
  api.answer(`GET ${FILE}?ref=${COMMIT}`, 200, file);
}

function answerRules(api: Api, rules: unknown, status = 200) {
  api.answer("GET /repos/acme/app/rules/branches/trunk?per_page=100&page=1", status, rules);
}

test("R2 reads the policy at the commit that the default branch has now", async (t) => {
  const api = startApi(t);
  answerPolicy(api);
  answerRules(api, []);
  const policy = await readerOf(api, "https://github.example/").readRepositoryPolicy(app);
  assert.deepEqual(policy && { ...policy, bytes: Buffer.from(policy.bytes).toString() }, {
    kind: "repository",
    bytes: TEXT,
    name: "acme/app/.github/trusted-builds.yml",
    uri: `git+https://github.example/acme/app@${COMMIT}#.github/trusted-builds.yml`,
    commit: COMMIT,
    isProtected: false,
  });
});

test("R15 there is no policy where the commit can be read, and it isn't known where it can't", async (t) => {
  const api = startApi(t);
  for (const status of [200, 404]) {
    api.answer("GET /repos/acme/app", 200, REPOSITORY);
    answerBranch(api);
    api.answer(`GET ${FILE}`, 404);
    api.answer(`GET /repos/acme/app/commits/${COMMIT}`, status, status === 200 ? { sha: COMMIT } : undefined);
    const asked = readerOf(api).readRepositoryPolicy(app);
    if (status === 200) assert.equal(await asked, undefined);
    else await couldNotLook("not-found-unproven", asked);
  }
});

test("an empty repository has no policy; one whose branches are hidden isn't empty", async (t) => {
  const api = startApi(t);
  for (const [status, refs, isEmpty] of [
    [409, { message: "Git Repository is empty." }, true],
    [200, [], true],
    [200, [{ ref: "refs/heads/trunk-old", object: { sha: COMMIT } }], true],
    [200, [{ ref: "refs/heads/trunk", object: { sha: COMMIT } }], false],
    [404, undefined, false],
  ] as const) {
    api.answer("GET /repos/acme/app", 200, REPOSITORY);
    api.answer("GET /repos/acme/app/branches/trunk", 404);
    api.answer("GET /repos/acme/app/git/matching-refs/heads%2Ftrunk", status, refs);
    const asked = readerOf(api).readRepositoryPolicy(app);
    if (isEmpty) assert.equal(await asked, undefined);
    else await couldNotLook("not-found-unproven", asked);
  }
});

test("could not look where GitHub tells about another branch or commit than the one asked for", async (t) => {
  const api = startApi(t);
  api.answer("GET /repos/acme/app", 200, REPOSITORY);
  api.answer("GET /repos/acme/app/branches/trunk", 200, { name: "main", commit: { sha: COMMIT }, protected: true });
  await couldNotLook("server-error", readerOf(api).readRepositoryPolicy(app));
  api.answer("GET /repos/acme/app", 200, REPOSITORY);
  answerBranch(api);
  api.answer(`GET ${FILE}`, 404);
  api.answer(`GET /repos/acme/app/commits/${COMMIT}`, 200, { sha: sha("d") });
  await couldNotLook("server-error", readerOf(api).readRepositoryPolicy(app));
});

test("R8 reads no policy of another repository that has the name now", async (t) => {
  const api = startApi(t);
  api.answer("GET /repos/acme/app", 200, { ...REPOSITORY, id: 43 });
  await couldNotLook("not-found-unproven", readerOf(api).readRepositoryPolicy(app));
});

for (const [what, file] of [
  ["a symbolic link", { type: "symlink", target: "../elsewhere.yml" }],
  ["a submodule", { type: "submodule", submodule_git_url: "https://github.com/mallory/policy" }],
  ["a directory", []],
] as const) {
  test(`a policy that is ${what} is wrong, which asking again doesn't change, and never "no policy"`, async (t) => {
    const api = startApi(t);
    answerPolicy(api, file);
    await assert.rejects(
      readerOf(api).readRepositoryPolicy(app),
      (error) => error instanceof PolicyError && /must be a file/.test(error.message),
    );
  });
}

test("a policy of 256 KiB is read, and a larger one is beyond the limit, however it is told", async (t) => {
  const api = startApi(t);
  const limit = 256 * 1024;
  const most = "#".repeat(limit);
  answerPolicy(api, content(most));
  answerRules(api, []);
  assert.equal((await readerOf(api).readRepositoryPolicy(app))?.bytes.length, limit);
  for (const file of [
    content("", { size: limit + 1, encoding: "none" }),
    content(`${most}#`),
    content(`${most}#`, { size: 1 }),
  ]) {
    answerPolicy(api, file);
    await assert.rejects(readerOf(api).readRepositoryPolicy(app), BeyondLimit);
  }
  api.answer("GET /repos/acme/app", 200, REPOSITORY);
  answerBranch(api);
  api.answer(`GET ${FILE}`, 403, {
    message: "too large",
    errors: [{ code: "too_large", field: "data", resource: "Blob" }],
  });
  await assert.rejects(readerOf(api).readRepositoryPolicy(app), BeyondLimit);
});

test("could not look where the content isn't whole, or in an encoding that isn't known", async (t) => {
  const api = startApi(t);
  for (const file of [
    content(TEXT, { size: 3 }),
    content(TEXT, { encoding: "none", content: "", size: 9 }),
    content(TEXT, { encoding: "utf-8" }),
    content(TEXT, { content: `${Buffer.from(TEXT).toString("base64")}*` }),
  ]) {
    answerPolicy(api, file);
    await couldNotLook("server-error", readerOf(api).readRepositoryPolicy(app));
  }
});

const ruleset = { ruleset_id: 1, ruleset_source: "acme/app", ruleset_source_type: "Repository" };
const review = (count: number) => ({
  type: "pull_request",
  parameters: {
    required_approving_review_count: count,
    dismiss_stale_reviews_on_push: false,
    require_code_owner_review: false,
    require_last_push_approval: false,
    required_review_thread_resolution: false,
  },
  ...ruleset,
});

for (const [what, isProtected, rules, expected] of [
  ["classic protection, of which nobody tells us more", true, [], "unknown"],
  ["classic protection, and a rule that asks for a review", true, [review(1)], true],
  ["classic protection, and rules that are hidden", true, 403, "unknown"],
  ["a rule that asks for one review", false, [{ type: "deletion", ...ruleset }, review(1)], true],
  ["a rule that asks for no review", false, [review(0)], false],
  ["other rules", false, [{ type: "non_fast_forward", ...ruleset }], false],
  ["a plan without rules", false, 403, "unknown"],
  ["a server without rules", false, 404, "unknown"],
] as const) {
  test(`R2 a branch with ${what} is ${expected === true ? "" : expected === false ? "not " : "not known to be "}protected by review`, async (t) => {
    const api = startApi(t);
    api.answer("GET /repos/acme/app", 200, REPOSITORY);
    answerBranch(api, "app", "trunk", isProtected);
    api.answer(`GET ${FILE}`, 200, content(TEXT));
    if (typeof rules === "number") answerRules(api, { message: "Upgrade to GitHub Pro" }, rules);
    else answerRules(api, rules);
    assert.equal((await readerOf(api).readRepositoryPolicy(app))?.isProtected, expected);
  });
}

test("R2 a rate limit says nothing of the rules", async (t) => {
  const api = startApi(t);
  answerPolicy(api);
  api.answer(
    "GET /repos/acme/app/rules/branches/trunk",
    403,
    { message: "secondary rate limit" },
    { "retry-after": "9" },
  );
  await couldNotLook("rate-limited", readerOf(api).readRepositoryPolicy(app));
});

test("R2 reads the organisation's policy in the owner's repository .github", async (t) => {
  const api = startApi(t);
  api.answer("GET /repos/acme/.github", 200, HOME);
  answerBranch(api, ".github", "main", true);
  api.answer("GET /repos/acme/.github/rules/branches/main?per_page=100&page=1", 200, []);
  api.answer(`GET ${HOME_FILE}?ref=${COMMIT}`, 200, content(TEXT));
  const policy = await readerOf(api).readOrganisationPolicy(app);
  assert.equal(policy?.kind, "organisation");
  assert.equal(policy?.name, "acme/.github/trusted-builds.yml");
  assert.equal(policy?.uri, `git+https://github.com/acme/.github@${COMMIT}#trusted-builds.yml`);
});

test("R2 there is no organisation policy where .github can be read and has none, or is empty", async (t) => {
  const api = startApi(t);
  api.answer("GET /repos/acme/.github", 200, HOME);
  answerBranch(api, ".github", "main");
  api.answer(`GET ${HOME_FILE}`, 404);
  api.answer(`GET /repos/acme/.github/commits/${COMMIT}`, 200, { sha: COMMIT });
  assert.equal(await readerOf(api).readOrganisationPolicy(app), undefined);
  api.answer("GET /repos/acme/.github", 200, HOME);
  api.answer("GET /repos/acme/.github/branches/main", 404);
  api.answer("GET /repos/acme/.github/git/matching-refs/heads%2Fmain", 409);
  assert.equal(await readerOf(api).readOrganisationPolicy(app), undefined);
});

/** GitHub says that there is no .github, to the installation's token and to one of our own. */
function answerAbsent(api: Api, token: object = {}, installation: object = {}) {
  const given = { token: WIDE, repository_selection: "all", permissions: { contents: "read" }, ...token };
  api.answer("GET /repos/acme/.github", 404);
  api.answer("POST /app/installations/3/access_tokens", 201, given);
  api.answer("GET /repos/acme/.github", 404);
  api.answer("GET /app/installations/3", 200, { ...INSTALLATION, ...installation });
}

test("R2 there is no .github where GitHub says so to a token that would see it", async (t) => {
  const api = startApi(t);
  answerAbsent(api);
  assert.equal(await readerOf(api).readOrganisationPolicy(app), undefined);
  // The token is asked for without narrowing it to repositories, and it is the one that hears of the absence.
  assert.deepEqual(
    api.asked.map(({ route, body, authorization }) => [route, body, authorization]),
    [
      ["GET /repos/acme/.github", undefined, `token ${TOKEN}`],
      ["POST /app/installations/3/access_tokens", { permissions: { contents: "read" } }, "token jwt"],
      ["GET /repos/acme/.github", undefined, `token ${WIDE}`],
      ["GET /app/installations/3", undefined, "token jwt"],
    ],
  );
});

test("R2 finds the .github that a narrowed token didn't see", async (t) => {
  const api = startApi(t);
  api.answer("GET /repos/acme/.github", 404);
  api.answer("POST /app/installations/3/access_tokens", 201, { token: WIDE, repository_selection: "all" });
  api.answer("GET /repos/acme/.github", 200, HOME);
  answerBranch(api, ".github", "main", true);
  api.answer("GET /repos/acme/.github/rules/branches/main?per_page=100&page=1", 200, []);
  api.answer(`GET ${HOME_FILE}`, 200, content(TEXT));
  assert.equal((await readerOf(api).readOrganisationPolicy(app))?.kind, "organisation");
  assert.equal(api.asked.at(-1)?.authorization, `token ${WIDE}`);
});

for (const [what, token, installation] of [
  ["the token covers selected repositories", { repository_selection: "selected" }, {}],
  ["nothing says what the token covers", { repository_selection: undefined }, {}],
  ["the token may not read contents", { permissions: { metadata: "read" } }, {}],
  ["the app sees selected repositories only", {}, { repository_selection: "selected" }],
  ["the app is suspended", {}, { suspended_at: "2026-01-01T00:00:00Z" }],
  ["the app may not read contents", {}, { permissions: { checks: "write" } }],
  ["the installation is another owner's", {}, { account: { id: 8, login: "acme" } }],
  ["the owner has another name now", {}, { account: { id: 7, login: "acme-corp" } }],
] as const) {
  test(`R2 an organisation policy isn't proven absent where ${what}`, async (t) => {
    const api = startApi(t);
    answerAbsent(api, token, installation);
    const { message } = await couldNotLook("not-found-unproven", readerOf(api).readOrganisationPolicy(app));
    assert.match(message, /give the app access to acme\/\.github, or create it/);
  });
}

for (const [what, home] of [
  ["is another owner's", { ...HOME, owner: { id: 8, login: "mallory" } }],
  ["has another name now", { ...HOME, name: "old-home" }],
] as const) {
  test(`R8 an organisation policy isn't read from a .github that ${what}`, async (t) => {
    const api = startApi(t);
    api.answer("GET /repos/acme/.github", 200, home);
    await couldNotLook("not-found-unproven", readerOf(api).readOrganisationPolicy(app));
  });
}

test("could not look for the organisation's policy where GitHub fails, refuses or limits", async (t) => {
  const api = startApi(t);
  for (const [status, code] of [
    [500, "server-error"],
    [403, "credentials-refused"],
    [429, "rate-limited"],
  ] as const) {
    api.answer("GET /repos/acme/.github", status, { message: "no" });
    await couldNotLook(code, readerOf(api).readOrganisationPolicy(app));
  }
});
