import assert from "node:assert/strict";
import { test } from "node:test";
import { killPoints, seedOf, wordsOf } from "./kill-points.ts";
import { startKilledBuilds } from "./killed-builds.ts";

const POINTS = 20;
/** For all points together, in milliseconds. No measurement: each start of the server takes seconds, and many where others work too. */
const LIMIT_MS = 1_200_000;

test("the server killed at any moment after it acknowledged a push still brings one verdict, told once", {
  timeout: LIMIT_MS,
}, async (t) => {
  const seed = seedOf(process.env.TRUSTED_BUILDS_SEED);
  t.diagnostic(`TRUSTED_BUILDS_SEED=${seed}`);
  const builds = await startKilledBuilds();
  t.after(() => builds.close());
  for (const point of killPoints(seed, POINTS, builds.requests)) {
    assert.deepEqual(await builds.try(point), [], `TRUSTED_BUILDS_SEED=${seed}: ${wordsOf(point)}`);
  }
  assert.deepEqual(await builds.finish(), [], `TRUSTED_BUILDS_SEED=${seed}`);
});
