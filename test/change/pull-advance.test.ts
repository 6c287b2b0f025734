import assert from "node:assert/strict";
import { test } from "node:test";
import { advancePull } from "../../src/change/pull-advance.ts";
import { newCheck } from "../../src/change/pull-check.ts";
import { MAX_PULL_FILES } from "../../src/change/pull-files.ts";
import { respondPull, stalePulls } from "../../src/change/pull-respond.ts";
import { BeyondLimit } from "../../src/trust/ports.ts";
import { MINUTE } from "../build/github.ts";
import { Crash, couldNotLook, Limited, policyText, REPOSITORY } from "../build/world.ts";
import { commit, FIRST, PullScene } from "./pull-world.ts";

const enforcing = (mode: string, builds?: string) =>
  `${policyText(builds === undefined ? {} : { builds })}enforce: ${mode}\n`;

test("a pull request gets one check run on its head, and the same told twice changes nothing", async () => {
  const scene = new PullScene();
  await scene.tell();
  assert.deepEqual(scene.ends, ["a success"]);
  const writes = scene.github.checks.map((check) => check.writes.length);
  await scene.tell();
  await scene.tell();
  assert.deepEqual(scene.ends, ["a success"]);
  assert.deepEqual(
    scene.github.checks.map((check) => check.writes.length),
    writes,
  );
  assert.equal(scene.github.checks[0]?.name, "trusted-builds / pull request");
});

test("a push with nothing new in it costs at most six requests to GitHub, and none to registries", async () => {
  const scene = new PullScene();
  await scene.tell();
  scene.push(1, "c", { Dockerfile: "good\nmore\n", "README.md": "new\n" });
  scene.calls = [];
  await scene.tell();
  assert.deepEqual(scene.ends, ["a success", "c success"]);
  const requests = PullScene.requests(scene.calls);
  assert.deepEqual(requests, [
    "pulls.readPull",
    "pulls.listChangedFiles",
    "sources.listFiles",
    "sources.listFiles",
    "checkRuns.create",
  ]);
});

test("R14 a forecast that rests on a tag counts for an hour, any other for a day, and none beyond what it rests on", async () => {
  for (const [line, minutes, isAsked] of [
    ["tag", 59, false],
    ["tag", 60, true],
    ["pinned", 23 * 60, false],
    ["pinned", 24 * 60, true],
    ["lapses", 9, false],
  ] as const) {
    const scene = new PullScene();
    const files = { Dockerfile: `good\n${line}\n` };
    scene.files.set(commit("b"), files);
    scene.push(1, "a", files);
    await scene.tell();
    scene.time += minutes * MINUTE;
    scene.push(1, "c", files);
    scene.calls = [];
    await scene.tell();
    assert.equal(scene.calls.includes("registry.foresee"), isAsked, `${line} after ${minutes}`);
  }
});

test("R14 what has lapsed is judged anew, under a check run of its own", async () => {
  const scene = new PullScene();
  scene.push(1, "a", { Dockerfile: "good\nlapses\n" });
  await scene.tell();
  scene.time += 10 * MINUTE;
  await scene.tell();
  assert.deepEqual(scene.ends, ["a success", "a success"]);
  assert.equal(scene.calls.filter((name) => name === "registry.foresee").length, 3, "the base's, and the head's twice");
});

test("R35 a new fault fails, a known one passes by ratchet alone", async () => {
  for (const [mode, before, after, end] of [
    ["strict", "bad 1\n", "bad 1\nmore\n", "failure"],
    ["ratchet", "bad 1\n", "bad 1\nmore\n", "success"],
    ["ratchet", "bad 1\n", "bad 1\nbad 2\n", "failure"],
    ["ratchet", undefined, "bad 1\n", "failure"],
    ["report", undefined, "bad 1\n", "success"],
    ["report", undefined, "bad grave\n", "failure"],
    ["ratchet", "refused\n", "refused\nmore\n", "failure"],
    ["report", "good\n", "refused\n", "failure"],
  ] as const) {
    const scene = new PullScene();
    scene.github.policy("repository", enforcing(mode));
    scene.files.set(commit("b"), before === undefined ? {} : { Dockerfile: before });
    scene.push(1, "a", { Dockerfile: after });
    await scene.tell();
    assert.deepEqual(scene.ends, [`a ${end}`], `${mode}: ${before} to ${after}`);
  }
});

test("R2 both policies are asked, and what the organisation's fails fails", async () => {
  const scene = new PullScene();
  scene.github.policy("repository", enforcing("report"));
  scene.github.policy("organisation", "version: 1\n");
  scene.push(1, "a", { Dockerfile: "bad 1\n" });
  await scene.tell();
  assert.deepEqual(scene.ends, ["a failure"]);
});

test("R2 where nobody can say whether there is an organisation's policy, it doesn't pass", async () => {
  const scene = new PullScene();
  scene.github.organisationPolicy = couldNotLook("not-found-unproven");
  await scene.tell();
  assert.deepEqual(scene.ends, ["a action_required"]);
});

test("R5 a repository without a policy is judged by the default one", async () => {
  const scene = new PullScene();
  scene.github.repositoryPolicy = undefined;
  scene.push(1, "a", { Dockerfile: "bad 1\n" });
  await scene.tell();
  assert.deepEqual(scene.ends, ["a failure"]);
  const [row] = scene.store.rows;
  assert.ok(row?.outcome?.kind === "judged" && row.outcome.files[0]?.enforced[0]?.policy === "default");
});

test("a policy that can't be used fails, and one at the head isn't read", async () => {
  const scene = new PullScene();
  scene.github.policy("repository", "version: 7\n");
  scene.push(1, "a", { ".github/trusted-builds.yml": "version: 1\nenforce: report\n", Dockerfile: "bad\n" });
  await scene.tell();
  assert.deepEqual(scene.ends, ["a failure"]);
  assert.equal(scene.store.rows[0]?.outcome?.kind, "policy-wrong");
});

test("what policy names is judged though it isn't touched or named like one, and a file below a context is found there", async () => {
  const scene = new PullScene();
  const builds = "  - { image: ghcr.io/acme/app, dockerfile: ../build.txt, context: ./docker }";
  scene.github.policy("repository", enforcing("strict", builds));
  const files = { "docker/build.txt": "bad 1\n" };
  scene.files.set(commit("b"), files);
  scene.push(1, "a", files);
  await scene.tell();
  assert.deepEqual(scene.ends, ["a failure"]);
});

test("a dockerfile that BuildKit takes where the Dockerfile is gone is judged as policy builds it", async () => {
  const scene = new PullScene();
  scene.push(1, "a", { dockerfile: "bad 1\n" });
  await scene.tell();
  assert.deepEqual(scene.ends, ["a failure"]);
  const { outcome } = scene.store.rows[0] ?? {};
  const files = outcome?.kind === "judged" ? outcome.files : [];
  const judged = files.filter(({ after }) => after.kind === "judged");
  assert.deepEqual(
    judged.map(({ path, build }) => [path, build?.image]),
    [["dockerfile", "ghcr.io/acme/app"]],
  );
});

test("R35 a dockerfile is compared with the Dockerfile in whose place it comes, and a Dockerfile beside it goes before", async () => {
  const scene = new PullScene();
  scene.github.policy("repository", enforcing("ratchet"));
  scene.files.set(commit("b"), { Dockerfile: "bad 1\n" });
  scene.push(1, "a", { dockerfile: "bad 1\n" });
  await scene.tell();
  assert.deepEqual(scene.ends, ["a success"]);
  const back = new PullScene();
  back.github.policy("repository", enforcing("ratchet"));
  back.files.set(commit("b"), { dockerfile: "bad 1\n" });
  back.push(1, "a", { Dockerfile: "bad 1\n" });
  await back.tell();
  assert.deepEqual(back.ends, ["a success"]);
  scene.push(2, "c", { Dockerfile: "good\n", dockerfile: "good\n" });
  await scene.tell(2);
  const { outcome } = scene.store.rows.find(({ number }) => number === 2) ?? {};
  const builds = outcome?.kind === "judged" ? outcome.files.map(({ path, build }) => [path, build !== undefined]) : [];
  assert.deepEqual(builds, [
    ["Dockerfile", true],
    ["dockerfile", false],
  ]);
});

test("without a Dockerfile there is nothing to say, and the check passes; a removed one is none", async () => {
  const scene = new PullScene();
  scene.push(1, "a", { "README.md": "x" });
  await scene.tell();
  assert.deepEqual(scene.ends, ["a success"]);
  assert.equal(scene.store.rows[0]?.outcome?.kind, "no-dockerfile");
});

test("more Dockerfiles than are judged are a fault, and none is left out in silence", async () => {
  const scene = new PullScene();
  const files = Object.fromEntries(Array.from({ length: MAX_PULL_FILES }, (_, i) => [`${i}/Dockerfile`, "good\n"]));
  scene.push(1, "a", files);
  await scene.tell();
  assert.deepEqual(scene.ends, ["a failure"]);
  assert.equal(scene.store.rows[0]?.outcome?.kind, "limit");
});

test("more files than GitHub lists are compared tree by tree, and without trees that is a fault", async () => {
  const scene = new PullScene();
  scene.push(1, "a", { Dockerfile: "good\n", "x/Dockerfile": "bad 1\n" });
  scene.changed.set(1, new BeyondLimit("3000 files"));
  await scene.tell();
  assert.deepEqual(scene.ends, ["a failure"]);
  assert.equal(scene.store.rows[0]?.outcome?.kind, "judged");
  const blind = new PullScene();
  blind.changed.set(1, new BeyondLimit("3000 files"));
  blind.listing = new BeyondLimit("a large tree");
  await blind.tell();
  assert.equal(blind.store.rows[0]?.outcome?.kind, "limit");
});

test("where GitHub doesn't list a commit's files, each is read by its path", async () => {
  const scene = new PullScene();
  scene.listing = new BeyondLimit("a large tree");
  scene.push(1, "a", { Dockerfile: "bad 1\n" });
  await scene.tell();
  assert.deepEqual(scene.ends, ["a failure"]);
});

test("what is there and can't be read as a file fails: it may lead anywhere", async () => {
  const scene = new PullScene();
  scene.files.set(commit("a"), {});
  await scene.tell();
  assert.deepEqual(scene.ends, ["a failure"]);
});

test("could not look is said while it is tried again, and never passes", async () => {
  const scene = new PullScene();
  scene.push(1, "a", { Dockerfile: "unseen\n" });
  await scene.tell();
  assert.deepEqual(scene.ends, ["a action_required"]);
  const [check] = scene.github.checks;
  assert.ok(check);
  assert.ok(check.writes.some(({ status, title }) => status === "in_progress" && title.startsWith("waiting")));
  assert.ok(check.writes.every(({ conclusion }) => conclusion !== "success"));
});

test("who limits us is left alone, though somebody tells of the pull request meanwhile", async () => {
  const scene = new PullScene();
  scene.failure = (_, name) =>
    name === "pulls.listChangedFiles" && scene.calls.filter((each) => each === name).length === 1
      ? { when: "before", error: new Limited(600) }
      : undefined;
  await scene.tell();
  assert.deepEqual(scene.ends, ["a success"]);
  const ports = scene.ports();
  const [row] = scene.store.rows;
  assert.ok(row);
  const until = new Date(scene.time + MINUTE);
  await ports.store.saveCheck({ ...row, waiting: { reason: "limit", until, isLimited: true } });
  scene.calls = [];
  assert.deepEqual(await advancePull(ports, FIRST), until);
  assert.deepEqual(PullScene.requests(scene.calls), []);
});

test("another head supersedes what is under way, and the older check run ends as cancelled", async () => {
  const scene = new PullScene();
  scene.push(1, "a", { Dockerfile: "unseen\n" });
  scene.work.set(FIRST, scene.time);
  await respondPull(scene.ports(), { kind: "pull-changed", repository: REPOSITORY, number: 1 });
  await advancePull(scene.ports(), FIRST);
  assert.deepEqual(scene.ends, ["a open"]);
  scene.push(1, "c", { Dockerfile: "good\nmore\n" });
  await scene.tell();
  assert.deepEqual(scene.ends, ["a cancelled", "c success"]);
});

test("R31 a slower older job overwrites nothing: whoever was superseded is refused before he writes", async () => {
  const scene = new PullScene();
  await respondPull(scene.ports(), { kind: "pull-changed", repository: REPOSITORY, number: 1 });
  let isFirst = true;
  scene.meanwhile = async () => {
    if (!isFirst) return;
    isFirst = false;
    // Its lease has lapsed: somebody else sees a newer head, and is done before it wakes.
    scene.push(1, "c", { Dockerfile: "bad 1\n" });
    await advancePull(scene.ports(), FIRST);
  };
  await assert.rejects(advancePull(scene.ports(), FIRST), /lost race/);
  assert.deepEqual(scene.ends, ["a cancelled", "c failure"]);
  assert.ok(scene.github.checks[0]?.writes.every(({ conclusion }) => conclusion !== "success"));
  const [first] = scene.store.rows;
  assert.ok(first);
  await assert.rejects(scene.ports().store.beginCheck(newCheck(scene.ports(), first, first)), /lost race/);
});

test("a closed pull request ends, and is judged again when it is opened again", async () => {
  const scene = new PullScene();
  scene.push(1, "a", { Dockerfile: "unseen\n" });
  await respondPull(scene.ports(), { kind: "pull-changed", repository: REPOSITORY, number: 1 });
  await advancePull(scene.ports(), FIRST);
  scene.close(1);
  await scene.tell();
  assert.deepEqual(scene.ends, ["a cancelled"]);
  scene.push(1, "a", { Dockerfile: "good\nmore\n" });
  await scene.tell();
  assert.deepEqual(scene.ends, ["a cancelled", "a success"]);
});

test("R31 a pull request to another branch doesn't pass for one of the same head that fails", async () => {
  const scene = new PullScene();
  scene.push(1, "a", { Dockerfile: "bad 1\n" });
  await scene.tell();
  // The branch that it is made to has the fault already: by itself it would pass.
  scene.github.policy("repository", enforcing("strict"));
  scene.push(2, "a", { Dockerfile: "bad 1\n" }, "evil");
  scene.changed.set(2, []);
  scene.github.policy("repository", enforcing("strict", "  - { image: ghcr.io/acme/app, dockerfile: other }"));
  scene.store.seen.clear();
  await scene.tell(2);
  assert.deepEqual(scene.ends.at(-1), "a failure");
  const held = scene.store.rows.findLast(({ number }) => number === 2)?.outcome;
  assert.ok(held?.kind === "no-dockerfile" && held.heldBackBy === 1);
  scene.close(1);
  await scene.tell(1);
  assert.deepEqual(scene.ends.at(-1), "a success");
});

test("R2 another policy judges open pull requests anew", async () => {
  const scene = new PullScene();
  scene.push(1, "a", { Dockerfile: "bad 1\n" });
  await scene.tell();
  assert.deepEqual(scene.ends, ["a failure"]);
  scene.github.policy("repository", enforcing("report"));
  const ports = scene.ports();
  const text = await ports.policies.readRepositoryPolicy(REPOSITORY);
  assert.ok(text);
  await ports.store.savePolicyState(REPOSITORY, "repository", "unusable", undefined);
  for (const id of await stalePulls(ports)) scene.work.set(id, scene.time);
  await scene.live();
  assert.deepEqual(scene.ends, ["a failure", "a success"]);
});

test("asked for anew, nothing that was forecast before counts; asked twice, it is done once", async () => {
  const scene = new PullScene();
  await scene.tell();
  const [check] = scene.github.checks;
  assert.ok(check);
  scene.time += MINUTE;
  scene.calls = [];
  const asked = { kind: "pull-rerun-asked", repositoryId: 99, checkRun: check.id, by: "ada" } as const;
  for (const each of [asked, asked]) {
    scene.deliveries.push(each);
    await scene.live();
  }
  assert.deepEqual(scene.ends, ["a success", "a success"]);
  assert.equal(scene.calls.filter((name) => name === "registry.foresee").length, 2);
  scene.deliveries.push({ ...asked, checkRun: scene.github.checks[1]?.id ?? 0, by: "eve" });
  await scene.live();
  assert.equal(scene.ends.length, 2, "who may not write asks for nothing (R33)");
});

test("a suite that is asked for again judges the pull requests of its commit anew", async () => {
  const scene = new PullScene();
  await scene.tell();
  scene.time += MINUTE;
  scene.deliveries.push({ kind: "pulls-rerun-asked", repositoryId: 99, commit: commit("a") });
  await scene.live();
  assert.deepEqual(scene.ends, ["a success", "a success"]);
});

test("R35 a worse file that is moved to where policy builds wasn't there before", async () => {
  const scene = new PullScene();
  scene.github.policy("repository", enforcing("ratchet"));
  scene.files.set(commit("b"), { "test/Dockerfile": "bad 1\n" });
  scene.push(1, "a", { Dockerfile: "bad 1\n" });
  scene.changed.set(1, [{ path: "Dockerfile", previousPath: "test/Dockerfile", isRemoved: false, blob: undefined }]);
  await scene.tell();
  assert.deepEqual(scene.ends, ["a failure"]);
});

test("bytes that aren't those that GitHub lists are never judged", async () => {
  const scene = new PullScene();
  const ports = scene.ports();
  const sources = { ...ports.sources, listFiles: ports.sources.listFiles, readFile: async () => new Uint8Array([1]) };
  await respondPull(ports, { kind: "pull-changed", repository: REPOSITORY, number: 1 });
  await advancePull({ ...ports, sources }, FIRST);
  assert.equal(scene.calls.includes("registry.foresee"), false);
  assert.match(scene.store.rows[0]?.waiting?.reason ?? "", /isn't what it lists/);
});

/** What a pull request comes to, told by several deliveries. */
async function path(scene: PullScene): Promise<void> {
  await scene.tell();
  scene.push(1, "c", { Dockerfile: "bad 1\n" });
  await scene.tell();
  scene.close(1);
  await scene.tell();
}

test("killed at any call, it ends as if nothing had been, and nothing is written twice", async () => {
  const whole = new PullScene();
  await path(whole);
  assert.deepEqual(whole.ends, ["a success", "c failure"]);
  for (const [index, call] of whole.calls.entries())
    for (const when of ["before", "after"] as const) {
      const scene = new PullScene();
      scene.failure = (i) => (i === index ? { when, error: new Crash(call) } : undefined);
      await path(scene);
      assert.deepEqual(scene.ends, whole.ends, `killed ${when} call ${index}, ${call}`);
      for (const { writes } of scene.github.checks)
        assert.equal(writes.filter(({ status }) => status === "completed").length, 1, `${when} ${index} ${call}`);
    }
});
