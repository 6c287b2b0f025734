import assert from "node:assert/strict";
import { test } from "node:test";
import { WRITES_A_MINUTE } from "../../src/change/write-pace.ts";
import { newRepository } from "./build-fixture.ts";
import type { SharedStore } from "./places.ts";

const NOW = new Date("2026-11-28T00:00:00.123Z");
const later = (ms: number) => new Date(NOW.getTime() + ms);

export function testWritePace(shared: SharedStore): void {
  test("writes of several processes share one pace for each installation, and who comes at once waits its turn", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const other = await scene.another();
    const [{ installation }, elsewhere] = [newRepository(), newRepository()];
    const answers = await Promise.all(
      Array.from({ length: WRITES_A_MINUTE + 10 }, (_, i) => (i % 2 ? store : other).takeSlots(installation, 1, NOW)),
    );
    assert.equal(answers.filter((until) => until === undefined).length, WRITES_A_MINUTE);
    assert.deepEqual(
      answers.find((until) => until !== undefined),
      later(60_000),
    );
    assert.equal(await store.takeSlots(elsewhere.installation, 4, NOW), undefined);
    assert.equal(await other.takeSlots(installation, 1, later(60_000)), undefined);
  });

  test("a pause is kept for every process", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { installation } = newRepository();
    await scene.store.pauseWrites(installation, later(90_000), NOW);
    const other = await scene.another();
    assert.deepEqual(await other.takeSlots(installation, 1, NOW), later(90_000));
    assert.equal(await other.takeSlots(installation, 1, later(90_000)), undefined);
  });
}
