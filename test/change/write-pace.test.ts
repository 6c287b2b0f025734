import assert from "node:assert/strict";
import { test } from "node:test";
import {
  MAX_PAUSE_MS,
  NO_WRITES,
  pause,
  takeSlots,
  WRITES_A_MINUTE,
  WRITES_AN_HOUR,
  type WritePace,
} from "../../src/change/write-pace.ts";

/** What GitHub documents that it stands for. */
const GITHUB = [
  [60_000, 80],
  [3_600_000, 500],
] as const;
const START = new Date("2026-11-28T00:00:00Z");
const later = (ms: number, from = START) => new Date(from.getTime() + ms);

/** Takes them one by one until it may no more. */
function fill(
  before: WritePace,
  now: Date,
): { readonly pace: WritePace; readonly taken: number; readonly until: Date } {
  let pace = before;
  for (let taken = 0; ; taken++) {
    const next = takeSlots(pace, 1, now);
    pace = next.pace;
    if (next.until !== undefined) return { pace, taken, until: next.until };
  }
}

/** The most that lie in any stretch of that length. */
function most(times: readonly number[], ms: number): number {
  let [from, found] = [0, 0];
  for (const [to, time] of times.entries()) {
    while ((times[from] ?? 0) <= time - ms) from++;
    found = Math.max(found, to - from + 1);
  }
  return found;
}

test("so many writes go at once, and the next when the minute is over", () => {
  const { pace, taken, until } = fill(NO_WRITES, START);
  assert.equal(taken, WRITES_A_MINUTE);
  assert.deepEqual(until, later(60_000));
  assert.ok(takeSlots(pace, 1, later(59_999)).until);
  assert.equal(takeSlots(pace, WRITES_A_MINUTE, later(60_000)).until, undefined);
});

test("no hour has more than the hour's, and what is over is kept no longer", () => {
  let [pace, now, taken] = [NO_WRITES, START, 0];
  while (now < later(3_600_000)) {
    const filled = fill(pace, now);
    pace = filled.pace;
    now = filled.until;
    taken += filled.taken;
  }
  assert.equal(taken, WRITES_AN_HOUR);
  assert.ok(pace.slots.length <= WRITES_AN_HOUR);
  assert.deepEqual(takeSlots(pace, 1, later(3 * 3_600_000)).pace.slots, [later(3 * 3_600_000)]);
});

test("of several writes all go or none, and it is told when all can", () => {
  const pace = takeSlots(takeSlots(NO_WRITES, WRITES_A_MINUTE - 3, START).pace, 2, later(10_000)).pace;
  const refused = takeSlots(pace, 4, later(20_000));
  assert.deepEqual(refused, { pace, until: later(60_000) });
  assert.equal(takeSlots(pace, 4, later(60_000)).until, undefined);
  assert.equal(takeSlots(pace, 1, later(20_000)).until, undefined);
  for (const writes of [0, -1, 1.5, Number.NaN, WRITES_A_MINUTE + 1])
    assert.throws(() => takeSlots(NO_WRITES, writes, START));
});

test("a pause that GitHub asks for is kept, never shortened, and never longer than an hour", () => {
  const paused = pause(takeSlots(NO_WRITES, 1, START).pace, later(90_000), START);
  assert.deepEqual(takeSlots(paused, 1, later(89_999)).until, later(90_000));
  assert.equal(takeSlots(paused, 1, later(90_000)).until, undefined);
  assert.deepEqual(pause(paused, later(1000), START).pausedUntil, later(90_000));
  assert.equal(pause(NO_WRITES, later(-1), START).pausedUntil, undefined);
  for (const spoilt of [later(1e12), new Date(Number.NaN)])
    assert.deepEqual(pause(NO_WRITES, spoilt, START).pausedUntil, later(MAX_PAUSE_MS));
});

test("a clock that was set back stops nothing for longer than an hour", () => {
  const ahead = later(1e11);
  const { pace } = fill(pause(NO_WRITES, later(60_000, ahead), ahead), later(60_000, ahead));
  const { until } = takeSlots(pace, 1, START);
  assert.deepEqual(until, later(60_000));
  assert.equal(takeSlots(takeSlots(pace, 1, START).pace, 1, later(60_000)).until, undefined);
  const paused = pause(NO_WRITES, later(60_000, ahead), ahead);
  assert.deepEqual(takeSlots(paused, 1, START).until, later(MAX_PAUSE_MS));
});

test("2,000 proposals with a kill after any write meet neither of GitHub's limits, and no write is made twice", () => {
  // A proposal is a tree, a commit and a branch, and then a pull request; those that are done are known by what GitHub has.
  const steps = [3, 1];
  const done = Array<number>(2000).fill(0);
  const made = new Map<string, number>();
  const writes: number[] = [];
  let [kept, now, calls] = [JSON.stringify({ slots: [] as string[] }), START, 0];
  while (done.some((step) => step < steps.length)) {
    // Each round is a process of its own: it knows what was kept, and nothing else.
    const { slots } = JSON.parse(kept) as { slots: string[] };
    let pace: WritePace = { slots: slots.map((slot) => new Date(slot)), pausedUntil: undefined };
    let until: Date | undefined;
    const repository = done.findIndex((step) => step < steps.length);
    const step = done[repository] ?? 0;
    ({ pace, until } = takeSlots(pace, steps[step] ?? 0, now));
    kept = JSON.stringify({ slots: pace.slots });
    if (until !== undefined) {
      now = until;
      continue;
    }
    // Killed after the slots were taken: they are lost, and nothing was written.
    if (++calls % 7 === 0) continue;
    for (let i = 0; i < (steps[step] ?? 0); i++) writes.push(now.getTime());
    const key = `${repository} ${step}`;
    made.set(key, (made.get(key) ?? 0) + 1);
    done[repository] = step + 1;
  }
  for (const [ms, limit] of GITHUB) assert.ok(most(writes, ms) <= limit, `${most(writes, ms)} in ${ms} ms`);
  assert.equal(made.size, 4000);
  assert.ok([...made.values()].every((times) => times === 1));
  const hours = (now.getTime() - START.getTime()) / 3_600_000;
  assert.ok(hours < 36, `${hours} hours`);
});

test("writes that come late by as much as a request may take still meet neither limit", () => {
  let [pace, now] = [NO_WRITES, START];
  const arrivals: number[] = [];
  for (let i = 0; i < 3000; ) {
    const { pace: next, until } = takeSlots(pace, 1, now);
    pace = next;
    if (until === undefined) arrivals.push(now.getTime() + ((i++ * 7919) % 15_000));
    else now = until;
  }
  arrivals.sort((one, other) => one - other);
  for (const [ms, limit] of GITHUB) assert.ok(most(arrivals, ms) <= limit);
});
