import assert from "node:assert/strict";
import { test } from "node:test";
import { layerOf, policyOf, World, written } from "./world.ts";

test("R29 counts every image below the one asked about once, at its level", async () => {
  const world = new World();
  const base = world.build("base", { layers: ["a"] });
  const runtime = world.build("runtime", { base, mode: "min" });
  const app = world.build("app", { base: runtime, inputs: [base] });
  const verdict = await world.judge(app.image);
  assert.deepEqual(
    [verdict.outcome, verdict.levels, verdict.dependencyLevels],
    ["trusted", { 2: 1, 3: 2 }, { SLSA_BUILD_LEVEL_2: 1, SLSA_BUILD_LEVEL_3: 1 }],
  );
  assert.deepEqual((await world.judge(base.image)).dependencyLevels, {});
});

test("R29 counts an image that is reached by two names once, at the better of its levels", async () => {
  const world = new World();
  const base = world.build("base", { layers: ["a"] });
  const again = { ...base, image: world.index("base", [{ image: base.manifest, platform: written(base.platform) }]) };
  const app = world.build("app", { base: world.build("runtime", { base }), inputs: [again] });
  const verdict = await world.judge(app.image);
  assert.equal(verdict.nodes.length, 4);
  assert.deepEqual([verdict.outcome, verdict.dependencyLevels], ["trusted", { SLSA_BUILD_LEVEL_3: 2 }]);
});

test("R29 what isn't attested counts at level 0, and what isn't judged at none: it wasn't looked at", async () => {
  const world = new World();
  const base = world.build("base", { signed: "nothing" });
  // Good as it is, nobody has looked at it.
  const tool = world.build("tool");
  const app = world.build("app", { base, inputs: [tool] });
  const root = `  roots: [{ image: "ghcr.io/acme/base@${base.image.digest}", reason: r, expires: 2099-01-01 }]`;
  const verdict = await world.judge(app.image, {
    policy: policyOf({ trust: `${root}\n  roles: { inputs: allow }` }),
  });
  assert.deepEqual(
    [verdict.outcome, verdict.dependencyLevels],
    ["trusted", { SLSA_BUILD_LEVEL_UNEVALUATED: 1, SLSA_BUILD_LEVEL_0: 1 }],
  );
});

test("R29 what couldn't be looked at has no level, and level 0 is what was found of the rest", async () => {
  const world = new World();
  const [hidden, bare] = [world.build("hidden"), world.build("bare", { signed: "nothing" })];
  const app = world.build("app", { base: bare, inputs: [hidden] });
  world.hide(hidden.image);
  const verdict = await world.judge(app.image);
  assert.deepEqual(
    [verdict.outcome, verdict.dependencyLevels],
    ["untrusted", { SLSA_BUILD_LEVEL_UNEVALUATED: 1, SLSA_BUILD_LEVEL_0: 1 }],
  );
});

test("R29 each platform has its own, and an image of the same index is none unless it went in", async () => {
  const world = new World();
  const bare = { signed: "provenance-without-index" } as const;
  const base = world.build("base", { layers: ["a"], mode: "max" });
  const amd = world.build("app", { base, ...bare });
  const arm = world.build("app", { layers: ["arm"], platform: "linux/arm64", ...bare });
  const index = world.index(
    "app",
    [amd, arm].map(({ manifest, platform }) => ({ image: manifest, platform: written(platform) })),
  );
  const verdict = await world.judge(index);
  assert.deepEqual([verdict.outcome, verdict.dependencyLevels], ["trusted", { SLSA_BUILD_LEVEL_3: 1 }]);
  assert.deepEqual(
    verdict.platforms.map(({ dependencyLevels }) => dependencyLevels),
    [{ SLSA_BUILD_LEVEL_3: 1 }, {}],
  );
});

test("R29 the level is the lowest of policy, image and every ancestor", async () => {
  const world = new World();
  const base = world.build("base", { layers: ["a"] });
  const recompressed = { ...base, layers: [layerOf("a", "zstd")] };
  const { image } = world.build("app", { base: recompressed });
  assert.equal((await world.judge(image)).level, 1);
  assert.equal((await world.judge(base.image)).level, 3);
  const granting = (level: number) => {
    const { builders, ...policy } = policyOf();
    return { ...policy, builders: builders.map((builder) => ({ ...builder, level })) };
  };
  assert.equal((await world.judge(base.image, { policy: granting(2) })).level, 2);
  assert.equal((await world.judge(base.image, { policy: granting(0) })).level, 0);
});
