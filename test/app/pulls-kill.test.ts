import assert from "node:assert/strict";
import { test } from "node:test";
import { killPoints, seedOf, wordsOf } from "./kill-points.ts";
import { startKilledPulls } from "./killed-pulls.ts";

const POINTS = 6;
/** For all points together, in milliseconds. No measurement: each start of the server takes seconds, and many where others work too. */
const LIMIT_MS = 600_000;

test("the server killed at any moment after it acknowledged a push to a pull request still brings one check run, told once", {
  timeout: LIMIT_MS,
}, async (t) => {
  const seed = seedOf(process.env.TRUSTED_BUILDS_SEED);
  t.diagnostic(`TRUSTED_BUILDS_SEED=${seed}`);
  const pulls = await startKilledPulls();
  t.after(() => pulls.close());
  for (const point of killPoints(seed, POINTS, pulls.requests)) {
    assert.deepEqual(await pulls.try(point), [], `TRUSTED_BUILDS_SEED=${seed}: ${wordsOf(point)}`);
  }
  assert.deepEqual(await pulls.finish(), [], `TRUSTED_BUILDS_SEED=${seed}`);
});
