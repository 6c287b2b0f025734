import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import type { SharedStore } from "./places.ts";

const DAY_MS = 86_400_000;
const receivedAt = new Date("2026-11-27T16:00:00.123Z");

export function testDeliveries(shared: SharedStore): void {
  test("a delivery that comes several times at once is recorded once, as it came", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const guid = randomUUID();
    const payload = { ref: "refs/tags/v1", text: 'NUL \0, half \ud800, "\\u0000"', id: 5_000_000_000, none: null };
    const delivery = { guid, event: "push", payload, receivedAt };
    const recorded = await Promise.all([1, 2, 3, 4, 5].map(() => store.recordDelivery(delivery)));
    assert.deepEqual(recorded.sort(), [false, false, false, false, true]);
    assert.deepEqual(await store.readDelivery(guid), {
      ...delivery,
      finishedAt: undefined,
      postponed: 0,
      reason: undefined,
    });
    assert.equal(await store.readDelivery(randomUUID()), undefined);
  });

  test("a finished delivery has no payload any more, and is still known", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const guid = randomUUID();
    await store.recordDelivery({ guid, event: "push", payload: { secret: 1 }, receivedAt });
    await store.finishDelivery(guid);
    const { payload, finishedAt } = (await store.readDelivery(guid)) ?? {};
    assert.equal(payload, undefined);
    assert.ok(finishedAt instanceof Date);
    assert.equal(await store.recordDelivery({ guid, event: "push", payload: {}, receivedAt }), false);
    let calls = 0;
    await store.withLease("delivery", guid, async () => void calls++);
    await store.sweep(new Date(Date.now() + DAY_MS));
    assert.equal(await store.withLease("delivery", guid, async () => void calls++), false);
    await assert.rejects(store.finishDelivery("nowhere"), { code: "not-found" });
    await assert.rejects(store.postponeDelivery(guid, new Date(), "late"), { code: "not-found" });
  });

  test("finished deliveries are forgotten after eight days, unfinished ones never", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    for (const guid of ["done", "open"]) await store.recordDelivery({ guid, event: "push", payload: {}, receivedAt });
    await store.finishDelivery("done");
    await store.sweep(new Date(Date.now() + 7.9 * DAY_MS));
    assert.ok(await store.readDelivery("done"));
    await store.sweep(new Date(Date.now() + 8.1 * DAY_MS));
    assert.equal(await store.readDelivery("done"), undefined);
    assert.ok(await store.readDelivery("open"));
  });

  test("a delivery that was put off is something to do again when its time has come, and not before", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const guid = randomUUID();
    await store.recordDelivery({ guid, event: "push", payload: {}, receivedAt });
    const until = new Date(Date.now() + 3_600_000);
    assert.ok(await store.withLease("delivery", guid, () => store.postponeDelivery(guid, until, "GitHub said 500 \0")));
    const { postponed, reason } = (await store.readDelivery(guid)) ?? {};
    assert.deepEqual([postponed, reason], [1, "GitHub said 500 \ufffd"]);
    const isDone = () => store.withLease("delivery", guid, () => store.postponeDelivery(guid, until, "again"));
    await store.sweep(new Date(until.getTime() - 1));
    assert.equal(await isDone(), false);
    await store.sweep(until);
    assert.equal(await isDone(), true);
  });
}
