import assert from "node:assert/strict";
import { test } from "node:test";
import type { PullCheck } from "../../src/change/pull.ts";
import { NOT_WRITTEN, type PinsAnswer } from "../../src/change/pull-pins.ts";
import { PIN_DIGESTS, pullReport, RE_VERIFY } from "../../src/report/pull-report.ts";
import { newParent } from "./pull-cases.ts";

const reportOf = (answer: PinsAnswer | undefined) => {
  const askedAt = new Date("2027-02-01T13:00:00Z");
  const pins = { by: "mallory", askedAt, phase: "answered", answer, tries: 0, until: undefined } as const;
  const check: PullCheck = { ...newParent.check, pins };
  return pullReport(check, newParent.documents, { server: "https://github.com" });
};

test("says what became of a click, with a link, and has the button no more where the pins are written", () => {
  const commit = "c".repeat(40);
  for (const [answer, words] of [
    [{ kind: "committed", commit, pins: 1 }, `(https://github.com/acme/app/commit/${commit})`],
    [{ kind: "proposed", pull: 13, pins: 2 }, "(https://github.com/acme/app/pull/13)"],
    [{ kind: "suggested", pins: 2, leftOut: 3 }, "3 more can't be suggested"],
  ] as const) {
    const { summary, actions } = reportOf(answer);
    assert.ok(summary.includes("### Pin digests"));
    assert.ok(summary.includes(words), summary);
    assert.deepEqual(actions, [RE_VERIFY]);
  }
});

test("says why nothing was written, changes nothing of the verdict, names nobody, and leaves the button", () => {
  const before = reportOf(undefined);
  assert.ok(!before.summary.includes("### Pin digests"));
  for (const why of NOT_WRITTEN) {
    const { summary, actions, ...same } = reportOf({ kind: "not-written", why });
    assert.ok(summary.includes("- nothing was written: "), why);
    assert.ok(!summary.includes("mallory"));
    assert.deepEqual(actions, [PIN_DIGESTS, RE_VERIFY]);
    assert.deepEqual([same.conclusion, same.title, same.text], [before.conclusion, before.title, before.text]);
  }
});
