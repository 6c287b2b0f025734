import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_SAME_HEAD } from "../../src/change/pull-ports.ts";
import { PullScene } from "./pull-world.ts";

test("R31 who opens so many pull requests of one head that nobody looks at all of them passes with none", async () => {
  for (const [others, end] of [
    [MAX_SAME_HEAD, "a success"],
    [MAX_SAME_HEAD + 1, "a failure"],
  ] as const) {
    const scene = new PullScene();
    await scene.tell();
    assert.deepEqual(scene.ends, ["a success"]);
    const [passing] = scene.store.rows;
    assert.ok(passing);
    scene.store.rows.length = 0;
    scene.store.listSameHead = async () => [...Array(others).keys()].map((i) => ({ ...passing, number: i + 2 }));
    await scene.tell();
    assert.equal(scene.ends.at(-1), end);
  }
});
