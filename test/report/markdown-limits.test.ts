import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fitted, fittedTitle, MAX_TITLE } from "../../src/report/markdown-limits.ts";

const bytes = (text: string) => Buffer.byteLength(text, "utf8");
const page = "https://builds.example/builds/x";

test("puts sections below each other, and cuts nothing that fits to the byte", () => {
  const sections = [{ before: ["# a"], lines: ["1"] }, { lines: [] }, { lines: ["é"], after: ["end"] }];
  const whole = "# a\n1\n\né\nend";
  assert.equal(fitted(sections, 65_535, page), whole);
  assert.equal(fitted(sections, bytes(whole) + 2, page), whole);
});

test("cuts at a line, ends what has to be ended, and says how much is missing and where the whole is", () => {
  const lines = Array.from({ length: 100 }, (_, i) => `line ${i}`);
  const shown = fitted([{ before: ["```"], lines, after: ["```"] }], 200, page);
  const [kept, notice] = shown.split("\n```\n\n");
  const count = (kept?.split("\n").length ?? 0) - 1;
  assert.ok(bytes(shown) <= 200 && count > 5);
  assert.equal(kept, ["```", ...lines.slice(0, count)].join("\n"));
  assert.equal(notice, `… cut: ${100 - count} of 100 lines are left out; the whole is at <${page}>`);
});

test("the long sections give way to the short ones", () => {
  const long = { before: ["long"], lines: Array.from({ length: 1000 }, () => "x".repeat(50)) };
  const short = { lines: ["short and whole"] };
  const shown = fitted([long, short, long], 4000, undefined);
  assert.ok(shown.includes("\n\nshort and whole\n\n"));
  assert.equal(shown.split("… cut: ").length, 3);
  assert.ok(bytes(shown) <= 4000 && bytes(shown) > 3500);
});

test("stays within the limit whatever the sections are", () => {
  const line = fc.string({ unit: "grapheme", maxLength: 80 });
  const section = fc.record({ before: fc.array(line, { maxLength: 2 }), lines: fc.array(line, { maxLength: 60 }) });
  fc.assert(
    fc.property(fc.array(section, { maxLength: 5 }), (sections) => bytes(fitted(sections, 4000, page)) <= 4000),
  );
});

test("a title is cut between characters, and says so", () => {
  assert.equal(fittedTitle("trusted"), "trusted");
  const shown = fittedTitle("🐋".repeat(100));
  assert.ok(bytes(shown) <= MAX_TITLE && bytes(shown) > MAX_TITLE - 4);
  assert.match(shown, /^🐋+…$/u);
});
