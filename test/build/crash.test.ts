import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { assertOnce, follow, outcomeOf, PATHS, type Path } from "./paths.ts";
import { Crash, type Failure, Scene } from "./world.ts";

/** Walks a path, and is killed at these calls of its ports. */
async function killedAt(path: Path, kills: ReadonlyMap<number, Failure["when"]>): Promise<Scene> {
  const scene = new Scene();
  scene.failure = (index, name) => {
    const when = kills.get(index);
    if (when !== undefined) return { when, error: new Crash(`killed ${when} ${name}, call ${index}`) };
    const error = path.outage?.(scene, name);
    return error && { when: "before", error };
  };
  await follow(scene, path);
  return scene;
}

/** Of the many reads of a walk, which keep nothing, only the first path's are tried. */
function isTried(path: Path, call: string | undefined): boolean {
  return path === PATHS[0] || !/^registry\.(read|list)/.test(call ?? "");
}

for (const path of PATHS) {
  test(`killed at any call, ${path.name} ends as if nothing had been, and nothing is done twice`, async () => {
    const whole = await killedAt(path, new Map());
    assertOnce(whole, path);
    for (const [index, call] of whole.calls.entries()) {
      if (!isTried(path, call)) continue;
      for (const when of ["before", "after"] as const) {
        const scene = await killedAt(path, new Map([[index, when]]));
        const where = `killed ${when} call ${index}, ${call}`;
        assert.deepEqual(outcomeOf(scene), outcomeOf(whole), where);
        assertOnce(scene, path);
      }
    }
  });
}

test("killed twice anywhere, any path ends as if nothing had been, and nothing is done twice", async () => {
  const wholes = new Map<Path, Scene>();
  for (const path of PATHS) wholes.set(path, await killedAt(path, new Map()));
  const when = fc.constantFrom("before" as const, "after" as const);
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...PATHS), fc.nat(80), when, fc.nat(80), when, async (path, i, one, k, other) => {
      const whole = wholes.get(path);
      assert.ok(whole);
      const scene = await killedAt(
        path,
        new Map([
          [i, one],
          [i + 1 + k, other],
        ]),
      );
      assert.deepEqual(outcomeOf(scene), outcomeOf(whole));
      assertOnce(scene, path);
    }),
    { numRuns: 150 },
  );
});
