import assert from "node:assert/strict";
import { test } from "node:test";
import type { PackageList } from "../../src/answer/facts.ts";
import { withinBudget } from "../../src/answer/package-budget.ts";

const list = (platform: string, count: number, omitted = 0): PackageList => ({
  platform,
  format: "spdx",
  bundle: "sha256:0",
  packages: Array.from({ length: count }, () => ({ name: "é", version: null, licences: [], purl: null, source: null })),
  omitted,
});
const size = Buffer.byteLength(JSON.stringify(list("", 1).packages[0])) + 1;

const counts = (lists: readonly PackageList[]) => lists.map(({ packages, omitted }) => [packages.length, omitted]);

test("what fits is left whole, in its order", () => {
  const lists = [list("a", 3, 2), list("b", 1)];
  assert.deepEqual(withinBudget(lists, 4 * size), lists);
  assert.deepEqual(withinBudget([], 0), []);
});

test("what doesn't fit is cut and counted, and a long list takes nothing away from short ones", () => {
  assert.deepEqual(counts(withinBudget([list("a", 100, 5), list("b", 2)], 10 * size)), [
    [8, 97],
    [2, 0],
  ]);
  assert.deepEqual(counts(withinBudget([list("a", 100), list("b", 100)], 11 * size - 1)), [
    [5, 95],
    [5, 95],
  ]);
});
