import assert from "node:assert/strict";
import { test } from "node:test";
import { withRetries } from "../../action/src/retry.ts";

function failing(times: number, error: Error) {
  let calls = 0;
  const action = async () => {
    calls += 1;
    if (calls <= times) throw error;
    return calls;
  };
  return { action, calls: () => calls };
}

test("does again what may pass, and tells each failure", async () => {
  const told: number[] = [];
  const { action } = failing(2, new Error("busy"));
  assert.equal(
    await withRetries(
      action,
      () => true,
      (_error, pauseMs) => told.push(pauseMs),
      [1, 2],
    ),
    3,
  );
  assert.deepEqual(told, [1, 2]);
});

test("gives up after the last try, with the last error", async () => {
  const error = new Error("busy");
  const { action, calls } = failing(9, error);
  await assert.rejects(
    withRetries(
      action,
      () => true,
      () => {},
      [1, 1],
    ),
    error,
  );
  assert.equal(calls(), 3);
});

test("doesn't do again what won't pass", async () => {
  const error = new Error("refused");
  const { action, calls } = failing(9, error);
  await assert.rejects(
    withRetries(
      action,
      () => false,
      () => {},
      [1, 1],
    ),
    error,
  );
  assert.equal(calls(), 1);
});
