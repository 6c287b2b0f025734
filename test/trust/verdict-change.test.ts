import assert from "node:assert/strict";
import { test } from "node:test";
import { verdictChange } from "../../src/trust/verdict-change.ts";
import { policyOf, signerOf, World } from "./world.ts";

/** Two images of one world, judged and compared. */
async function compared(
  make: (world: World) => readonly [ReturnType<World["build"]>, ReturnType<World["build"]>],
  policy = policyOf(),
) {
  const world = new World();
  const [one, other] = make(world);
  const before = await world.judge(one.image, { policy });
  const after = await world.judge(other.image, { policy });
  return { before, after, change: verdictChange(before, after) };
}
const codes = (faults: readonly { readonly code: string }[]) => faults.map(({ code }) => code);

test("two builds of one source on the same base differ in nothing", async () => {
  const { change } = await compared((world) => {
    const app = world.build("app", { base: world.build("base") });
    return [app, app];
  });
  assert.equal(change.standing.kind, "no-worse");
  assert.deepEqual(change.sources.before, change.sources.after);
  assert.deepEqual(change.builders, { gained: [], lost: [] });
  const { gained, lost, moved } = change.ancestors;
  assert.deepEqual([gained, lost, moved], [[], [], []]);
});

test("R35 an ancestor that moved is told by name and role, and a fault that it brings is worse", async () => {
  const { change } = await compared((world) => {
    const good = world.build("base", { label: "1" });
    const bad = world.build("base", { label: "2" });
    world.forget(bad.manifest);
    return [world.build("app", { base: good, label: "1" }), world.build("app", { base: bad, label: "2" })];
  });
  const [moved] = change.ancestors.moved;
  assert.deepEqual(
    [moved?.to.name, moved?.to.role, moved?.from.outcome, moved?.to.outcome],
    ["ghcr.io/acme/base", "base", undefined, "untrusted"],
  );
  assert.notEqual(moved?.from.digest, moved?.to.digest);
  assert.equal(change.standing.kind, "worse");
  assert.equal(change.faults.gained.length, 1);
  assert.deepEqual([change.faults.lost, change.faults.same], [[], []]);
});

test("R35 the same fault in two versions, and under another name of the image, is no worse; one that is gone is told", async () => {
  const both = await compared((world) => {
    const base = world.build("base");
    world.forget(base.manifest);
    return [world.build("app", { base, label: "1" }), world.build("service", { base, label: "2" })];
  });
  assert.deepEqual([both.change.standing.kind, codes(both.change.faults.gained)], ["no-worse", []]);
  assert.equal(both.change.faults.same.length, 1);
  const mended = await compared((world) => {
    const bad = world.build("base", { label: "1" });
    world.forget(bad.manifest);
    return [
      world.build("app", { base: bad, label: "1" }),
      world.build("app", { base: world.build("base", { label: "2" }), label: "2" }),
    ];
  });
  assert.deepEqual([mended.change.standing.kind, mended.change.faults.lost.length], ["no-worse", 1]);
});

test("R15 where either could not be looked at it isn't told to be no worse, nor worse", async () => {
  const hidden = await compared((world) => {
    const base = world.build("base", { label: "1" });
    const after = world.build("app", { base, label: "1" });
    const other = world.build("other");
    world.hide(other.image);
    return [after, world.build("app", { base: other, label: "2" })];
  });
  assert.equal(hidden.change.standing.kind, "unknown");
  assert.equal(hidden.change.unreachable.gained.length, 1);
  const before = await compared((world) => {
    const other = world.build("other");
    world.hide(other.image);
    const bad = world.build("base");
    world.forget(bad.manifest);
    return [world.build("app", { base: other, label: "1" }), world.build("app", { base: bad, label: "2" })];
  });
  assert.equal(before.change.standing.kind, "unknown");
});

test("R35 what shows tampering is worse though it was there before", async () => {
  const { change } = await compared(
    (world) => {
      const app = world.build("app", { by: signerOf("app", { sourceRepositoryDigest: "c".repeat(40) }) });
      return [app, app];
    },
    policyOf({ trust: `  revoked: [{ commit: "${"c".repeat(40)}", reason: "stolen" }]` }),
  );
  assert.deepEqual([change.standing.kind, codes(change.faults.same)], ["worse", ["revoked"]]);
});

test("another source, commit or builder is told, and isn't a fault by itself", async () => {
  const { change } = await compared((world) => [
    world.build("app", { label: "1" }),
    world.build("app", { label: "2", by: signerOf("app", { sourceRepositoryDigest: "c".repeat(40) }) }),
  ]);
  assert.equal(change.sources.before[0]?.repository, change.sources.after[0]?.repository);
  assert.equal(change.sources.after[0]?.commit, "c".repeat(40));
});
