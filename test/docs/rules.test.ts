import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { allTests, pages } from "../../scripts/docs.ts";
import { isOf, RULES, rulesWithoutTests, testsIn } from "../../scripts/rules.ts";

const tests = allTests();

for (const { rule } of RULES) {
  test(`at least one test is named after ${rule}`, () => assert.ok(tests.some((each) => isOf(each, rule))));
}

test("every rule from R1 to R35 has its row, in order", () => {
  assert.deepEqual(
    RULES.map(({ rule }) => rule),
    Array.from({ length: 35 }, (_, i) => `R${i + 1}`),
  );
});

test("the check names every rule that has lost its tests", () => {
  assert.deepEqual(rulesWithoutTests(tests), []);
  const [without, ...more] = rulesWithoutTests(tests.filter((each) => !isOf(each, "R11")));
  assert.match(without ?? "", /^R11 /);
  assert.deepEqual(more, []);
});

test("docs/rules.md is what the tests' names say", () => {
  assert.equal(readFileSync("docs/rules.md", "utf8"), pages()["docs/rules.md"], "run node scripts/docs.ts");
});

test("tests are found by their names, however they are quoted", () => {
  const call = "test";
  const text = `${call}("R1 \\"a\\"", f);\n${call}(\n  \`R12 b\`, f);\n${call}('R2 c', f); la${call}("R3 d")`;
  assert.deepEqual(
    testsIn("x", text).map(({ name }) => name),
    ['R1 "a"', "R12 b", "R2 c"],
  );
});

test("a rule's number isn't another one's beginning", () => {
  const named = (name: string) => ({ file: "x", name });
  assert.ok(isOf(named("R1 a"), "R1"));
  assert.ok(!isOf(named("R11 a"), "R1"));
  assert.ok(isOf(named("R4, R11 and R1 a"), "R1"));
  assert.ok(isOf(named("R4 R1 a"), "R1"));
  assert.ok(!isOf(named("refuses R1"), "R1"));
});
