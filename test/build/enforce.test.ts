import assert from "node:assert/strict";
import { test } from "node:test";
import { commitOf } from "../trust/world.ts";
import { MINUTE, type StoredRun } from "./github.ts";
import { askAgain } from "./paths.ts";
import { couldNotLook, policyText, REPOSITORY, Scene } from "./world.ts";

type Mode = "report" | "ratchet" | "strict";

const enforcing = (mode: Mode, rest = "") => `${policyText()}enforce: ${mode}\n${rest}`;

/** What every check run ended with, the oldest first. */
function ends({ github }: Scene): readonly (string | undefined)[] {
  return github.checks.map(({ writes }) => writes.at(-1)?.conclusion);
}

/** The app lies on these, which nobody signed. */
const onUnsigned =
  (scene: Scene, ...names: readonly [string, ...string[]]) =>
  (run: StoredRun) => {
    const [base, ...inputs] = names.map((name) => scene.images.build(name, { signed: "nothing", label: run.ref }));
    return scene.leave(run, { ...(base && { base }), inputs });
  };

/** Pushes another git tag, whose run leaves this. */
async function push(scene: Scene, name: string, work: (run: StoredRun) => unknown): Promise<void> {
  scene.github.work = (run) => work(run);
  scene.github.tag(name, "A");
  scene.time += MINUTE;
  await scene.push(name);
}

async function changed(scene: Scene, text: string): Promise<void> {
  scene.github.policy("repository", text);
  scene.tell({ kind: "policy-pushed", repository: REPOSITORY, kinds: ["repository"] });
  await scene.live();
}

for (const [mode, conclusion] of [
  ["strict", "failure"],
  ["ratchet", "failure"],
  ["report", "success"],
] as const) {
  test(`R35: enforce: ${mode} and a base that nobody signed: ${conclusion}, and the verdict is untrusted`, async () => {
    const scene = new Scene();
    scene.github.policy("repository", enforcing(mode));
    await push(scene, "v1.0.0", onUnsigned(scene, "base"));
    assert.deepEqual(ends(scene), [conclusion]);
    const [build] = scene.store.builds;
    assert.equal(build?.outcome?.kind === "verdict" && build.outcome.verdict, "untrusted");
    const judged = scene.store.judgements.get(`${build?.id} 1`)?.map(({ verdict }) => verdict.outcome);
    assert.deepEqual(judged, ["untrusted"]);
  });
}

test("R9 R35: an image of another run fails where faults are only reported", async () => {
  const scene = new Scene();
  scene.github.policy("repository", enforcing("report"));
  await push(scene, "v1.0.0", (run) => scene.leave({ ...run, id: run.id + 1 }));
  assert.deepEqual(ends(scene), ["failure"]);
});

test("R35: report first, then ratchet: what was there passes, what is new fails, and pushed again it fails again", async () => {
  const scene = new Scene();
  scene.github.policy("repository", enforcing("report"));
  await push(scene, "v1.0.0", onUnsigned(scene, "base"));
  await changed(scene, enforcing("ratchet"));
  assert.deepEqual(ends(scene), ["success", "success"]);
  await push(scene, "v1.1.0", onUnsigned(scene, "base"));
  await push(scene, "v1.2.0", onUnsigned(scene, "base", "more"));
  await push(scene, "v1.3.0", onUnsigned(scene, "base", "more"));
  assert.deepEqual(ends(scene).slice(2), ["success", "failure", "failure"]);
  await push(scene, "v1.4.0", (run) => scene.leave(run));
  await push(scene, "v1.5.0", onUnsigned(scene, "base"));
  assert.deepEqual(ends(scene).slice(5), ["success", "failure"]);
});

test("R2 R35: the organisation's policy fails what the repository's reports, unless it lists enforce", async () => {
  for (const [loosen, conclusion] of [
    ["", "failure"],
    ["loosen: [enforce]\n", "success"],
  ] as const) {
    const scene = new Scene();
    scene.github.policy("repository", enforcing("report"));
    scene.github.policy("organisation", `${policyText({ builds: "  []" })}${loosen}`);
    await push(scene, "v1.0.0", onUnsigned(scene, "base"));
    assert.deepEqual(ends(scene), [conclusion], loosen);
  }
});

test("R26 R35: a git tag that moves after its image passed with reported faults fails it", async () => {
  const scene = new Scene();
  scene.github.policy("repository", enforcing("report"));
  await push(scene, "v1.0.0", onUnsigned(scene, "base"));
  scene.github.tag("v1.0.0", "B");
  await scene.push("v1.0.0", commitOf("A"));
  assert.deepEqual([...ends(scene)].sort(), ["failure", "success", "success"]);
  const late = new Scene();
  late.github.policy("repository", enforcing("report"));
  late.failure = (_, name) => {
    if (name === "store.saveJudgements") late.github.tag("v1.0.0", "B");
    return undefined;
  };
  await push(late, "v1.0.0", onUnsigned(late, "base"));
  assert.deepEqual(ends(late), ["success", "failure"]);
});

test("R15 R35: what could not be looked at beside reported faults is tried again, and doesn't pass", async () => {
  const cutOff = () => {
    const scene = new Scene();
    scene.github.policy("repository", enforcing("report"));
    const tool = scene.images.build("tool");
    const held = new Map(scene.images.manifests);
    for (const key of held.keys()) scene.images.manifests.set(key, couldNotLook());
    scene.github.work = (run) =>
      scene.leave(run, { base: scene.images.build("base", { signed: "nothing" }), inputs: [tool] });
    const restore = () => {
      for (const [key, manifest] of held) scene.images.manifests.set(key, manifest);
    };
    return { scene, restore };
  };
  const gone = cutOff();
  await gone.scene.push();
  assert.deepEqual(ends(gone.scene), ["action_required"]);
  gone.restore();
  gone.scene.tell(askAgain(gone.scene));
  await gone.scene.live();
  assert.deepEqual(ends(gone.scene), ["action_required", "success"]);
  const back = cutOff();
  back.scene.failure = () => {
    if (back.scene.store.builds.some(({ failures }) => failures > 0)) back.restore();
    return undefined;
  };
  await back.scene.push();
  assert.deepEqual(ends(back.scene), ["success"]);
});
