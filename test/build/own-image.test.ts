import assert from "node:assert/strict";
import { test } from "node:test";
import { respond } from "../../src/build/respond.ts";
import { BeyondLimit } from "../../src/trust/ports.ts";
import { commitOf } from "../trust/world.ts";
import { MINUTE, type StoredRun } from "./github.ts";
import { askAgain } from "./paths.ts";
import { policyText, Scene, ZEROS } from "./world.ts";

const [A, B] = [commitOf("A"), commitOf("B")];

/** How every check run ended, and which faults were found in each round of each build. */
function ends(scene: Scene): readonly string[] {
  return scene.github.checks.map(({ externalId, writes }) => {
    const [id = "", round = "1"] = externalId.split(".");
    const judged = scene.store.judgements.get(`${id} ${round}`) ?? [];
    const codes = judged.flatMap(({ verdict }) => verdict.faults.map(({ code }) => code));
    return [writes.at(-1)?.conclusion, ...codes].join(" ");
  });
}

/** The end of a push whose run leaves something else than it should. */
async function leaving(work: (scene: Scene, run: StoredRun) => void): Promise<readonly string[]> {
  const scene = new Scene();
  scene.github.work = (run) => work(scene, run);
  await scene.push();
  return ends(scene);
}

test("R9: the image of the run that was started is trusted", async () => {
  assert.deepEqual(await leaving((scene, run) => scene.leave(run)), ["success"]);
});

for (const [what, work, code] of [
  ["of another run", (scene, run) => scene.leave({ ...run, id: run.id + 1 }), "other-run"],
  ["of another attempt", (scene, run) => scene.leave({ ...run, attempt: 2 }), "other-run"],
  ["of another commit", (scene, run) => scene.leave({ ...run, commit: B }), "other-commit"],
  ["of another git tag", (scene, run) => scene.leave({ ...run, ref: "refs/tags/v2.0.0" }), "other-ref"],
  [
    "of another repository",
    (scene, run) => scene.leave(run, {}, { sourceRepositoryIdentifier: "98" }),
    "repository-id",
  ],
  ["of another owner", (scene, run) => scene.leave(run, {}, { sourceRepositoryOwnerIdentifier: "1" }), "owner-id"],
  [
    "of another builder",
    (scene, run) =>
      scene.leave(run, {}, { buildSignerUri: "https://github.com/acme/evil/.github/workflows/build.yml@refs/tags/v1" }),
    "workflow",
  ],
  ["that nobody signed", (scene, run) => scene.leave(run, { signed: "nothing" }), "unattested"],
] as const satisfies readonly (readonly [string, (scene: Scene, run: StoredRun) => unknown, string])[]) {
  test(`R9: an image ${what} under the tag is untrusted`, async () => {
    assert.deepEqual(await leaving(work), [`failure ${code}`]);
  });
}

test("R9: a request that isn't policy's is refused, though the run is the right one", async () => {
  const scene = new Scene();
  scene.github.policy("repository", policyText({ builds: "  - image: ghcr.io/acme/app\n    target: release" }));
  await scene.push();
  assert.deepEqual(ends(scene), ["failure parameters"]);
});

test("R9: a run that leaves nothing under the tag is untrusted, and says so", async () => {
  assert.deepEqual(await leaving(() => {}), ["failure tag-not-found"]);
});

test("R9: what a run left under another tag of the image isn't taken", async () => {
  const scene = new Scene();
  scene.github.work = (run) => scene.leave({ ...run, request: { ...run.request, tags: ["latest"] } });
  await scene.push();
  assert.deepEqual(ends(scene), ["failure tag-not-found"]);
});

test("R26: of several tags of the image the first is judged", async () => {
  const scene = new Scene();
  const builds = '  - image: ghcr.io/acme/app\n    image-tags: ["{version}", latest]';
  scene.github.policy("repository", policyText({ builds }));
  scene.github.work = (run) => {
    scene.leave({ ...run, id: run.id + 1 });
    scene.leave({ ...run, request: { ...run.request, tags: ["1.0.0"] } });
  };
  await scene.push();
  assert.deepEqual(ends(scene), ["success"]);
});

test("R26: a git tag that moves while its image is built turns the verdict", async () => {
  const scene = new Scene();
  scene.tell(scene.pushed());
  await scene.live(scene.time + 2 * MINUTE);
  scene.github.tag("v1.0.0", "B");
  await scene.live();
  assert.deepEqual(ends(scene), ["failure git-tag-moved"]);
});

test("R26: a git tag that moves after its image was judged turns the verdict in a check run of its own", async () => {
  const scene = new Scene();
  await scene.push();
  const [first] = scene.github.checks;
  const before = structuredClone(first);
  scene.github.tag("v1.0.0", "B");
  await scene.push("v1.0.0", A);
  assert.deepEqual(first, before);
  assert.deepEqual([...ends(scene)].sort(), ["failure git-tag-moved", "success", "success"]);
  const [old] = scene.store.builds;
  assert.deepEqual([old?.round, old?.key.commit, old?.digest !== undefined], [2, A, true]);
  const turned = scene.github.checks.find(({ externalId }) => externalId === `${old?.id}.2`);
  assert.equal(turned?.commit, A);
});

test("R26: told of the same move again and again, the verdict turns once", async () => {
  const scene = new Scene();
  await scene.push();
  scene.github.tag("v1.0.0", "B");
  for (let i = 0; i < 3; i++) await scene.push("v1.0.0", A);
  assert.equal(scene.github.checks.length, 3);
  assert.deepEqual(await respond(scene.ports(), scene.pushed("v1.0.0", A)), []);
});

test("R26: a git tag that moves between the judging and the telling turns the verdict", async () => {
  const scene = new Scene();
  let isMoved = false;
  scene.failure = (_, name) => {
    if (name === "store.saveJudgements" && !isMoved) {
      isMoved = true;
      scene.github.tag("v1.0.0", "B");
      scene.tell(scene.pushed("v1.0.0", A));
    }
    return undefined;
  };
  await scene.push();
  assert.deepEqual([...ends(scene)].sort(), ["failure git-tag-moved", "success", "success"]);
});

test("R26: a git tag that was moved without an event is found by looking, and turns the verdict", async () => {
  const scene = new Scene();
  await scene.push();
  scene.github.tag("v1.0.0", "B");
  await scene.push("v1.0.0", undefined);
  assert.deepEqual([...ends(scene)].sort(), ["failure git-tag-moved", "success", "success"]);
});

test("R26: a git tag that moves away and back leaves the verdict on its commit", async () => {
  const scene = new Scene();
  await scene.push();
  scene.github.tag("v1.0.0", "B");
  scene.tell(scene.pushed("v1.0.0", A));
  scene.github.tag("v1.0.0", "A");
  scene.tell(scene.pushed("v1.0.0", B));
  await scene.live();
  assert.ok(ends(scene).every((end) => end === "success"));
});

test("R26: a deleted git tag says nothing else than before", async () => {
  const scene = new Scene();
  scene.tell(scene.pushed());
  await scene.live(scene.time + 2 * MINUTE);
  scene.github.tags.clear();
  await scene.push("v1.0.0", A);
  assert.deepEqual(ends(scene), ["success"]);
});

test("R26: a git tag that becomes a tag of tags without end turns the verdict", async () => {
  const scene = new Scene();
  await scene.push();
  scene.github.tags.set("refs/tags/v1.0.0", new BeyondLimit("more than 5 tags of tags"));
  scene.tell(askAgain(scene));
  await scene.live();
  assert.deepEqual(ends(scene), ["success", "failure git-tag-moved"]);
});

test("R26: annotated anew at the same commit, a tag turns no verdict, however often it is told", async () => {
  const scene = new Scene();
  await scene.push();
  scene.github.tag("v1.0.0", "A", "a tag object");
  for (let i = 0; i < 3; i++) await scene.push("v1.0.0", A);
  assert.deepEqual(ends(scene), ["success", "success"]);
  assert.deepEqual(
    scene.store.builds.map(({ round }) => round),
    [1, 1],
  );
});

for (const [what, move] of [
  ["moved", (scene: Scene) => scene.github.tag("v1.0.0", "B")],
  ["was deleted", (scene: Scene) => scene.github.tags.clear()],
] as const) {
  test(`R26: a tag that ${what} before its build was started isn't built under the name of what it was`, async () => {
    const scene = new Scene();
    const end = scene.time + 1;
    scene.failure = (_, name) => {
      if (name === "checkRuns.create") move(scene);
      return undefined;
    };
    scene.tell(scene.pushed());
    await scene.live(end);
    const [build] = scene.store.builds;
    assert.deepEqual([build?.outcome?.kind, scene.github.dispatched], ["no-workflow", []]);
    assert.equal(scene.github.checks[0]?.writes.at(-1)?.conclusion, "failure");
  });
}

test("R9: asked for again, what was judged is judged, whatever stands under the tag by now", async () => {
  const scene = new Scene();
  await scene.push();
  const [run] = scene.github.runs;
  assert.ok(run);
  scene.leave({ ...run, id: run.id + 1 });
  scene.tell(askAgain(scene));
  await scene.live();
  assert.deepEqual(ends(scene), ["success", "success"]);
  assert.deepEqual(scene.github.dispatched.length, 1);
  scene.github.tag("v1.1.0", "B");
  await scene.push("v1.1.0", ZEROS);
  assert.equal(scene.github.checks.length, 3);
});
