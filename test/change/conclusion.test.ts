import assert from "node:assert/strict";
import { test } from "node:test";
import { conclusionOfFile, conclusionOfPull } from "../../src/change/conclusion.ts";
import type { FileForecast, FileState, PolicyOf, PullFile, PullOutcome } from "../../src/change/pull.ts";
import type { ForecastStanding } from "../../src/trust/forecast-standing.ts";

const standing = (outcome: ForecastStanding["outcome"], isPartial = outcome === "undetermined"): FileForecast => ({
  policy: "repository",
  key: outcome,
  standing: { outcome, faults: [], isPartial, asOf: new Date(0), validUntil: undefined },
});
const judged = (...forecasts: readonly FileForecast[]): FileState => ({ kind: "judged", forecasts });
const said = (conclusion: "success" | "failure" | "action_required", policy: PolicyOf = "repository") =>
  ({ policy, mode: "report", conclusion, reason: "" }) as const;
const file = (after: FileState, ...enforced: readonly ReturnType<typeof said>[]): PullFile => ({
  path: "Dockerfile",
  previousPath: undefined,
  isTouched: true,
  build: undefined,
  platforms: ["linux/amd64"],
  before: { kind: "absent" },
  after,
  enforced,
});
const pull = (verdict: "trusted" | "untrusted" | "undetermined", ...files: readonly PullFile[]): PullOutcome => ({
  kind: "judged",
  verdict,
  files,
});

test("R35 a file passes only by the word of every policy that weighed it", () => {
  const untrusted = judged(standing("untrusted"));
  assert.equal(conclusionOfFile(file(untrusted, said("success"))), "success");
  assert.equal(conclusionOfFile(file(untrusted, said("failure"))), "failure");
  assert.equal(conclusionOfFile(file(untrusted)), "failure", "nobody weighed it");
  assert.equal(conclusionOfFile(file(untrusted, said("success", "organisation"))), "failure", "another policy did");
  const both = judged(standing("untrusted"), { ...standing("untrusted"), policy: "organisation" });
  assert.equal(conclusionOfFile(file(both, said("success"), said("failure", "organisation"))), "failure");
  assert.equal(
    conclusionOfFile(file(both, said("action_required"), said("success", "organisation"))),
    "action_required",
  );
});

test("R35 what could not be looked at passes by no policy's word", () => {
  assert.equal(conclusionOfFile(file(judged(standing("undetermined")), said("success"))), "action_required");
  assert.equal(conclusionOfFile(file(judged(standing("untrusted", true)), said("success"))), "action_required");
  assert.equal(conclusionOfFile(file(judged(standing("trusted")), said("success"))), "success");
});

test("R18 a file of which nothing was judged fails, and one that is gone doesn't", () => {
  assert.equal(conclusionOfFile(file(judged())), "failure");
  assert.equal(conclusionOfFile(file({ kind: "refused", line: 1, column: 1, reason: "" })), "failure");
  assert.equal(conclusionOfFile(file({ kind: "refused", line: 1, column: 1, reason: "" }, said("success"))), "success");
  assert.equal(conclusionOfFile(file({ kind: "absent" })), "success");
});

test("R35 the worst file decides, and no outcome is neutral", () => {
  const [good, open, bad] = [
    file(judged(standing("trusted")), said("success")),
    file(judged(standing("undetermined")), said("action_required")),
    file(judged(standing("untrusted")), said("failure")),
  ];
  const outcomes: readonly (readonly [PullOutcome, string])[] = [
    [pull("trusted", good), "success"],
    [pull("undetermined", good, open), "action_required"],
    [pull("untrusted", good, open, bad), "failure"],
    [pull("trusted"), "failure"],
    [pull("undetermined"), "action_required"],
    [{ kind: "no-dockerfile" }, "success"],
    [{ kind: "policy-wrong", policy: "", faults: [] }, "failure"],
    [{ kind: "undetermined", reason: "" }, "action_required"],
    [{ kind: "superseded" }, "cancelled"],
  ];
  for (const [outcome, conclusion] of outcomes) {
    assert.equal(conclusionOfPull(outcome), conclusion, JSON.stringify(outcome));
  }
});

test("R31 a pull request doesn't pass while another one of the same head doesn't, since GitHub counts check runs by commit", () => {
  const passing: PullOutcome = { kind: "no-dockerfile" };
  assert.equal(conclusionOfPull(passing), "success");
  assert.equal(conclusionOfPull({ ...passing, heldBackBy: 7 }), "failure");
  const open = pull("undetermined", file(judged(standing("undetermined"))));
  assert.ok(open.kind === "judged");
  assert.equal(conclusionOfPull({ ...open, heldBackBy: 7 }), "action_required");
});

test("more files than are looked at fail", () => {
  assert.equal(conclusionOfPull({ kind: "limit", reason: "51 Dockerfiles" }), "failure");
});
