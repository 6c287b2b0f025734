import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { RULES } from "../../scripts/rules.ts";
import { codeWords, KNOWN_CODES } from "../../src/report/code-words.ts";
import { FAULTS } from "../faults/fault-table.ts";

const page = readFileSync("docs/verdict.md", "utf8");
/** Codes that docs/verdict.md names where it lists them; `latest` is a tag there. */
const documented = [
  ...(page.split("\n## Codes\n")[1]?.split("\n## ")[0] ?? "").matchAll(/`([a-z]+(?:-[a-z]+)*)`/g),
].map(([, code = ""]) => code);
const listed = new Set(documented.filter((code) => code !== "latest"));

test("every code that a fault can have has words", () => {
  const all = new Set([...listed, ...FAULTS.map(({ code }) => code), ...RULES.flatMap(({ codes = [] }) => codes)]);
  assert.ok(all.size > 90, "the codes were found");
  assert.deepEqual(
    [...all].filter((code) => codeWords(code) === undefined),
    [],
  );
});

test("no code has words that no fault has", () => {
  const kinds = ["unattested", "refused", "unresolved", "revoked", "cycle", "limit", "undeclared-base"];
  const faults = new Set(FAULTS.map(({ code }) => code));
  assert.deepEqual(
    KNOWN_CODES.filter((code) => !listed.has(code) && !faults.has(code) && !kinds.includes(code)),
    [],
  );
});

test("the rule of a code is one that the fault table, or the list of rules, tells of it", () => {
  const wrong = KNOWN_CODES.filter((code) => {
    const rules = [
      ...FAULTS.flatMap((fault) => (fault.code === code ? [fault.rule] : [])),
      ...RULES.flatMap(({ rule, codes = [] }) => (codes.includes(code) ? [rule] : [])),
    ];
    const { rule } = codeWords(code) ?? {};
    // Where neither says anything the rule may be told, or not.
    return rules.length > 0 && (rule === undefined || !rules.includes(rule));
  });
  assert.deepEqual(wrong, []);
});
