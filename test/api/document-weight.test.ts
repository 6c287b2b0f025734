import assert from "node:assert/strict";
import { test } from "node:test";
import { weightOf } from "../../src/api/document-weight.ts";

test("a document weighs about what its text does: texts, names, and many small values", () => {
  const many = Array.from({ length: 10_000 }, (_, i) => ({ a: i, b: null, c: [true, []] }));
  for (const document of [{ text: "x".repeat(100_000) }, { ["x".repeat(100_000)]: 1 }, many, [many, { many }]]) {
    const length = JSON.stringify(document).length;
    assert.ok(
      weightOf(document) >= length * 0.9 && weightOf(document) < length * 2.5,
      `${weightOf(document)} ${length}`,
    );
  }
});

test("a document that is nested deeply is weighed too", () => {
  let deep: unknown = 1;
  for (let i = 0; i < 100_000; i++) deep = [deep];
  assert.ok(weightOf(deep) >= 100_000);
});
