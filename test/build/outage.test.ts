import assert from "node:assert/strict";
import { test } from "node:test";
import { BeyondLimit } from "../../src/trust/ports.ts";
import { MINUTE } from "./github.ts";
import { askAgain, assertOnce, follow, outcomeOf, PATHS, type Path } from "./paths.ts";
import { couldNotLook, type Failure, Limited, Scene } from "./world.ts";

const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Walks a path on which one call gets no answer. */
async function unansweredAt(path: Path, at: number, when: Failure["when"]): Promise<Scene> {
  const scene = new Scene();
  scene.failure = (index, name) => {
    if (index === at) return { when, error: couldNotLook() };
    const error = path.outage?.(scene, name);
    return error && { when: "before", error };
  };
  await follow(scene, path);
  return scene;
}

for (const path of PATHS) {
  test(`without an answer to any one call, ${path.name} ends as with it, and nothing is done twice`, async () => {
    const whole = await unansweredAt(path, -1, "before");
    for (const [index, call] of whole.calls.entries()) {
      const isReading = /^registry\.(read|list)/.test(call);
      if (/^(store|report)\./.test(call) || (isReading && path !== PATHS[0])) continue;
      for (const when of ["before", "after"] as const) {
        const scene = await unansweredAt(path, index, when);
        assert.deepEqual(outcomeOf(scene), outcomeOf(whole), `no answer to call ${index}, ${call}, ${when} its effect`);
        assertOnce(scene, path);
      }
    }
  });
}

/** A scene in which these calls get no answer, until a time. */
function silent(calls: RegExp, minutes = Number.POSITIVE_INFINITY, error: Error = couldNotLook()): Scene {
  const scene = new Scene();
  const end = scene.time + minutes * MINUTE;
  scene.failure = (_, name) => (calls.test(name) && scene.time < end ? { when: "before", error } : undefined);
  return scene;
}

/** What every check run has said, as short as can be. */
function said(scene: Scene): readonly string[] {
  return scene.github.checks.flatMap(({ writes }) =>
    writes.map(({ status, conclusion, title }) => [status, conclusion, title].filter(Boolean).join(" ")),
  );
}

test("the check run says what it waits for, and then how it ended", async () => {
  const scene = silent(/registry\.resolve/, 8, couldNotLook("server-error"));
  await scene.push();
  assert.deepEqual(said(scene), [
    "queued requested",
    "in_progress dispatched",
    "in_progress dispatched",
    "in_progress waiting: asked for something: server-error",
    "in_progress waiting: asked for something: server-error",
    "completed success verdict",
  ]);
});

for (const [call, isDispatched] of [
  ["tags.readTag", false],
  ["workflows.hasWorkflow", false],
  ["workflows.dispatch", false],
  ["workflows.readRun", true],
  ["registry.resolve", true],
  ["registry.readManifest", true],
] as const) {
  test(`${call} that never answers is told as waiting, and after the last try ends in action_required`, async () => {
    const scene = new Scene();
    scene.failure = (_, name) =>
      name === call && scene.store.rows.size > 0 ? { when: "before", error: couldNotLook() } : undefined;
    await scene.push();
    assert.equal(said(scene).at(-1), "completed action_required undetermined");
    assert.equal(said(scene).filter((text) => text.includes("waiting: ")).length, scene.pace.retriesMs.length);
    assert.equal(scene.calls.filter((name) => name === call).length >= scene.pace.retriesMs.length + 1, true);
    assert.equal(scene.github.dispatched.length, isDispatched ? 1 : 0);
  });
}

test("a dispatch whose answers are all lost is never made again while its run can be found", async () => {
  const scene = new Scene();
  scene.failure = (_, name) => (name === "workflows.dispatch" ? { when: "after", error: couldNotLook() } : undefined);
  scene.github.listingMs = 2 * MINUTE;
  await scene.push();
  assert.equal(said(scene).at(-1), "completed success verdict");
  assert.equal(scene.github.dispatched.length, 1);
});

test("a run that was started and is never listed ends in action_required, and isn't started again", async () => {
  const scene = new Scene();
  scene.github.isGhes = true;
  scene.github.listingMs = DAY;
  await scene.push();
  assert.equal(said(scene).at(-1), "completed action_required undetermined");
  assert.equal(scene.github.dispatched.length, 1);
});

test("asked for again, a run that was listed later than anyone waited is followed, and none is started", async () => {
  const scene = new Scene();
  scene.github.isGhes = true;
  scene.github.listingMs = 2 * HOUR;
  await scene.push();
  scene.time += 3 * HOUR;
  scene.tell(askAgain(scene));
  await scene.live();
  assert.equal(said(scene).at(-1), "completed success verdict");
  assert.equal(scene.github.dispatched.length, 1);
});

test("a check run that can't be opened keeps the build from starting, and is opened once it can", async () => {
  const scene = silent(/checkRuns\.create/, 60);
  await scene.push();
  assert.equal(scene.github.dispatched.length, 0);
  assert.deepEqual(said(scene), ["completed action_required undetermined"]);
});

test("an outcome whose telling got no answer isn't told again in other words", async () => {
  const scene = new Scene();
  let lost = 0;
  scene.failure = (_, name) => {
    if (name === "registry.resolve") return { when: "before", error: couldNotLook() };
    const isTelling = scene.store.builds[0]?.phase === "settled";
    if (name === "checkRuns.says" && isTelling && ++lost < 3) return { when: "before", error: couldNotLook() };
    if (name === "checkRuns.update" && isTelling) return { when: "after", error: couldNotLook() };
    return undefined;
  };
  await scene.push();
  assert.equal(lost, 3);
  assert.deepEqual(
    said(scene).filter((text) => text.startsWith("completed")),
    ["completed action_required undetermined"],
  );
});

test("what a check run was heard to say isn't asked for, nor written again", async () => {
  const scene = new Scene();
  scene.pace = { ...scene.pace, pollMs: 30_000 };
  await scene.push();
  assert.ok(scene.calls.filter((name) => name === "workflows.readRun").length > 8);
  assert.ok(!scene.calls.includes("checkRuns.says"));
  assert.equal(said(scene).length, 4);
});

test("an image that can't be looked at to the last try keeps what was learnt of it", async () => {
  const scene = silent(/registry\.readBlob/);
  await scene.push();
  const [build] = scene.store.builds;
  assert.equal(said(scene).at(-1), "completed action_required undetermined");
  assert.deepEqual(
    scene.store.judgements.get(`${build?.id} 1`)?.map(({ verdict }) => verdict.outcome),
    ["undetermined"],
  );
  assert.equal(build?.digest, scene.imageTags.get("ghcr.io/acme/app:v1.0.0")?.digest);
});

test("an outcome that can't be told is told days later, once", async () => {
  const scene = silent(/checkRuns\.update/, 3 * 24 * 60);
  await scene.push();
  assert.deepEqual(said(scene), ["queued requested", "completed success verdict"]);
  assert.deepEqual(outcomesOf(scene), ["done verdict"]);
});

test("an outcome that nobody takes for fourteen days is left at that", async () => {
  const scene = silent(/checkRuns\.update/);
  scene.pace = { ...scene.pace, retriesMs: [MINUTE, HOUR] };
  const start = scene.time;
  await scene.push();
  assert.deepEqual(said(scene), ["queued requested"]);
  assert.deepEqual(outcomesOf(scene), ["done verdict"]);
  assert.ok(scene.time - start > 14 * DAY && scene.time - start < 15 * DAY);
});

test("a check run that can't be written doesn't change how a running build ends", async () => {
  const scene = silent(/checkRuns\.update/, 30);
  scene.pace = { ...scene.pace, retriesMs: [MINUTE] };
  await scene.push();
  assert.deepEqual(said(scene), ["queued requested", "completed success verdict"]);
});

function outcomesOf(scene: Scene): readonly string[] {
  return scene.store.builds.map(({ phase, outcome }) => `${phase} ${outcome?.kind}`);
}

test("GitHub is asked nothing while it wants to be left alone, whatever else happens", async () => {
  const scene = new Scene();
  const start = scene.time;
  scene.failure = (_, name) =>
    name === "workflows.readRun" && scene.time === start ? { when: "before", error: new Limited(1800) } : undefined;
  scene.tell(scene.pushed());
  await scene.live(start);
  const calls = () => scene.calls.filter((name) => /^(tags|policies|workflows|checkRuns)\./.test(name)).length;
  const before = calls();
  assert.equal(
    scene.calls.findLast((name) => !name.startsWith("store.")),
    "workflows.readRun",
  );
  const [build] = scene.store.builds;
  assert.ok(build);
  assert.equal(build.waiting?.until.getTime(), start + 1800_000);
  for (const minutes of [1, 10, 29]) {
    scene.time = start + minutes * MINUTE;
    scene.store.work.set(build.id, scene.time);
    await scene.live(scene.time);
  }
  assert.equal(calls(), before);
  await scene.live();
  assert.equal(said(scene).at(-1), "completed success verdict");
});

test("whoever is woken too early uses up no try", async () => {
  const scene = silent(/registry\.resolve/, 9);
  const start = scene.time;
  scene.tell(scene.pushed());
  await scene.live(start + 6 * MINUTE);
  const [build] = scene.store.builds;
  assert.equal(build?.failures, 1);
  for (let i = 0; i < 10; i++) {
    scene.store.work.set(build.id, scene.time);
    await scene.live(scene.time);
  }
  assert.equal(scene.store.builds[0]?.failures, 1);
  await scene.live();
  assert.equal(said(scene).at(-1), "completed success verdict");
});

test("the digest that was resolved once is judged, though the tag is another image's by the next try", async () => {
  const scene = silent(/registry\.readBlob/, 7);
  const start = scene.time;
  scene.tell(scene.pushed());
  await scene.live(start + 6 * MINUTE);
  const [waiting] = scene.store.builds;
  const first = scene.imageTags.get("ghcr.io/acme/app:v1.0.0")?.digest;
  assert.ok(first !== undefined && waiting?.digest === first && waiting.waiting !== undefined);
  const [run] = scene.github.runs;
  assert.ok(run);
  scene.leave({ ...run, id: run.id + 1 });
  assert.notEqual(scene.imageTags.get("ghcr.io/acme/app:v1.0.0")?.digest, first);
  await scene.live();
  assert.equal(said(scene).at(-1), "completed success verdict");
  assert.equal(scene.store.builds[0]?.digest, first);
});

test("no digest is lost because the git tag couldn't be read", async () => {
  const scene = new Scene();
  let isAnswered = false;
  scene.failure = (_, name) => {
    if (name === "registry.resolve") isAnswered = true;
    const isSilent = name === "tags.readTag" && scene.github.runs[0]?.isEnded === true && scene.time < end;
    return isSilent ? { when: "before", error: couldNotLook() } : undefined;
  };
  const end = scene.time + 8 * MINUTE;
  scene.tell(scene.pushed());
  await scene.live(scene.time + 6 * MINUTE);
  assert.equal(scene.store.builds[0]?.failures, 1);
  assert.equal(isAnswered, false);
});

test("a build that failed has failed, however few tries there are for its log", async () => {
  for (const retriesMs of [[], [MINUTE], [MINUTE, MINUTE, MINUTE]]) {
    const scene = silent(/workflows\.readFailureLog/);
    scene.pace = { ...scene.pace, retriesMs };
    scene.github.conclusions = ["failure"];
    await scene.push();
    assert.equal(said(scene).at(-1), "completed failure build-failed");
  }
});

test("an image whose manifest is too large is untrusted, and isn't tried for ever", async () => {
  const scene = silent(/registry\.resolve/, Number.POSITIVE_INFINITY, new BeyondLimit("more than 4 MiB"));
  await scene.push();
  assert.equal(said(scene).at(-1), "completed failure verdict");
});

test("looking back fails a few times, and then rests: whatever happens next is told", async () => {
  const scene = new Scene();
  scene.failure = (_, name) =>
    name === "workflows.readRun" && scene.store.builds[0]?.phase === "done"
      ? { when: "before", error: couldNotLook() }
      : undefined;
  await scene.push();
  assert.deepEqual(outcomesOf(scene), ["done verdict"]);
  assert.equal(said(scene).at(-1), "completed success verdict");
  assert.equal(scene.store.builds[0]?.failures, 0);
});

test("an attempt that GitHub has forgotten again is no attempt", async () => {
  const scene = new Scene();
  scene.github.conclusions = ["failure"];
  await scene.push();
  const [run] = scene.github.runs;
  assert.ok(run);
  scene.github.restart(run);
  scene.tell({ kind: "run-changed", repositoryId: 99, runId: run.id, title: run.title });
  await scene.live(scene.time);
  assert.equal(scene.store.builds[0]?.run?.attempt, 2);
  run.attempt = 1;
  run.isEnded = true;
  await scene.live(scene.time + 3 * MINUTE);
  assert.equal(scene.store.builds[0]?.outcome, undefined);
  run.attempt = 2;
  await scene.live();
  assert.deepEqual(
    scene.store.builds.map(({ round, run }) => [round, run?.attempt]),
    [[2, 2]],
  );
});
