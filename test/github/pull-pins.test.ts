import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { PullOutcome } from "../../src/change/pull.ts";
import { newCheck, type PullJob } from "../../src/change/pull-check.ts";
import type { JudgedPin } from "../../src/change/pull-pins-text.ts";
import { writePins } from "../../src/change/pull-pins-write.ts";
import type { PullPorts } from "../../src/change/pull-ports.ts";
import { createCommitWriter } from "../../src/github/commits.ts";
import { createInstallations } from "../../src/github/installations.ts";
import { createPermissions } from "../../src/github/permissions.ts";
import { createPullRequestWriter } from "../../src/github/pull-request-writer.ts";
import { createPullRequestReader } from "../../src/github/pull-requests.ts";
import { createPullReviews } from "../../src/github/pull-reviews.ts";
import { createSourceReader } from "../../src/github/source-files.ts";
import { digestOf } from "../../src/image/digest.ts";
import { startGithub } from "../world/github/github.ts";
import { octokitOf, octokitOfApp } from "../world/github/octokit.ts";
import { couldNotLook } from "./api.ts";
import { writerOptions } from "./writing-fixture.ts";

const DIGEST = digestOf(Buffer.from("alpine"));
const WRITTEN = "alpine:3.19";
/** Byte order mark, both line ends, tabs, comments and quotes: none of it may change. */
const before = (more = "") =>
  `\uFEFF# é\r\nFROM\t${WRITTEN} AS a\r\n# ${WRITTEN}\n\nARG B="${WRITTEN}"\nFROM  $B  as b\nCOPY --from=a\t/x /y\n${more}`;
const after = (more = "") =>
  before(more)
    .replace(`FROM\t${WRITTEN}`, `FROM\t${WRITTEN}@${DIGEST}`)
    .replace(`"${WRITTEN}"`, `"${WRITTEN}@${DIGEST}"`);

const WRITING = { contents: "write", pull_requests: "write", workflows: "write" } as const;

async function start(t: TestContext, { permissions = WRITING as object, isFork = false, branch = "topic" } = {}) {
  const github = await startGithub();
  t.after(async () => {
    await github.close();
    assert.deepEqual(github.violations, []);
  });
  await github.owner("acme");
  const installation = github.installation("acme");
  installation.permissions = { ...installation.permissions, ...permissions };
  const first = await github.repository("acme/app", { files: { "run.sh": "#!/bin/sh\n" } });
  await github.branch("acme/app", "release", first);
  const from = isFork ? "eve/app" : "acme/app";
  if (isFork) {
    await github.owner("eve");
    await github.fork("acme/app", from);
  }
  const head = await github.commit(from, { Dockerfile: before() }, { branch });
  const number = await github.openPull("acme/app", { branch, base: "release", ...(isFork && { from }) });
  github.collaborate("acme/app", "ada", "write");
  const clients = { octokitFor: () => octokitOf(github, "acme"), appOctokit: () => octokitOfApp(github) };
  const [repository] = await createInstallations(clients).listRepositories(installation.id);
  assert.ok(repository);
  const pulls = createPullRequestReader(clients);
  const pull = await pulls.readPull(repository, number);
  assert.ok(pull);
  const file = { path: "Dockerfile", previousPath: undefined, isTouched: true, build: undefined, platforms: [] };
  const forecasts: [] = [];
  const outcome: PullOutcome = {
    kind: "judged",
    verdict: "untrusted",
    files: [{ ...file, before: { kind: "absent" }, after: { kind: "judged", forecasts }, enforced: [] }],
  };
  const now = () => new Date();
  const fresh = newCheck(
    { newId: () => "check", now },
    { repository, number, head: pull.head, base: pull.base },
    undefined,
  );
  const job: PullJob = { ...fresh, phase: "done", outcome };
  const pin = (start: number): JudgedPin => ({
    path: "Dockerfile",
    place: { start, end: start + WRITTEN.length },
    written: WRITTEN,
    digest: DIGEST,
  });
  const judged = [pin(before().indexOf(WRITTEN)), pin(before().lastIndexOf(WRITTEN))];
  const writer = writerOptions(clients.octokitFor);
  const ports = {
    sources: createSourceReader(clients),
    pins: {
      permissions: createPermissions(clients),
      commits: createCommitWriter(writer),
      writer: createPullRequestWriter(writer),
      reviews: createPullReviews(clients),
    },
  } as unknown as PullPorts;
  const write = (by = "ada") => writePins(ports, { job, pull, judged, by });
  const contentAt = async (ref: string) => {
    const bytes = await ports.sources.readFile(repository, ref, "Dockerfile", 10_000);
    return bytes && Buffer.from(bytes).toString();
  };
  return { github, repository, reader: ports.pins.reviews, head, number, write, contentAt };
}

test("R33 pins are committed on the branch, every other byte stays, and whoever asks again finds them there", async (t) => {
  const { github, head, number, write, contentAt } = await start(t);
  assert.deepEqual(await write("eve"), { kind: "not-written", why: "not-a-writer" });
  const answer = await write();
  assert.equal(answer.kind, "committed");
  assert.ok(answer.kind === "committed");
  assert.equal(answer.pins, 2);
  assert.equal(await contentAt(answer.commit), after());
  assert.equal(await contentAt(head), before());
  await github.idle();
  assert.equal(github.pulls("acme/app")[number - 1]?.head.commit, answer.commit);
  assert.deepEqual(await write(), answer);
});

test("a branch that somebody has pushed to since is left as it is", async (t) => {
  const { github, write, contentAt } = await start(t);
  const pushed = await github.commit("acme/app", { Dockerfile: before("RUN more\n") }, { branch: "topic" });
  assert.deepEqual(await write(), { kind: "not-written", why: "moved-on" });
  assert.equal(await contentAt(pushed), before("RUN more\n"));
});

test("a protected branch gets one pull request with the pins, however often it is asked for", async (t) => {
  const { github, head, number, write, contentAt } = await start(t, { branch: "main" });
  github.change("acme/app", { protected: true });
  const answer = await write();
  assert.ok(answer.kind === "proposed", JSON.stringify(answer));
  const opened = github.pulls("acme/app")[answer.pull - 1];
  assert.equal(opened?.head.branch, `trusted-builds/pins-${number}-${head.slice(0, 12)}`);
  assert.equal(opened.base.branch, "main");
  assert.equal(await contentAt(opened.head.commit), after());
  assert.deepEqual(await write(), answer);
  assert.equal(github.pulls("acme/app").length, 2);
});

test("a fork's branch gets one review of suggestions, which a person who repeats its words doesn't stand for", async (t) => {
  const { github, repository, reader, head, number, write, contentAt } = await start(t, { isFork: true });
  assert.deepEqual(await write(), { kind: "suggested", pins: 2, leftOut: 0 });
  const reviews = github.pulls("acme/app")[number - 1]?.reviews ?? [];
  const [review] = reviews;
  assert.ok(review);
  assert.equal(review.commit, head);
  assert.deepEqual(
    review.comments.map(({ line, body }) => [line, body]),
    [
      [2, `\`\`\`suggestion\nFROM\t${WRITTEN}@${DIGEST} AS a\n\`\`\``],
      [5, `\`\`\`suggestion\nARG B="${WRITTEN}@${DIGEST}"\n\`\`\``],
    ],
  );
  await write();
  assert.equal(reviews.length, 1);
  reviews[0] = { ...review, by: { id: 5, login: "eve", type: "User" } };
  await write();
  assert.equal(reviews.length, 2);
  assert.equal(await contentAt(head), before());
  const [{ body = "" } = {}] = reviews;
  const mark = body.slice(body.indexOf("<!--"));
  assert.equal(await reader.hasReview(repository, number, { commit: head, mark }), true);
  assert.equal(await reader.hasReview(repository, number, { commit: "b".repeat(40), mark }), false);
  const other = { ...repository, id: repository.id + 1 };
  await couldNotLook("not-found-unproven", reader.hasReview(other, number, { commit: head, mark }));
});

test("R33 without the permissions nothing is written at all", async (t) => {
  const { github, head, number, write } = await start(t, { permissions: { contents: "read", pull_requests: "read" } });
  assert.deepEqual(await write(), { kind: "not-written", why: "not-permitted" });
  const [pull] = github.pulls("acme/app").slice(number - 1);
  assert.deepEqual([pull?.head.commit, pull?.reviews], [head, []]);
  const writes = github.requests.filter(({ method, path }) => method !== "GET" && /\/(?:git|pulls)\b/.test(path));
  assert.deepEqual(writes, []);
});
