import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Store } from "../../src/store/store.ts";
import type { WorkHandlers } from "../../src/store/worker.ts";
import { newBuild, newRepository, pushOf } from "./build-fixture.ts";
import { type Dialect, newPlace } from "./places.ts";

/** Far longer than anything takes here, shorter than the next sweep: what is late was lost. */
const LATE_MS = 40_000;
const receivedAt = new Date();
const idle: WorkHandlers = { async build() {}, async delivery() {}, async proposal() {} };

export function testWork(dialect: Dialect): void {
  test("what is recorded is worked on at once, also by another process; a backlog too, no more at a time than was said", async (t) => {
    const place = await newPlace(t, dialect);
    if (!place) return;
    const worker = await place.open();
    const store = place.address.kind === "url" ? await place.open() : worker;
    const wanted = new Set(Array.from({ length: 120 }, () => randomUUID()));
    const record = (guid: string) => store.recordDelivery({ guid, event: "push", payload: {}, receivedAt });
    const all = [...wanted];
    for (const guid of all.slice(1)) await record(guid);
    let most = 0;
    let now = 0;
    const seen: string[] = [];
    const finished = Promise.withResolvers<void>();
    await worker.work(
      {
        ...idle,
        async delivery(guid) {
          most = Math.max(most, ++now);
          await sleep(1);
          await worker.finishDelivery(guid);
          seen.push(guid);
          now--;
          if (seen.length === all.length) finished.resolve();
        },
      },
      { concurrency: 3 },
    );
    await record(all[0] ?? "");
    await inTime(finished.promise);
    assert.equal(most, 3);
    assert.deepEqual(new Set(seen), wanted);
    assert.equal(seen.length, all.length);
    await assert.rejects(worker.work(idle, { concurrency: 1 }), { code: "database" });
  });

  test("a build is woken up at its time, and again after it threw, which is logged", async (t) => {
    const place = await newPlace(t, dialect);
    if (!place) return;
    const logged: string[] = [];
    const store = await place.open({
      log: (level, message) => void logged.push(`${level}: ${message}`),
      pace: { leaseMs: 60_000, renewMs: 20_000, idleMs: 600_000, retryMs: [200, 1000] },
    });
    const build = newBuild(newRepository());
    const calls: number[] = [];
    const finished = Promise.withResolvers<void>();
    const at = Date.now() + 3000;
    await store.work(
      {
        ...idle,
        async build(id) {
          calls.push(Date.now());
          if (calls.length === 1) throw new Error("a fault of ours");
          if (calls.length === 2) await store.wake("build", id, new Date(at));
          if (calls.length === 3) finished.resolve();
        },
      },
      { concurrency: 1 },
    );
    await store.recordPush(pushOf([build]));
    await inTime(finished.promise);
    assert.ok((calls[2] ?? 0) >= at);
    assert.deepEqual(logged, [`error: the work on build ${build.id} failed and is tried again: a fault of ours`]);
  });

  test("closing lets the work that runs end, and leaves the rest for the next start", async (t) => {
    const place = await newPlace(t, dialect);
    if (!place) return;
    const guids = Array.from({ length: 5 }, () => randomUUID());
    const [first, later] = [await place.open(), [] as string[]];
    for (const guid of guids) await first.recordDelivery({ guid, event: "push", payload: {}, receivedAt });
    const begun = Promise.withResolvers<void>();
    const ended: string[] = [];
    const delivery = async (guid: string) => {
      begun.resolve();
      await sleep(1500);
      await first.finishDelivery(guid);
      ended.push(guid);
    };
    await first.work({ ...idle, delivery }, { concurrency: 2 });
    await inTime(begun.promise);
    await first.close();
    assert.ok(ended.length > 0 && ended.length < guids.length);
    const second = await place.open();
    const finished = Promise.withResolvers<void>();
    await second.work(
      {
        ...idle,
        async delivery(guid) {
          await second.finishDelivery(guid);
          later.push(guid);
          if (ended.length + later.length === guids.length) finished.resolve();
        },
      },
      { concurrency: 2 },
    );
    await inTime(finished.promise);
    assert.deepEqual([...ended, ...later].sort(), guids.sort());
    await refusesEverything(first);
  });
}

async function refusesEverything(store: Store): Promise<void> {
  await assert.rejects(store.readBuild("x"), { code: "closed" });
  await assert.rejects(store.recordDelivery({ guid: "x", event: "push", payload: {}, receivedAt }), { code: "closed" });
  await store.close();
}

/** @throws if it takes so long that only a sweep can have brought it. */
export async function inTime<T>(promise: Promise<T>): Promise<T> {
  const limit = new AbortController();
  const late = sleep(LATE_MS, undefined, { signal: limit.signal }).then(
    () => Promise.reject(new Error(`not done after ${LATE_MS} ms`)),
    () => promise,
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    limit.abort();
  }
}
