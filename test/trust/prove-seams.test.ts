import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../src/image/digest.ts";
import { BeyondLimit, CouldNotLook } from "../../src/trust/ports.ts";
import { type Built, bytesOf, layerOf, policyOf, told, World } from "./world.ts";

const GIB = 1024 ** 3;

/** A base of two layers, and an image whose copies of them were compressed anew. */
function recompressed(options: { readonly mode?: "max" | "min" } = {}) {
  const world = new World();
  const base = world.build("base", { layers: ["a", "b"] });
  const again = [layerOf("a", "zstd"), layerOf("b", "zstd")];
  const app = world.build("app", { base: { ...base, layers: again }, layers: ["own"], ...options });
  world.holds([...base.layers, ...app.layers]);
  return { world, base, app, again };
}

const other = digestOf(bytesOf("something else"));

async function seamOf(world: World, { image }: Built) {
  const verdict = await world.judge(image);
  const [subject] = verdict.nodes;
  return { told: told(verdict), seam: subject?.seam, level: subject?.level, warnings: subject?.warnings ?? [] };
}

test("R21 recompressed layers that hold what both configs say prove the seam", async () => {
  for (const mode of ["max", "min"] as const) {
    const { world, app } = recompressed({ mode });
    const { level, ...rest } = await seamOf(world, app);
    assert.deepEqual(rest, { told: "trusted", seam: "proven", warnings: [] });
    assert.equal(level, mode === "max" ? 3 : 2);
  }
});

test("R21 a child that copies its base's diff_ids over other layers is told by what these hold", async () => {
  for (const mode of ["max", "min"] as const) {
    const { world, app, again } = recompressed({ mode });
    world.layers?.set(again[1]!.digest, { kind: "unpacked", contentDigest: other, size: 1 });
    assert.equal((await seamOf(world, app)).told, "untrusted diff-id-mismatch");
  }
});

test("R21 a base whose layers hold something else than its config says lies under nothing", async () => {
  const { world, base, app } = recompressed();
  world.layers?.set(base.layers[0]!.digest, { kind: "unpacked", contentDigest: other, size: 1 });
  assert.equal((await seamOf(world, app)).told, "untrusted diff-id-mismatch");
});

test("R21 a layer that nobody can unpack doesn't hold what a config says", async () => {
  const { world, app, again } = recompressed();
  world.layers?.set(again[0]!.digest, { kind: "broken", reason: "cut off" });
  assert.equal((await seamOf(world, app)).told, "untrusted diff-id-mismatch");
});

test("R21 a layer of the image that isn't there is a fault, and one of its base leaves a claim", async () => {
  const own = recompressed();
  own.world.layers?.delete(own.again[0]!.digest);
  assert.equal((await seamOf(own.world, own.app)).told, "untrusted layer-not-found");
  const below = recompressed();
  below.world.layers?.delete(below.base.layers[0]!.digest);
  const { told: outcome, seam, level } = await seamOf(below.world, below.app);
  assert.deepEqual([outcome, seam, level], ["trusted", "claimed", 1]);
});

test("R21 what can't be looked into leaves a claim, level 1, and says why", async () => {
  for (const fact of [{ kind: "unknown", reason: "encrypted" } as const, new BeyondLimit("it holds more than that")]) {
    const { world, app, again } = recompressed();
    world.layers?.set(again[0]!.digest, fact);
    const { warnings, ...rest } = await seamOf(world, app);
    assert.deepEqual(rest, { told: "trusted", seam: "claimed", level: 1 });
    assert.equal(warnings.length, 1);
  }
});

test("R21 a layer that couldn't be looked at leaves the verdict undetermined, whosever it is", async () => {
  const own = recompressed();
  own.world.layers?.set(own.again[0]!.digest, new CouldNotLook("server-error", "no"));
  assert.equal((await seamOf(own.world, own.app)).told, "undetermined server-error");
  const below = recompressed();
  below.world.layers?.set(below.base.layers[0]!.digest, new CouldNotLook("rate-limited", "no"));
  assert.equal((await seamOf(below.world, below.app)).told, "undetermined rate-limited");
});

test("R21 a lie outweighs a layer that can't be looked into, and one that couldn't", async () => {
  for (const beside of [new BeyondLimit("large"), new CouldNotLook("network", "no")]) {
    const { world, base, app, again } = recompressed();
    world.layers?.set(base.layers[0]!.digest, beside);
    world.layers?.set(again[1]!.digest, { kind: "unpacked", contentDigest: other, size: 1 });
    assert.equal((await seamOf(world, app)).told, "untrusted diff-id-mismatch");
  }
});

test("R21 of one image at most 2 GiB are unpacked", async () => {
  const { world, app, base, again } = recompressed();
  world.holds(again, 1.5 * GIB);
  await seamOf(world, app);
  const limits = (layers: Built["layers"]) =>
    layers.map(({ digest }) => world.unpacked.find((each) => each.digest === digest)?.limit);
  assert.deepEqual(limits(again), [2 * GIB, 0.5 * GIB]);
  assert.deepEqual(limits(base.layers), [2 * GIB, 2 * GIB - 100]);
});

test("R21 no layer is looked into where the bytes are the same, or the verdict doesn't rest on it", async () => {
  const world = new World();
  const base = world.build("base");
  const app = world.build("app", { base });
  world.holds([]);
  assert.equal(told(await world.judge(app.image)), "trusted");
  const bad = recompressed();
  const tool = bad.world.build("tool", { signed: "nothing" });
  const with_ = bad.world.build("with", { base: { ...bad.base, layers: bad.again }, inputs: [tool] });
  assert.equal(told(await bad.world.judge(with_.image)), "untrusted unattested");
  assert.deepEqual([...world.unpacked, ...bad.world.unpacked], []);
});

test("R21 layers of a root are looked into as those of any base", async () => {
  const world = new World();
  const base = world.build("base", { layers: ["a"], signed: "nothing" });
  const again = [layerOf("a", "zstd")];
  const app = world.build("app", { base: { ...base, layers: again } });
  world.holds([...base.layers, ...app.layers]);
  world.layers?.set(again[0]!.digest, { kind: "unpacked", contentDigest: other, size: 1 });
  const roots = `  roots: [{ image: "ghcr.io/acme/base@${base.image.digest}", reason: "looked at it", expires: 2027-01-01 }]`;
  assert.equal(
    told(await world.judge(app.image, { policy: policyOf({ trust: roots }) })),
    "untrusted diff-id-mismatch",
  );
});
