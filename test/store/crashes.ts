import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { PACE } from "../../src/store/claims.ts";
import type { StoreAddress } from "../../src/store/database.ts";
import { type Dialect, newPlace, type Place } from "./places.ts";
import { inTime } from "./work.ts";

/** After how many acknowledgements the child is killed, and how many milliseconds later. */
const KILLS = [
  [1, 0],
  [10, 5],
  [25, 3],
] as const;
export function testCrashes(dialect: Dialect): void {
  test("whatever a process was at when it was killed is resumed by the next, at once or when its lease has lapsed", async (t) => {
    const place = await newPlace(t, dialect);
    if (!place) return;
    // In a directory nobody waits for leases: the next process knows that they are a dead one's.
    const pace = dialect.isShared ? { ...PACE, leaseMs: 5000, renewMs: 500 } : PACE;
    const child = startChild(place, "hold", pace);
    const held = new Set<string>();
    for await (const line of linesOf(child)) {
      held.add(line);
      if (held.size === 3) break;
    }
    const other = dialect.isShared ? await place.open() : undefined;
    await child.kill();
    if (other !== undefined) {
      // It could be alive: nobody else can know.
      for (const [kind, id] of [...held].map((line) => line.split(" ") as ["build" | "delivery", string]))
        assert.equal(await other.withLease(kind, id, async () => {}), false);
      await sleep(pace.leaseMs);
    }
    const store = other ?? (await place.open());
    const resumed = new Set<string>();
    const all = Promise.withResolvers<void>();
    const resume = (kind: string) => async (id: string) => {
      resumed.add(`${kind} ${id}`);
      if (kind === "delivery") await store.finishDelivery(id);
      if (resumed.size === held.size) all.resolve();
    };
    await store.work({ build: resume("build"), delivery: resume("delivery"), async proposal() {} }, { concurrency: 2 });
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
        async proposal() {},
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
    for (const isFar of isFarAtStart(place)) {
      const child = startChild(place, "write");
      await isFar();
      await child.kill();
      if (place.address.kind === "directory") {
        const database = join(place.address.path, "database");
        // PGlite takes a directory for a database by one of its files, whether or not the others are there.
        if (existsSync(database))
          for (const file of ["PG_VERSION", "postgresql.conf"]) assert.ok(existsSync(join(database, file)), file);
      }
    }
    if (place.address.kind === "directory") writeFileSync(join(place.address.path, "database", "postmaster.pid"), "");
    const store = await place.open();
    assert.deepEqual(await store.listRepositories(), []);
  });
}

/** Points at which a start is interrupted; each resolves when a process has come so far. */
function isFarAtStart({ address }: Place): readonly (() => Promise<void>)[] {
  if (address.kind === "url") return [500, 800, 1100, 1400].map((ms) => () => sleep(ms));
  // PGlite writes its files under another name first, and then the queue makes its tables.
  return ["database*/base/5/*", "database/postmaster.pid"].map((pattern) => async () => {
    while (globSync(join(address.path, pattern)).length === 0) await sleep(5);
  });
}

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
function startChild({ address }: Place, task: "hold" | "write", pace = PACE): Child {
  const where = address.kind === "url" ? address : { kind: address.kind, path: address.path };
  const child = spawn(process.execPath, [fileURLToPath(new URL("crashing.ts", import.meta.url)), task], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  child.stdin.on("error", () => {});
  child.stdin.end(JSON.stringify({ where, pace } satisfies Order));
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
