import assert from "node:assert/strict";
import { test } from "node:test";
import type { Happening } from "../../src/build/happening.ts";
import { respond } from "../../src/build/respond.ts";
import { MINUTE, type StoredRun } from "./github.ts";
import { askAgain } from "./paths.ts";
import { couldNotLook, Scene } from "./world.ts";

/** How every check run ended. */
function ends(scene: Scene): readonly string[] {
  return scene.github.checks.map(({ writes }) => [writes.at(-1)?.conclusion, writes.at(-1)?.title].join(" "));
}

function runOf(scene: Scene): StoredRun {
  const [run] = scene.github.runs;
  assert.ok(run);
  return run;
}

/** GitHub tells that a run has changed. */
function changed({ id, title }: Pick<StoredRun, "id" | "title">): Happening {
  return { kind: "run-changed", repositoryId: 99, runId: id, title };
}

/** Someone starts the run again, and GitHub tells. */
async function restart(scene: Scene, conclusion = "success"): Promise<void> {
  scene.github.restart(runOf(scene), conclusion);
  scene.tell(changed(runOf(scene)));
  await scene.live();
}

test("R9: a new attempt of the run is judged anew, in a check run of its own", async () => {
  const scene = new Scene();
  await scene.push();
  const first = structuredClone(scene.github.checks[0]);
  await restart(scene);
  assert.deepEqual(scene.github.checks[0], first);
  assert.deepEqual(ends(scene), ["success verdict", "success verdict"]);
  const [build] = scene.store.builds;
  assert.deepEqual([build?.round, build?.run?.attempt, scene.github.checks[1]?.externalId], [2, 2, `${build?.id}.2`]);
  const [one, two] = [1, 2].map(
    (round) => scene.store.judgements.get(`${build?.id} ${round}`)?.[0]?.verdict.image.digest,
  );
  assert.ok(one !== undefined && two !== undefined && one !== two);
});

test("R9: after a new attempt the image of the old one is refused", async () => {
  const scene = new Scene();
  await scene.push();
  scene.github.work = () => {};
  await restart(scene);
  assert.deepEqual(ends(scene), ["success verdict", "failure verdict"]);
  const [build] = scene.store.builds;
  const [judged] = scene.store.judgements.get(`${build?.id} 2`) ?? [];
  assert.deepEqual(
    judged?.verdict.faults.map(({ code }) => code),
    ["other-run"],
  );
});

test("R9: an attempt that fails after a trusted one says so, and takes nothing back", async () => {
  const scene = new Scene();
  await scene.push();
  await restart(scene, "failure");
  assert.deepEqual(ends(scene), ["success verdict", "failure build-failed"]);
});

test("R9: a run that is started again while it is followed is judged as its newest attempt", async () => {
  const scene = new Scene();
  scene.tell(scene.pushed());
  await scene.live(scene.time + 2 * MINUTE);
  scene.github.restart(runOf(scene));
  await scene.live();
  assert.deepEqual(ends(scene), ["success verdict"]);
  assert.equal(scene.store.builds[0]?.run?.attempt, 2);
});

test("R9: an attempt that was started while the one before was judged is judged afterwards", async () => {
  const scene = new Scene();
  let isRestarted = false;
  scene.failure = (_, name) => {
    if (name === "registry.resolve" && !isRestarted) {
      isRestarted = true;
      scene.github.restart(runOf(scene));
      scene.tell(changed(runOf(scene)));
      return { when: "before", error: couldNotLook() };
    }
    return undefined;
  };
  await scene.push();
  assert.deepEqual(ends(scene), ["success verdict", "success verdict"]);
  assert.deepEqual(
    scene.store.builds.map(({ round, run }) => [round, run?.attempt]),
    [[2, 2]],
  );
});

test("told of an attempt that is known, nothing changes", async () => {
  const scene = new Scene();
  await scene.push();
  for (let i = 0; i < 3; i++) {
    scene.tell(changed(runOf(scene)));
    await scene.live();
  }
  assert.deepEqual(ends(scene), ["success verdict"]);
});

for (const [conclusion, end] of [
  ["failure", "failure build-failed"],
  ["timed_out", "failure build-failed"],
  ["startup_failure", "failure build-failed"],
  ["action_required", "failure build-failed"],
  ["neutral", "failure build-failed"],
  ["skipped", "failure build-failed"],
  ["stale", "failure build-failed"],
  ["a word that GitHub adds later", "failure build-failed"],
  ["cancelled", "cancelled cancelled"],
] as const) {
  test(`a run that ends with ${conclusion} ends as ${end}, and nothing is judged`, async () => {
    const scene = new Scene();
    scene.github.conclusions = [conclusion];
    await scene.push();
    assert.deepEqual(ends(scene), [end]);
    assert.equal(scene.store.judgements.size, 0);
    assert.ok(!scene.calls.includes("registry.resolve"));
  });
}

for (const [where, present] of [
  ["the default branch", ["trusted-builds.yml refs/tags/v1.0.0"]],
  ["the tag", ["trusted-builds.yml default-branch"]],
] as const) {
  test(`a workflow that isn't on ${where} is told, and nothing is started`, async () => {
    const scene = new Scene();
    scene.github.workflowAt = present;
    await scene.push();
    assert.deepEqual(ends(scene), ["failure no-workflow"]);
    assert.deepEqual(scene.github.dispatched, []);
  });
}

test("a failed build shows the end of the log, and one without a log says none", async () => {
  for (const log of ["step 7: exit 1", undefined]) {
    const scene = new Scene();
    scene.github.conclusions = ["failure"];
    scene.github.log = log;
    await scene.push();
    const [build] = scene.store.builds;
    assert.deepEqual(build?.outcome, { kind: "build-failed", conclusion: "failure", log });
  }
});

for (const [outcome, conclusions] of [
  ["failed", ["failure", "success"]],
  ["was cancelled", ["cancelled", "success"]],
] as const) {
  test(`asked for again, a run that ${outcome} is started again, once`, async () => {
    const scene = new Scene();
    scene.github.conclusions = [...conclusions];
    await scene.push();
    const again = askAgain(scene);
    for (let i = 0; i < 3; i++) scene.tell(again);
    await scene.live();
    assert.deepEqual(scene.github.reruns, [runOf(scene).id]);
    assert.equal(ends(scene).at(-1), "success verdict");
    assert.equal(scene.github.dispatched.length, 1);
  });
}

test("asked for again, a run that somebody has started again already is followed, and not started a third time", async () => {
  const scene = new Scene();
  scene.github.conclusions = ["failure"];
  await scene.push();
  scene.github.restart(runOf(scene));
  scene.tell(askAgain(scene));
  await scene.live();
  assert.deepEqual(scene.github.reruns, []);
  assert.deepEqual(ends(scene), ["failure build-failed", "success verdict"]);
});

test("asked for again, an attempt that failed unseen is told, and no third one is started", async () => {
  const scene = new Scene();
  scene.github.conclusions = ["failure"];
  await scene.push();
  scene.github.restart(runOf(scene), "failure");
  scene.time += 30 * MINUTE;
  scene.tell(askAgain(scene));
  await scene.live();
  assert.deepEqual(scene.github.reruns, []);
  assert.deepEqual(ends(scene), ["failure build-failed", "failure build-failed"]);
});

for (const [what, spoil] of [
  ["was deleted", (scene: Scene) => void scene.github.runs.splice(0, 1)],
  [
    "GitHub starts no more",
    (scene: Scene) => {
      scene.github.rerunRefusal = "over a month ago";
    },
  ],
] as const) {
  test(`asked for again, a build whose run ${what} gets another run`, async () => {
    const scene = new Scene();
    scene.github.conclusions = ["failure", "success"];
    await scene.push();
    spoil(scene);
    scene.time += 60 * MINUTE;
    scene.tell(askAgain(scene));
    await scene.live();
    assert.deepEqual(ends(scene), ["failure build-failed", "success verdict"]);
    assert.equal(scene.github.dispatched.length, 2);
    assert.deepEqual(
      scene.store.builds.map(({ run }) => run?.attempt),
      [1],
    );
  });
}

test("asked for again, a build that couldn't be started is tried again", async () => {
  const scene = new Scene();
  scene.github.refusal = "422: the workflow is disabled";
  await scene.push();
  assert.deepEqual(ends(scene), ["failure no-workflow"]);
  scene.github.refusal = undefined;
  scene.time += 10 * MINUTE;
  scene.tell(askAgain(scene));
  await scene.live();
  assert.deepEqual(ends(scene), ["failure no-workflow", "success verdict"]);
});

test("asked for again, a run that nobody could follow to its end is followed before anything is judged", async () => {
  const scene = new Scene();
  const end = scene.time + 60 * MINUTE;
  scene.failure = (_, name) =>
    name === "workflows.readRun" && scene.time < end ? { when: "before", error: couldNotLook() } : undefined;
  await scene.push();
  assert.deepEqual(ends(scene), ["action_required undetermined"]);
  scene.time = end;
  const run = runOf(scene);
  run.startedAt = scene.time;
  scene.tell(askAgain(scene));
  await scene.live();
  assert.deepEqual(ends(scene), ["action_required undetermined", "success verdict"]);
  assert.equal(scene.github.dispatched.length, 1);
});

test("asked for again about a check run of a round that is over, nothing happens", async () => {
  const scene = new Scene();
  await scene.push();
  await restart(scene);
  scene.tell(askAgain(scene, 0));
  await scene.live();
  assert.deepEqual(ends(scene), ["success verdict", "success verdict"]);
});

test("asked for again about a check run of somebody else, or of another repository, nothing happens", async () => {
  const scene = new Scene();
  await scene.push();
  scene.tell({ ...askAgain(scene), checkRun: 7, externalId: "7" });
  scene.tell({ ...askAgain(scene), repositoryId: 98 });
  await scene.live();
  assert.deepEqual(ends(scene), ["success verdict"]);
});

test("asked for again before it has ended, a check run goes on", async () => {
  const scene = new Scene();
  scene.tell(scene.pushed());
  await scene.live(scene.time + MINUTE);
  scene.tell(askAgain(scene));
  await scene.live();
  assert.deepEqual(ends(scene), ["success verdict"]);
  assert.equal(scene.github.dispatched.length, 1);
});

test("of two runs with the build's id in their titles the first is followed, and the other never", async () => {
  const scene = new Scene();
  scene.github.isGhes = true;
  scene.tell(scene.pushed());
  await scene.live(scene.time);
  const run = runOf(scene);
  const other = scene.github.start(run.title, run.file, run.ref, run.request);
  for (const each of [other, run, other]) {
    scene.tell(changed(each));
    await scene.live(scene.time);
  }
  assert.equal(scene.store.builds[0]?.run?.id, run.id);
  scene.github.work = (each) => void (each.id === run.id && scene.leave(each));
  await scene.live();
  scene.tell(changed(other));
  await scene.live();
  assert.deepEqual(ends(scene), ["success verdict"]);
  assert.equal(scene.store.builds[0]?.run?.id, run.id);
});

test("an event about a run wakes the build that waits for it", async () => {
  const scene = new Scene();
  scene.github.isGhes = true;
  scene.github.listingMs = 10_000;
  const start = scene.time;
  scene.tell(scene.pushed());
  await scene.live(start);
  assert.equal(scene.store.builds[0]?.phase, "requested");
  scene.time += 20_000;
  scene.tell(changed(runOf(scene)));
  await scene.live(scene.time);
  assert.equal(scene.store.builds[0]?.phase, "dispatched");
});

test("an event about a run wakes the build that it may be of, and no other", async () => {
  const scene = new Scene();
  scene.github.isGhes = true;
  const answer = (happening: Happening) => respond(scene.ports(), happening);
  await answer(scene.pushed());
  const [waiting] = scene.store.builds;
  assert.ok(waiting);
  const event = { kind: "run-changed", repositoryId: 99, runId: 7, title: `Trusted build ${waiting.id}` } as const;
  assert.deepEqual(await answer(event), [waiting.id]);
  assert.deepEqual(await answer({ ...event, repositoryId: 98 }), []);
  assert.deepEqual(await answer({ ...event, title: "Trusted build of nothing" }), []);
  assert.deepEqual(await answer({ ...event, title: "Trusted build 11111111-1111-4111-8111-111111111111" }), []);
  await scene.live();
  assert.deepEqual(await answer(event), []);
  assert.deepEqual(await answer({ ...event, runId: runOf(scene).id }), [waiting.id]);
});
