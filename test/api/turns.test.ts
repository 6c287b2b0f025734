import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as soon } from "node:timers/promises";
import { createTurns } from "../../src/api/turns.ts";

/** Answers that end when they are told to. */
function answers() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const answer = (name: string) => () =>
    new Promise<string>((resolve) => {
      begun.push(name);
      ends.set(name, () => resolve(name));
    });
  return { begun, answer, end: (name: string) => ends.get(name)?.() };
}

test("so many of one client's are answered at a time, the others in order, and nobody waits for another client", async () => {
  const turns = createTurns(2);
  const { begun, answer, end } = answers();
  const all = ["a1", "a2", "a3", "a4", "b1"].map((name) => turns.take(name.slice(0, 1), answer(name)));
  await soon();
  assert.deepEqual(begun, ["a1", "a2", "b1"]);
  end("a2");
  const late = turns.take("a", answer("a5"));
  await soon();
  assert.deepEqual(begun, ["a1", "a2", "b1", "a3"]);
  for (const name of ["a1", "a3"]) end(name);
  await soon();
  assert.deepEqual(begun, ["a1", "a2", "b1", "a3", "a4", "a5"]);
  for (const name of ["a4", "a5", "b1"]) end(name);
  assert.deepEqual(await Promise.all([...all, late]), ["a1", "a2", "a3", "a4", "b1", "a5"]);
});

test("one that fails gives its turn on", async () => {
  const turns = createTurns(1);
  const failing = turns.take("a", () => Promise.reject(new Error("no")));
  const next = turns.take("a", async () => "yes");
  await assert.rejects(failing, /no/);
  assert.equal(await next, "yes");
  assert.equal(await turns.take("a", async () => "again"), "again");
});
