import assert from "node:assert/strict";
import { test } from "node:test";
import { verdictsMarkdown } from "../../src/report/verdict-markdown.ts";
import { answered, trusted, undetermined, untrusted, unusable } from "./answered.ts";
import { hostile } from "./hostile.ts";
import { bare } from "./rendered.ts";
import { node, verdict } from "./verdicts.ts";

const markdown = (...given: Parameters<typeof verdictsMarkdown>[0]) =>
  verdictsMarkdown(given, Number.POSITIVE_INFINITY);
const headings = (text: string) => text.split("\n").filter((line) => line.startsWith("#"));

test("tells one image by its verdict first, then what is wrong, then its ancestry", () => {
  const text = markdown(answered(untrusted));
  assert.match(text, /^## ✖ Untrusted: `ghcr\.io\/acme\/app:1\.0\.0@sha256:/);
  assert.deepEqual(headings(text).slice(1), ["### What is wrong", "### Ancestry", "### Every image"]);
  for (const part of ["`unattested`", "policy.yml", "judged at: ", "└─ "]) assert.ok(text.includes(part), part);
  assert.ok(!markdown(answered(trusted)).includes("What is wrong"));
  assert.ok(markdown(answered(undetermined)).includes("### What could not be looked at"));
});

test("tells several images in a table first, those without a verdict too", () => {
  const text = markdown(answered(trusted), answered(undetermined), unusable);
  const rows = text.split("\n\n")[0]?.split("\n").slice(2);
  assert.deepEqual(
    rows?.map((row) => row.split(" | ")[0]),
    ["| ✔ Trusted", "| ? Undetermined", "| ! No verdict"],
  );
  assert.equal(headings(text).filter((line) => line.startsWith("## ")).length, 3);
});

test("fits into its limit, and says what was cut", () => {
  const many = Array.from({ length: 40 }, () => answered(untrusted));
  const text = verdictsMarkdown(many, 30_000);
  assert.ok(Buffer.byteLength(text) <= 30_000);
  assert.match(text, /… cut: \d+ of \d+ lines are left out/);
  assert.ok(Buffer.byteLength(markdown(...many)) > 30_000);
});

test("what strangers write is shown as it stands, and is no markup", () => {
  const warned = verdict([node("app", { warnings: ["beware"] })]);
  for (const given of [trusted, untrusted, undetermined, warned]) {
    const { lines, links, isClosed } = bare(markdown(hostile(answered(given)), hostile(unusable)));
    assert.ok(isClosed);
    const ours = bare(markdown(answered(given), unusable));
    assert.equal(headings(lines.join("\n")).length, headings(ours.lines.join("\n")).length);
    for (const line of lines) assert.doesNotMatch(line, /octocat|[@<>[\]&\\~$`]|!\[|\.example|GH-/u, line);
    for (const link of links) assert.doesNotMatch(link, /evil/);
  }
});
