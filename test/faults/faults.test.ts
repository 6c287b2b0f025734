import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { JudgedNode, Verdict } from "../../src/trust/verdict.ts";
import { NAMES } from "./ancestry.ts";
import { FAULTS } from "./fault-table.ts";
import { HARMLESS } from "./harmless.ts";
import type { Fault } from "./mutation.ts";
import { type Ground, startGround, type Trial } from "./trial.ts";

const GOOD = { base: "attested", runtime: "attested", app: "attested" };

let ground: Ground;
before(async () => {
  ground = await startGround();
});
after(() => ground.close());

/** Which of the images a node of the verdict is. */
function nameOf({ reference, digest }: JudgedNode, { images }: Trial): Fault["node"] {
  const name = NAMES.find(
    (each) => reference.includes(`${images[each].repository}@`) || reference.includes(`${images[each].repository}:`),
  );
  return name ?? (digest === undefined ? "dependency" : "other");
}

/** All that keeps the ancestry from being trusted. */
function toldBy(verdict: Verdict, trial: Trial) {
  return [...verdict.faults, ...verdict.unreachable].map(({ node: id, code }) => {
    const node = verdict.nodes.find((each) => each.id === id);
    return { node: node && nameOf(node, trial), kind: node?.finding.kind, code };
  });
}

/** Each image of the ancestry with what was found of it; of several platforms the first. */
function foundBy(verdict: Verdict, trial: Trial) {
  return Object.fromEntries(verdict.nodes.toReversed().map((node) => [nameOf(node, trial), node.finding.kind]));
}

test("trusts the good ancestry, at level 3", async () => {
  const { verdict, trial } = await ground.try({ rule: "", what: "nothing is changed" });
  assert.deepEqual(
    { outcome: verdict.outcome, told: toldBy(verdict, trial), level: verdict.level, found: foundBy(verdict, trial) },
    { outcome: "trusted", told: [], level: 3, found: GOOD },
  );
});

for (const fault of FAULTS) {
  const { rule, what, node, kind, code, also = [], outcome = "untrusted" } = fault;
  test(`${rule} doesn't trust an ancestry where ${what}`, async () => {
    const { verdict, trial } = await ground.try(fault);
    assert.deepEqual(
      { outcome: verdict.outcome, told: toldBy(verdict, trial) },
      { outcome, told: [{ node, kind, code }, ...also] },
    );
  });
}

for (const mutation of HARMLESS) {
  const { rule, what, level = 3, base: end = "attested" } = mutation;
  test(`${rule} trusts an ancestry where ${what}`, async () => {
    const { verdict, trial } = await ground.try(mutation);
    const { base, ...above } = foundBy(verdict, trial);
    assert.deepEqual(
      { outcome: verdict.outcome, told: toldBy(verdict, trial), level: verdict.level, above },
      { outcome: "trusted", told: [], level, above: { runtime: "attested", app: "attested" } },
    );
    assert.equal(base, end);
  });
}
