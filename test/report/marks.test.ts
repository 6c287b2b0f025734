import assert from "node:assert/strict";
import { test } from "node:test";
import { markOfFinding, markOfOutcome, SHAPES } from "../../src/report/marks.ts";
import { findings } from "./verdicts.ts";

test("only what is attested or scratch looks good, and only trust does", () => {
  const good = findings.filter((finding) => markOfFinding(finding) === "good").map(({ kind }) => kind);
  assert.deepEqual(good, ["attested", "scratch"]);
  assert.deepEqual((["trusted", "untrusted", "undetermined"] as const).map(markOfOutcome), ["good", "bad", "unknown"]);
});

test("every mark has a shape of its own, so that colour alone never tells", () => {
  const shapes = Object.values(SHAPES);
  assert.equal(new Set(shapes).size, shapes.length);
});
