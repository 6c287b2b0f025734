import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { answersText } from "../../src/report/answers.ts";
import { answered, trusted, undetermined, untrusted, unusable } from "./answered.ts";
import { hostile } from "./hostile.ts";

const all = [answered(trusted), answered(untrusted), answered(undetermined), unusable];

test("tells each of several images in a line, by shape and word, and counts those that are trusted alone", () => {
  const lines = answersText(all, { colour: false }).split("\n");
  assert.deepEqual(
    lines.slice(1, -2).map((line) => line.slice(0, 14).trim()),
    ["✔ TRUSTED", "✖ UNTRUSTED", "? UNDETERMINED", "! NO VERDICT"],
  );
  assert.equal(lines.at(-2), "1 of 4 trusted");
});

test("says the same in colours", () => {
  const coloured = answersText(all, { colour: true });
  assert.notEqual(coloured, answersText(all, { colour: false }));
  assert.equal(stripVTControlCharacters(coloured), answersText(all, { colour: false }));
});

test("gives no stranger a line of its own, nor a control character", () => {
  const text = answersText(hostile(all), { colour: false });
  assert.doesNotMatch(text, /[^\n\P{Cc}]|[\p{Cf}\p{Zl}\p{Zp}]/u);
  assert.equal(text.split("\n").length, answersText(all, { colour: false }).split("\n").length);
});
