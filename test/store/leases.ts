import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { PACE } from "../../src/store/claims.ts";
import { newBuild, newRepository, pushOf } from "./build-fixture.ts";
import { type Dialect, newPlace, query, type SharedStore } from "./places.ts";

export function testLeases(shared: SharedStore): void {
  test("one worker at a time is at a build, and nobody where there is nothing to do", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const other = await scene.another();
    const build = newBuild(newRepository());
    assert.equal(await store.withLease("build", build.id, never), false);
    await store.recordPush(pushOf([build]));
    const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let calls = 0;
    const holding = store.withLease("build", build.id, async () => {
      calls++;
      first.resolve();
      await second.promise;
    });
    await first.promise;
    assert.equal(await other.withLease("build", build.id, never), false);
    assert.equal(await store.withLease("build", build.id, never), false);
    if (scene.address.kind === "url") {
      // As after the machine has slept: lapsed, and yet this process is at it.
      const lapsed = `update work set held_until = now() - interval '1 hour', wakes = wakes + 1 where id = '${build.id}'`;
      await query(scene.address.url, lapsed);
      assert.equal(await store.withLease("build", build.id, never), false);
    }
    second.resolve();
    assert.equal(await holding, true);
    assert.equal(calls, scene.address.kind === "url" ? 2 : 1);
    assert.equal(await other.withLease("build", build.id, never), false);
  });

  test("what comes while a worker is at it, is seen by that worker", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const other = await scene.another();
    const build = newBuild(newRepository());
    await store.recordPush(pushOf([build]));
    let calls = 0;
    await store.withLease("build", build.id, async () => {
      calls++;
      if (calls > 2) return;
      await other.wake("build", build.id);
      // The one who was woken up finds it held, and leaves it.
      assert.equal(await other.withLease("build", build.id, never), false);
    });
    assert.equal(calls, 3);
  });

  test("no wake is lost, whenever it comes", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const stores = [scene.store, await scene.another()];
    const build = newBuild(newRepository());
    await scene.store.recordPush(pushOf([build]));
    let told = 0;
    let seen = -1;
    const run = async () => {
      const now = told;
      await sleep(now % 3);
      seen = Math.max(seen, now);
    };
    for (let round = 0; round < 12; round++) {
      await Promise.all(
        stores.map(async (store, i) => {
          await sleep((round * (i + 1)) % 7);
          told++;
          await store.wake("build", build.id);
          // As whoever the queue wakes up does.
          await store.withLease("build", build.id, run);
        }),
      );
      assert.equal(seen, told);
    }
  });

  test("work that throws is thrown on, and is something to do again after a while that grows", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const build = newBuild(newRepository());
    await store.recordPush(pushOf([build]));
    const failure = new Error("a fault of ours");
    const fail = () => Promise.reject(failure);
    let at = Date.now();
    for (const wait of [5000, 10_000, 20_000]) {
      await assert.rejects(store.withLease("build", build.id, fail), failure);
      const until = Date.now() + wait;
      await store.sweep(new Date(at + wait - 1));
      assert.equal(await store.withLease("build", build.id, never), false);
      await store.sweep(new Date(until));
      at = Date.now();
    }
    assert.equal(await store.withLease("build", build.id, async () => {}), true);
  });

  test("a delivery that was neither finished nor put off comes again", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const guid = randomUUID();
    await store.recordDelivery({ guid, event: "push", payload: {}, receivedAt: new Date() });
    assert.ok(await store.withLease("delivery", guid, async () => {}));
    assert.equal(await store.withLease("delivery", guid, never), false);
    await store.sweep(new Date(Date.now() + PACE.retryMs[0]));
    assert.ok(await store.withLease("delivery", guid, () => store.finishDelivery(guid)));
  });

  test("of several times the earliest counts, and something unfinished is looked at when nothing is heard of it", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const repository = newRepository();
    const [open, done] = [newBuild(repository), newBuild(repository, { phase: "done", key: { image: "done" } })];
    await store.recordPush(pushOf([open, done]));
    const soon = new Date(Date.now() + 60_000);
    for (const { id } of [open, done]) await store.withLease("build", id, async () => {});
    for (const at of [120_000, 60_000, 180_000])
      await store.wake("build", open.id, new Date(soon.getTime() - 60_000 + at));
    await store.sweep(new Date(soon.getTime() - 1));
    assert.equal(await store.withLease("build", open.id, never), false);
    await store.sweep(soon);
    assert.equal(await store.withLease("build", open.id, async () => {}), true);
    await store.sweep(new Date(Date.now() + PACE.idleMs - 5000));
    assert.equal(await store.withLease("build", open.id, never), false);
    await store.sweep(new Date(Date.now() + PACE.idleMs + 5000));
    assert.equal(await store.withLease("build", done.id, never), false);
    assert.equal(await store.withLease("build", open.id, async () => {}), true);
  });
}

/** Leases among several processes: there are none in a directory. */
export function testLapsing(dialect: Dialect): void {
  // A busy machine stops everyone for a while: far shorter than the lease.
  const pace = { ...PACE, leaseMs: 6000, renewMs: 200 };

  test("a lease is kept as long as its process lives, and lost when it was stopped for too long", async (t) => {
    const place = await newPlace(t, dialect);
    if (!place) return;
    const { url } = place.address as { url: string };
    const [store, other] = [await place.open({ pace }), await place.open({ pace })];
    const build = newBuild(newRepository());
    await store.recordPush(pushOf([build]));
    const lost = await new Promise<AbortSignal>((resolve, reject) => {
      store
        .withLease("build", build.id, async (signal) => {
          await sleep(pace.leaseMs + 1000);
          assert.equal(await other.withLease("build", build.id, never), false);
          assert.equal(signal.aborted, false);
          // As after it was stopped, and another has taken over.
          await query(url, `update work set holder = 'another', held_until = now() + interval '1 hour'`);
          // On a busy machine it may have been told while the query ran.
          if (!signal.aborted) await new Promise((aborted) => signal.addEventListener("abort", aborted));
          resolve(signal);
        })
        .catch(reject);
    });
    assert.equal(lost.reason.code, "lost-race");
  });
}

function never(): Promise<void> {
  throw new Error("somebody is at it, or there is nothing to do");
}
