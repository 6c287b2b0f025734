import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { startBeat } from "../../src/api/beat.ts";

test("a beat comes at even distances from its beginning, whenever it is waited for", async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  const beat = startBeat(25);
  const came: ("early" | "late")[] = [];
  mock.timers.tick(24);
  const early = beat.next().then(() => came.push("early"));
  assert.equal(came.length, 0);
  mock.timers.tick(1);
  await early;
  mock.timers.tick(10);
  const late = beat.next().then(() => came.push("late"));
  mock.timers.tick(14);
  await Promise.resolve();
  assert.deepEqual(came, ["early"]);
  mock.timers.tick(1);
  await late;
  assert.deepEqual(came, ["early", "late"]);
  beat.stop();
  mock.timers.reset();
});
