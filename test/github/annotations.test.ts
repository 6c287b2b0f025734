import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Annotation, CheckRunReport } from "../../src/build/ports.ts";
import { annotationsOf } from "../../src/github/annotations.ts";
import { actionsOf } from "../../src/github/check-run-output.ts";

const annotation: Annotation = { path: "Dockerfile", line: 3, endLine: 4, level: "notice", title: "t", message: "m" };
const detailsUrl = "https://builds.example/pulls/3f1c";
const report: CheckRunReport = { status: "completed", conclusion: "failure", title: "t", summary: "s", detailsUrl };

test("an annotation within GitHub's limits stays as it is", () => {
  const long = { ...annotation, title: "x".repeat(255), message: "ä".repeat(32_000) };
  assert.deepEqual(annotationsOf({ ...report, annotations: [long] }), [
    {
      path: "Dockerfile",
      start_line: 3,
      end_line: 4,
      annotation_level: "notice",
      title: long.title,
      message: long.message,
    },
  ]);
  assert.deepEqual(annotationsOf(report), []);
});

test("a longer one is cut between characters, and says where the whole is", () => {
  const [cut] = annotationsOf({
    ...report,
    annotations: [{ ...annotation, title: "😀".repeat(200), message: `x${"😀".repeat(20_000)}` }],
  });
  assert.ok((cut?.title.length ?? 0) <= 255 && cut?.title.isWellFormed());
  assert.ok(Buffer.byteLength(cut?.message ?? "") <= 64_000);
  assert.match(cut?.message ?? "", /^x(?:😀)+\n… cut here, .*the whole is at https:\/\/builds\.example\/pulls\/3f1c$/u);
});

test("halves of characters and lines in the wrong order, which GitHub would refuse, are mended", () => {
  const wrong = { ...annotation, line: 9, endLine: 2, title: "a\uD83D", message: "\uDE00b" };
  const [each] = annotationsOf({ ...report, annotations: [wrong] });
  assert.deepEqual([each?.start_line, each?.end_line, each?.title, each?.message], [9, 9, "a\uFFFD", "\uFFFDb"]);
});

test("whatever is annotated is within the limits", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 70_000, unit: "binary", size: "max" }), fc.nat(9), (text, line) => {
      const [each] = annotationsOf({ ...report, annotations: [{ ...annotation, line, title: text, message: text }] });
      assert.ok(each !== undefined && each.end_line >= each.start_line);
      assert.ok(each.title.length <= 255 && Buffer.byteLength(each.message) <= 64_000);
      assert.ok(each.title.isWellFormed() && each.message.isWellFormed());
    }),
    { numRuns: 40, endOnFailure: true },
  );
});

test("of more than 300 the last one stands for the rest, and is as grave as the worst of it", () => {
  const many = Array.from(
    { length: 305 },
    (_, index): Annotation => ({ ...annotation, line: index + 1, endLine: index + 1 }),
  );
  assert.deepEqual(annotationsOf({ ...report, annotations: many.slice(0, 300) }).at(-1)?.title, "t");
  const graver = many.with(303, { ...annotation, level: "failure" }).with(304, { ...annotation, level: "warning" });
  const shown = annotationsOf({ ...report, annotations: graver });
  assert.equal(shown.length, 300);
  const last = shown.at(-1);
  assert.deepEqual([last?.start_line, last?.annotation_level, last?.title], [300, "failure", "6 more"]);
  assert.match(last?.message ?? "", /6 more are not shown; the whole is at https:/);
});

test("a button's words are cut, and never what it is known by", () => {
  const button = { label: "Pin all the digests of it", description: "d".repeat(41), identifier: "i".repeat(20) };
  assert.deepEqual(actionsOf([button]), [
    { label: "Pin all the digests…", description: `${"d".repeat(39)}…`, identifier: button.identifier },
  ]);
  assert.throws(() => actionsOf([{ ...button, identifier: "i".repeat(21) }]));
  assert.throws(() => actionsOf([button, button, button, button]));
});
