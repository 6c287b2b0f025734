import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { StoreAddress } from "../../src/store/database.ts";
import { PACE } from "../../src/store/leases.ts";
import { type Dialect, newPlace, type Place } from "./places.ts";
import { inTime } from "./work.ts";

/** After how many acknowledgements the child is killed, and how many milliseconds later. */
const KILLS = [
  [1, 0],
  [10, 5],
  [25, 3],
] as const;
/** From before it has read its order to after it has begun to write. */
const KILLED_AT_START_MS = [200, 500, 800, 1100, 1400];

export function testCrashes(dialect: Dialect): void {
  test("whatever a process was at when it was killed is resumed by the next, at once or when its lease has lapsed", async (t) => {
    const place = await newPlace(t, dialect);
    if (!place) return;
    const child = startChild(place, "hold");
    const held = new Set<string>();
    for await (const line of linesOf(child)) {
      if (line.startsWith("held ")) held.add(line.slice("held ".length));
      if (held.size === 2) break;
    }
    await child.kill();
    const store = await place.open();
    const resumed = new Set<string>();
    const all = Promise.withResolvers<void>();
    const resume = (kind: string) => async (id: string) => {
      resumed.add(`${kind} ${id}`);
      if (kind === "delivery") await store.finishDelivery(id);
      if (resumed.size === 2) all.resolve();
    };
    await store.work({ build: resume("build"), delivery: resume("delivery") }, { concurrency: 2 });
    if (place.address.kind === "url") {
      // It could be alive: nobody else can know.
      await sleep(500);
      assert.equal(resumed.size, 0);
      await sleep(CHILD_PACE.leaseMs);
      await store.sweep(new Date());
    }
    await inTime(all.promise);
    assert.deepEqual(resumed, held);
  });

  test("nothing that was acknowledged is lost, whenever the process is killed", async (t) => {
    const place = await newPlace(t, dialect);
    if (!place) return;
    const acknowledged: string[] = [];
    for (const [count, ms] of KILLS) {
      const child = startChild(place, "write");
      const before = acknowledged.length;
      // What it still says after it was told to die was acknowledged too.
      for await (const guid of linesOf(child)) {
        acknowledged.push(guid);
        if (acknowledged.length === before + count) setTimeout(() => void child.kill(), ms);
      }
      await child.kill();
    }
    const store = await place.open();
    for (const guid of acknowledged) assert.ok(await store.readDelivery(guid), guid);
    const left = new Set(acknowledged);
    const all = Promise.withResolvers<void>();
    await store.work(
      {
        async build() {},
        async delivery(guid) {
          await store.finishDelivery(guid);
          left.delete(guid);
          if (left.size === 0) all.resolve();
        },
      },
      { concurrency: 4 },
    );
    await inTime(all.promise);
  });

  test("a process that is killed while it makes its tables is followed by one that makes them", async (t) => {
    const place = await newPlace(t, dialect, true);
    if (!place) return;
    for (const ms of KILLED_AT_START_MS) {
      const child = startChild(place, "write");
      await sleep(ms);
      await child.kill();
    }
    const store = await place.open();
    assert.deepEqual(await store.listRepositories(), []);
  });
}

/** Leases lapse soon, so that nobody waits for a minute. */
const CHILD_PACE = { ...PACE, leaseMs: 2000, renewMs: 500 };

/** What a child is told. */
export interface Order {
  readonly where: Exclude<StoreAddress, { kind: "directory" }> | { readonly kind: "directory"; readonly path: string };
  readonly pace: typeof PACE;
}

interface Child {
  readonly output: Readable;
  /** @throws if it has ended by itself before. */
  kill(): Promise<void>;
}

/** A process with the store open. `hold`: says what it is at, and never ends it. `write`: says what was acknowledged. */
function startChild({ address }: Place, task: "hold" | "write"): Child {
  const where = address.kind === "url" ? address : { kind: address.kind, path: address.path };
  const child = spawn(process.execPath, [fileURLToPath(new URL("crashing.ts", import.meta.url)), task], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  child.stdin.on("error", () => {});
  child.stdin.end(JSON.stringify({ where, pace: CHILD_PACE } satisfies Order));
  return {
    output: child.stdout,
    async kill() {
      child.kill("SIGKILL");
      assert.deepEqual(await ended, [null, "SIGKILL"]);
    },
  };
}

function linesOf({ output }: Child) {
  return createInterface({ input: output });
}
