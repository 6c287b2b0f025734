import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { RULES } from "../../scripts/rules.ts";
import { FAULTS } from "../faults/fault-table.ts";

const page = readFileSync("docs/verdict.md", "utf8");

test("docs/verdict.md names every finding and code by which a fault is told", () => {
  const told = FAULTS.flatMap(({ kind, code, also = [] }) => [{ kind, code }, ...also]);
  const words = new Set([
    ...told.flatMap(({ kind, code }) => [kind, code]),
    ...RULES.flatMap(({ codes = [] }) => codes),
  ]);
  assert.ok(words.size > 60, "the codes were found");
  assert.deepEqual(
    [...words].filter((word) => !page.includes(`\`${word}\``)),
    [],
  );
});
