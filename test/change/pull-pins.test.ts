import assert from "node:assert/strict";
import { test } from "node:test";
import { askedForPins } from "../../src/change/pull-pins.ts";
import { BeyondLimit } from "../../src/trust/ports.ts";
import { MINUTE } from "../build/github.ts";
import { Crash, couldNotLook, Limited, policyText } from "../build/world.ts";
import { judgedDigest } from "./pull-pins-memory.ts";
import { commit, PullScene } from "./pull-world.ts";

const ALPINE = judgedDigest("alpine:3.19");
const DOCKERFILE = "FROM alpine:3.19 \nRUN true\n";
const PINNED = `FROM alpine:3.19@${ALPINE} \nRUN true\n`;

/** A pull request with one thing to pin, judged. */
async function judged(files: Record<string, string> = { Dockerfile: DOCKERFILE }): Promise<PullScene> {
  const scene = new PullScene();
  scene.push(1, "a", files);
  await scene.tell();
  return scene;
}

/** As if it came from somebody's fork; `undefined` is one that is gone. */
function moveToFork(scene: PullScene, repository: { id: number; owner: string; name: string } | undefined): void {
  const pull = scene.pulls.get(1);
  if (pull !== undefined) scene.pulls.set(1, { ...pull, head: { ...pull.head, repository } });
}

const FORK = { id: 7, owner: "eve", name: "fork" };

/** What the first check run says of pins. */
const said = (scene: PullScene, check = 0): unknown =>
  JSON.parse(scene.github.checks[check]?.writes.at(-1)?.summary ?? "{}").pins;
const notWritten = (why: string) => ({ kind: "not-written", why });

test("a click writes the judged digests in one commit on the judged head, and the new head is judged like any other", async () => {
  const scene = await judged({ Dockerfile: DOCKERFILE, "b/Dockerfile": "FROM debian:12 \n", README: "FROM nowhere" });
  await scene.click();
  assert.deepEqual(
    scene.pins.commits.map(({ branch, isNew, on, files }) => [branch, isNew, on, files.map(({ path }) => path)]),
    [["topic", false, commit("a"), ["Dockerfile", "b/Dockerfile"]]],
  );
  assert.equal(scene.files.get(commit("1"))?.Dockerfile, PINNED);
  const message = scene.pins.commits[0]?.message ?? "";
  assert.match(message, /^Pin base images to digests\n\n- alpine:3\.19 → sha256:/);
  assert.ok(message.includes(`- debian:12 → ${judgedDigest("debian:12")}\n`));
  assert.deepEqual(scene.ends, ["a success", "1 success"]);
  assert.deepEqual(said(scene), { kind: "committed", commit: commit("1"), pins: 2 });
});

test("a click acts once: told twice, or made again on the same or an older check run, it writes nothing more", async () => {
  const scene = await judged();
  const [first] = scene.github.checks;
  await scene.click();
  await scene.click("ada", first?.id);
  await scene.click("ada", first?.id);
  await scene.click();
  assert.equal(scene.pins.commits.length, 1);
  assert.deepEqual(said(scene, 1), notWritten("nothing-to-pin"));
});

test("R33 who may not write to the base repository writes nothing, and the check run says so", async () => {
  for (const repository of [FORK, { id: 99, owner: "acme", name: "app" }]) {
    const scene = await judged();
    moveToFork(scene, repository);
    await scene.click("eve");
    assert.deepEqual(said(scene), notWritten("not-a-writer"));
    await scene.click("");
    assert.deepEqual([scene.pins.commits, scene.pins.suggested, scene.pins.opened], [[], [], []]);
    await scene.click("ada");
    assert.equal(scene.pins.commits.length + scene.pins.suggested.length, 1);
  }
});

test("R33 whoever loses the right to write between the click and the commit writes nothing", async () => {
  const scene = await judged();
  scene.failure = (_, name) => {
    if (name !== "store.saveCheck") return undefined;
    scene.writers.clear();
    return undefined;
  };
  await scene.click();
  assert.deepEqual(scene.pins.commits, []);
  assert.deepEqual(said(scene), notWritten("not-a-writer"));
});

test("who may not write displaces nobody's question", async () => {
  const scene = await judged();
  const [job] = scene.store.rows;
  assert.ok(job);
  const now = new Date(scene.time);
  const asked = askedForPins(job, "ada", true, now);
  assert.equal(asked?.pins.phase, "asked");
  assert.equal(askedForPins(asked ?? job, "eve", false, now), undefined);
  assert.equal(askedForPins(asked ?? job, "bob", true, now), undefined);
  assert.equal(askedForPins({ ...job, outcome: { kind: "no-dockerfile" } }, "ada", true, now), undefined);
});

test("R33 a click of who may not write neither asks again for what was refused to others, nor changes what is said", async () => {
  const scene = await judged();
  scene.pins.writing = { contents: false, pullRequests: false, workflows: false };
  await scene.click("ada");
  assert.deepEqual(said(scene), notWritten("not-permitted"));
  scene.pins.writing = { contents: true, pullRequests: true, workflows: true };
  await scene.click("eve");
  assert.deepEqual(said(scene), notWritten("not-permitted"));
  await scene.click("ada");
  assert.equal(scene.pins.commits.length, 1);
});

test("the button of an older check run pins nothing: the same head was judged anew since", async () => {
  const scene = await judged();
  const checkRun = scene.github.checks[0]?.id ?? 0;
  scene.deliveries.push({ kind: "pull-rerun-asked", repositoryId: 99, checkRun, by: undefined });
  await scene.live();
  assert.equal(scene.github.checks.length, 2);
  await scene.click("ada", checkRun);
  assert.deepEqual(scene.pins.commits, []);
});

test("a branch that moved on since it was judged gets nothing, whichever way GitHub tells", async () => {
  const scene = await judged();
  // Nobody has told of it yet: the click is on the older head's check run.
  scene.push(1, "c", { Dockerfile: `${DOCKERFILE}RUN more\n` });
  await scene.click();
  assert.deepEqual(scene.pins.commits, []);
  const late = await judged();
  late.pins.branches.set("topic", commit("d"));
  late.files.set(commit("d"), { Dockerfile: `${DOCKERFILE}RUN more\n` });
  await late.click();
  assert.deepEqual(late.pins.commits, []);
  assert.deepEqual(said(late), notWritten("moved-on"));
});

test("a branch that moved on by our own commit, of which nobody heard, has the pins", async () => {
  const scene = await judged();
  scene.pins.branches.set("topic", commit("d"));
  scene.files.set(commit("d"), { Dockerfile: PINNED });
  await scene.click();
  assert.deepEqual(said(scene), { kind: "committed", commit: commit("d"), pins: 1 });
});

test("a fork's branch gets suggested changes in one review, on the lines and the head that were judged", async () => {
  const scene = await judged({
    Dockerfile: `\uFEFFFROM alpine:3.19 AS a # x\r\nRUN true\r\nFROM\talpine:3.19 AS b\r\n`,
  });
  moveToFork(scene, FORK);
  await scene.click();
  assert.deepEqual(scene.pins.commits, []);
  const [review] = scene.pins.suggested;
  assert.equal(review?.commit, commit("a"));
  assert.deepEqual(
    review?.suggestions.map(({ path, line, endLine, lines }) => [path, line, endLine, lines]),
    [
      ["Dockerfile", 1, 1, `\uFEFFFROM alpine:3.19@${ALPINE} AS a # x`],
      ["Dockerfile", 3, 3, `FROM\talpine:3.19@${ALPINE} AS b`],
    ],
  );
  assert.deepEqual(said(scene), { kind: "suggested", pins: 2, leftOut: 0 });
});

test("the same suggestions are made once for a head, though it was judged anew in between", async () => {
  const scene = await judged();
  moveToFork(scene, FORK);
  await scene.click();
  scene.deliveries.push({
    kind: "pull-rerun-asked",
    repositoryId: 99,
    checkRun: scene.github.checks[0]?.id ?? 0,
    by: undefined,
  });
  await scene.live();
  await scene.click();
  assert.equal(scene.github.checks.length, 2);
  assert.equal(scene.pins.suggested.length, 1);
  assert.equal((said(scene, 1) as { kind: string }).kind, "suggested");
});

test("what the pull request doesn't show can't be suggested: then new files alone, or nothing, and it is said", async () => {
  const scene = new PullScene();
  scene.files.set(commit("b"), { Dockerfile: `${DOCKERFILE}RUN old\n` });
  scene.push(1, "a", { Dockerfile: DOCKERFILE, "new/Dockerfile": DOCKERFILE });
  moveToFork(scene, FORK);
  await scene.tell();
  scene.pins.isShown = (path) => path !== "Dockerfile";
  await scene.click();
  assert.deepEqual(said(scene), { kind: "suggested", pins: 1, leftOut: 1 });
  const hidden = await judged();
  moveToFork(hidden, FORK);
  hidden.pins.isShown = () => false;
  await hidden.click();
  assert.deepEqual(said(hidden), notWritten("not-shown"));
});

test("a file that policy names and the pull request doesn't touch is no part of a review", async () => {
  const scene = new PullScene();
  const builds = "  - { image: ghcr.io/acme/app, dockerfile: old/Dockerfile }\n";
  scene.github.policy("repository", `${policyText({ builds })}enforce: strict\n`);
  scene.files.set(commit("b"), { "old/Dockerfile": DOCKERFILE });
  scene.push(1, "a", { "old/Dockerfile": DOCKERFILE, Dockerfile: DOCKERFILE });
  moveToFork(scene, FORK);
  await scene.tell();
  await scene.click();
  assert.deepEqual(
    scene.pins.suggested.flatMap(({ suggestions }) => suggestions.map(({ path }) => path)),
    ["Dockerfile"],
  );
  assert.deepEqual(said(scene), { kind: "suggested", pins: 1, leftOut: 1 });
});

test("more lines than one review takes are left out, and counted", async () => {
  const lines = Array.from({ length: 60 }, (_, i) => `FROM alpine:3.19 AS s${i}\n`).join("");
  const scene = await judged({ Dockerfile: lines });
  moveToFork(scene, FORK);
  await scene.click();
  assert.equal(scene.pins.suggested[0]?.suggestions.length, 50);
  assert.deepEqual(said(scene), { kind: "suggested", pins: 50, leftOut: 10 });
});

test("a protected branch gets a pull request from a branch of its own for that head, and one alone", async () => {
  const scene = await judged();
  scene.pins.refusals.set("topic", "protected");
  await scene.click();
  await scene.click();
  const branch = `trusted-builds/pins-1-${"a".repeat(12)}`;
  assert.deepEqual(
    scene.pins.commits.map((each) => [each.branch, each.isNew, each.on]),
    [[branch, true, commit("a")]],
  );
  assert.deepEqual(
    scene.pins.opened.map((each) => [each.branch, each.base]),
    [[branch, "topic"]],
  );
  assert.deepEqual(said(scene), { kind: "proposed", pull: 101, pins: 1 });
});

test("a branch of that name with something else in it is left as it is", async () => {
  const scene = await judged();
  scene.pins.refusals.set("topic", "protected");
  scene.pins.branches.set(`trusted-builds/pins-1-${"a".repeat(12)}`, commit("b"));
  await scene.click();
  assert.deepEqual([scene.pins.commits, scene.pins.opened], [[], []]);
  assert.deepEqual(said(scene), notWritten("taken"));
});

test("R33 each permission that was left out closes its ways, and without any the check run says so", async () => {
  const way = async (contents: boolean, pullRequests: boolean, refusal?: "protected" | "not-permitted" | "invalid") => {
    const scene = await judged();
    scene.pins.writing = { contents, pullRequests, workflows: false };
    if (refusal !== undefined) scene.pins.refusals.set("topic", refusal);
    await scene.click();
    const answer = said(scene) as { kind: string; why?: string };
    return answer.why ?? answer.kind;
  };
  assert.equal(await way(true, false), "committed");
  assert.equal(await way(false, true), "suggested");
  assert.equal(await way(false, false), "not-permitted");
  assert.equal(await way(true, true, "not-permitted"), "suggested");
  assert.equal(await way(true, false, "protected"), "not-permitted");
  assert.equal(await way(true, true, "protected"), "proposed");
  assert.equal(await way(true, true, "invalid"), "refused");
});

test("a fork that is gone, and a text that isn't what was judged, get nothing", async () => {
  const gone = await judged();
  moveToFork(gone, undefined);
  await gone.click();
  assert.deepEqual(said(gone), notWritten("no-repository"));
  const other = await judged();
  const judgedPins = await other.pins.judgedPins(other.store.rows[0] as never);
  assert.equal(judgedPins?.length, 1);
  other.files.set(commit("a"), { Dockerfile: ` ${DOCKERFILE}` });
  Object.assign(other.pins, { judgedPins: async () => judgedPins });
  await other.click();
  assert.deepEqual(said(other), notWritten("nothing-to-pin"));
});

test("without a slot to write nothing is written, and it is tried again when there is one, for a day at most", async () => {
  const scene = await judged();
  const clicked = scene.time;
  scene.failure = (_, name) =>
    name === "commits.commit" && scene.time < clicked + 90 * MINUTE
      ? { when: "before", error: new Limited(600) }
      : undefined;
  await scene.click();
  assert.equal(scene.pins.commits.length, 1);
  assert.ok(scene.time >= clicked + 90 * MINUTE);
  const never = await judged();
  never.failure = (_, name) => (name === "commits.commit" ? { when: "before", error: new Limited(3600) } : undefined);
  await never.click();
  assert.deepEqual(never.pins.commits, []);
  assert.deepEqual(said(never), notWritten("could-not-look"));
});

test("what can't be asked is tried again and then said, and what can't be told is left", async () => {
  for (const error of [couldNotLook(), new BeyondLimit("more reviews than anybody reads")]) {
    const scene = await judged();
    moveToFork(scene, FORK);
    scene.failure = (_, name) => (name === "reviews.hasReview" ? { when: "before", error } : undefined);
    await scene.click();
    assert.equal(scene.calls.filter((name) => name === "reviews.hasReview").length, 3);
    assert.deepEqual(said(scene), notWritten("could-not-look"));
    scene.failure = () => undefined;
    await scene.click();
    assert.equal(scene.pins.suggested.length, 1);
  }
  const mute = await judged();
  moveToFork(mute, FORK);
  mute.failure = (_, name) => (name === "checkRuns.update" ? { when: "before", error: couldNotLook() } : undefined);
  await mute.click();
  assert.equal(mute.pins.suggested.length, 1);
  assert.equal(said(mute), undefined);
});

test("where the forecasts are forgotten it is judged anew, and nothing is pinned that nobody has seen", async () => {
  const scene = await judged();
  scene.pins.isForgotten = true;
  await scene.click();
  assert.deepEqual(scene.pins.commits, []);
  assert.deepEqual(scene.ends, ["a success", "a success"]);
});

test("killed at any call after a click, by each way, it ends as if nothing had been, and nothing is written twice", async () => {
  const ways: Record<string, (scene: PullScene) => void> = {
    commit: () => {},
    proposal: (scene) => scene.pins.refusals.set("topic", "protected"),
    suggestion: (scene) => moveToFork(scene, FORK),
    nothing: (scene) => Object.assign(scene.pins.writing, { contents: false, pullRequests: false }),
  };
  for (const [way, prepare] of Object.entries(ways)) {
    const run = async (failure: PullScene["failure"]) => {
      const scene = await judged();
      prepare(scene);
      scene.calls = [];
      scene.failure = failure;
      await scene.click();
      return scene;
    };
    const { calls, ...whole } = await run(() => undefined).then((scene) => ({ calls: scene.calls, scene }));
    const written = ({ pins, ends }: PullScene) => [
      pins.commits.map(({ branch }) => branch),
      pins.opened.length,
      pins.suggested.length,
      ends,
    ];
    for (const [index, call] of calls.entries())
      for (const when of ["before", "after"] as const) {
        const scene = await run((i) => (i === index ? { when, error: new Crash(call) } : undefined));
        const at = `${way}: killed ${when} call ${index}, ${call}`;
        assert.deepEqual(written(scene), written(whole.scene), at);
        // Of a commit the new head tells, when its check run has come before the old one was told.
        if (way !== "commit") assert.deepEqual(said(scene), said(whole.scene), at);
        assert.equal(scene.store.rows.at(-1)?.phase, "done", at);
      }
  }
});
