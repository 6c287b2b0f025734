import assert from "node:assert/strict";
import { test } from "node:test";
import { walkAncestry } from "../../src/trust/ancestry.ts";
import { judgeNode } from "../../src/trust/judge-node.ts";
import { CouldNotLook } from "../../src/trust/ports.ts";
import { AS_OF, type BuildOptions, type Json, layerOf, policyOf, put, told, World } from "./world.ts";

const LAYERS = "runDetails.metadata.buildkit_metadata.layers";
const COMPLETE = "runDetails.metadata.buildkit_completeness.resolvedDependencies";

test("R21 a base whose layers don't lie under the image is a fault", async () => {
  const world = new World();
  const base = world.build("base");
  const other = world.build("other", { layers: ["other"] });
  const app = world.build("app", { base: { ...other, layers: base.layers } });
  assert.equal(told(await world.judge(app.image)), "untrusted layers-mismatch");
});

test("R21 the base's own layers must match for the platform of the image", async () => {
  const world = new World();
  const arm = world.build("base", { platform: "linux/arm64", layers: ["arm"] });
  const amd = world.build("base", { layers: ["amd"] });
  const app = world.build("app", { base: { ...arm, layers: amd.layers }, platform: "linux/amd64" });
  assert.equal(told(await world.judge(app.image)), "untrusted layers-mismatch");
});

test("R21 a base under recompressed layers caps the level at 1", async () => {
  for (const mode of ["max", "min"] as const) {
    const world = new World();
    const base = world.build("base", { layers: ["a"] });
    const app = world.build("app", { base: { ...base, layers: [layerOf("a", "zstd")] }, mode });
    const verdict = await world.judge(app.image);
    assert.equal(told(verdict), "trusted");
    assert.deepEqual([verdict.nodes[0]?.seam, verdict.nodes[0]?.level], ["claimed", 1]);
  }
});

/** A base of no layers, and an image on it. */
function onEmptyBase(world: World, options: BuildOptions) {
  const nothing = (predicate: Json) => {
    put(predicate, "buildDefinition.internalParameters.buildConfig.llbDefinition", [
      {
        id: "step0",
        op: { Op: { file: { actions: [{ Action: { mkdir: {} }, input: -1, secondaryInput: -1, output: 0 }] } } },
      },
      { id: "step1", inputs: ["step0:0"], op: { Op: {} } },
    ]);
    put(predicate, LAYERS, undefined);
  };
  const empty = world.build("empty", { layers: [], edit: nothing });
  return world.build("app", { base: empty, ...options });
}

test("R21 on a base without layers the build's own layer map must explain them all", async () => {
  const good = new World();
  const verdict = await good.judge(onEmptyBase(good, {}).image);
  assert.deepEqual([told(verdict), verdict.nodes[0]?.seam], ["trusted", "proven"]);
  const bad = new World();
  assert.equal(told(await bad.judge(onEmptyBase(bad, { hidden: ["backdoor"] }).image)), "untrusted layers-mismatch");
});

test("R21 on a base without layers, and without a layer map, the seam is a claim", async () => {
  const world = new World();
  const verdict = await world.judge(
    onEmptyBase(world, { edit: (predicate) => put(predicate, LAYERS, undefined) }).image,
  );
  assert.deepEqual([told(verdict), verdict.nodes[0]?.seam, verdict.nodes[0]?.level], ["trusted", "claimed", 1]);
});

test("R21 a base without layers can't be found in a list alone", async () => {
  const world = new World();
  assert.equal(told(await world.judge(onEmptyBase(world, { mode: "min" }).image)), "untrusted list-only");
});

test("R16 with the list alone the longest prefix is the base and the rest are inputs", async () => {
  const world = new World();
  const grand = world.build("grand");
  const base = world.build("base", { base: grand });
  const tool = world.build("tool");
  const app = world.build("app", { base, inputs: [grand, tool], mode: "min" });
  const [subject] = (await world.judge(app.image)).nodes;
  assert.deepEqual(subject?.parents.map(({ role, to }) => `${role} ${to.split("@")[0]}`).sort(), [
    "base ghcr.io/acme/base",
    "input ghcr.io/acme/grand",
    "input ghcr.io/acme/tool",
  ]);
});

test("R16 with the list alone an input that can't be read leaves it open which is the base", async () => {
  const world = new World();
  const base = world.build("base");
  const app = world.build("app", { base, mode: "min" });
  world.hide(base.image);
  assert.equal(told(await world.judge(app.image)), "undetermined network");
});

test("R16 with the list alone a place that couldn't be looked at leaves it open too", async () => {
  const world = new World();
  const app = world.build("app", { mode: "min", inputs: [world.build("tool")] });
  assert.equal(told(await world.judge(app.image)), "untrusted list-only");
  world.failures.set(`ghcr.io/acme/app@${app.manifest.digest}`, new CouldNotLook("timeout", "slow"));
  assert.equal(told(await world.judge(app.image)), "undetermined timeout");
});

test("R16 steps whose base isn't among the parents leave the image opaque", async () => {
  const world = new World();
  const base = world.build("base");
  const edit = (predicate: Json) => {
    put(
      predicate,
      "buildDefinition.internalParameters.buildConfig.llbDefinition.0.op.Op.source.identifier",
      "local://context",
    );
    put(predicate, COMPLETE, true);
  };
  assert.equal(told(await world.judge(world.build("app", { base, edit }).image)), "untrusted base-unknown");
});

test("R19 a parent that is only pinned caps the level at 1", async () => {
  const world = new World();
  const tool = world.build("tool", { signed: "nothing" });
  const app = world.build("app", { base: world.build("base"), inputs: [tool], pinned: true });
  const verdict = await world.judge(app.image, { policy: policyOf({ trust: "  roles: { inputs: pinned }" }) });
  assert.equal(told(verdict), "trusted");
  assert.equal(verdict.level, 1);
});

test("R16 with the list alone a frontend isn't taken for the base, whatever its layers", async () => {
  const world = new World();
  const frontend = world.build("frontend");
  const app = world.build("app", { frontend, layers: ["frontend-layer", "app-layer"], mode: "min" });
  assert.equal(told(await world.judge(app.image)), "untrusted list-only");
  const based = world.build("based", { base: frontend, mode: "min" });
  assert.equal(told(await world.judge(based.image)), "trusted");
});

test("an image whose base is known and isn't among its parents is opaque", async () => {
  const world = new World();
  const app = world.build("app", { base: world.build("base") });
  const ancestry = await walkAncestry(world.ports(), policyOf(), app.image, "every", AS_OF);
  const [subject] = ancestry.nodes.values();
  assert.ok(subject);
  assert.equal(judgeNode(ancestry, subject).finding.kind, "attested");
  const links = subject.links.map((link) => ({ ...link, role: "input" as const }));
  assert.deepEqual(judgeNode(ancestry, { ...subject, links }).finding.kind, "opaque");
});
