import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { verdictDocument } from "../../src/report/json.ts";
import { FAULTS } from "./fault-table.ts";
import { HARMLESS } from "./harmless.ts";
import { type Ground, startGround } from "./trial.ts";

/** Of each code the first, and of what must not matter one of each rule: every finding, every inability and every port is among them. */
const SAMPLE = [
  ...[...Map.groupBy(FAULTS, ({ kind, code }) => `${kind} ${code}`).values()].flatMap(([first]) => first ?? []),
  ...[...Map.groupBy(HARMLESS, ({ rule }) => rule).values()].flatMap(([first]) => first ?? []),
];

let ground: Ground;
before(async () => {
  ground = await startGround();
});
after(() => ground.close());

for (const mutation of SAMPLE) {
  const { rule, what } = mutation;
  test(`R34 ${rule} comes to the same verdict from what was written down where ${what}`, async () => {
    const { verdict, replayed } = await ground.tryWritten(mutation);
    const [kind, code, outcome] =
      "code" in mutation
        ? [mutation.kind, mutation.code, mutation.outcome ?? "untrusted"]
        : [undefined, undefined, "trusted"];
    const told = [...verdict.faults, ...verdict.unreachable];
    assert.equal(verdict.outcome, outcome, JSON.stringify(told));
    if (code !== undefined)
      assert.ok(
        told.some((fault) => fault.code === code),
        `${kind} ${code}`,
      );
    assert.deepEqual(verdictDocument(replayed), verdictDocument(verdict));
  });
}
