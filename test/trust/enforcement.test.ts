import assert from "node:assert/strict";
import { test } from "node:test";
import { enforce, faultKeys } from "../../src/trust/enforcement.ts";
import type { Finding, RefusalCode } from "../../src/trust/finding.ts";
import type { Fault, JudgedNode, Verdict } from "../../src/trust/verdict.ts";
import { chainOf, digest, fault, findings, node, verdict } from "../report/verdicts.ts";

const refused = (...refusals: readonly RefusalCode[]): Finding => ({
  kind: "refused",
  refusals: refusals.map((code) => ({ code, reason: "why", where: "referrer x" })),
});
const codeOf = (finding: Finding) =>
  finding.kind === "refused" ? (finding.refusals[0]?.code ?? "") : "code" in finding ? finding.code : finding.kind;

/** An app on a base of which this was found. */
function onBase(finding: Finding, code = codeOf(finding), name = "base", role: "base" | "input" = "base"): Verdict {
  const [app, base] = [node("app"), node(name, { finding })];
  return verdict([app, base], { outcome: "untrusted", faults: [fault(code, [app], [base, role])] });
}

/** An image of which this was found. */
function alone(finding: Finding, given: Partial<JudgedNode> = {}, code = codeOf(finding)): Verdict {
  const app = node("app", { finding, ...given });
  return verdict([app], { outcome: "untrusted", faults: [fault(code, [app])] });
}

const reported = (given: Verdict) => enforce(given, "report", undefined).conclusion;
const ratchet = (given: Verdict, before: Verdict | undefined) =>
  enforce(given, "ratchet", before && faultKeys(before)).conclusion;

test("R35 trusted passes and undetermined doesn't, whatever is enforced", () => {
  for (const mode of ["report", "ratchet", "strict"] as const) {
    assert.equal(enforce(chainOf({}), mode, undefined).conclusion, "success", mode);
    const given = chainOf({}, { outcome: "undetermined" });
    assert.equal(enforce(given, mode, []).conclusion, "action_required", mode);
  }
});

test("R35 strict fails every fault, and report those that say that somebody tampered", () => {
  const passing = findings
    .filter((finding) => {
      const given = onBase(finding);
      assert.equal(enforce(given, "strict", faultKeys(given)).conclusion, "failure", finding.kind);
      return reported(given) === "success";
    })
    .map(({ kind }) => kind);
  assert.deepEqual(passing, ["unattested", "refused", "opaque", "unresolved"]);
  assert.equal(reported(onBase({ kind: "layers-mismatch", code: "flattened", reason: "squashed" })), "success");
});

test("R35 no mode passes what says that somebody accepted signed something else, wherever among the refusals it stands", () => {
  for (const code of [
    "revoked",
    "other-run",
    "other-commit",
    "other-ref",
    "parameters",
    "unknown-parameter",
    "run",
    "repository-id",
    "owner-id",
    "builder-moved",
  ] as const) {
    for (const finding of [refused(code), refused("workflow", code)]) {
      assert.equal(reported(onBase(finding)), "failure", code);
      assert.equal(ratchet(onBase(finding), onBase(finding)), "failure", code);
    }
  }
  for (const code of ["workflow", "no-builder", "ref", "signer-kind", "signature"] as const)
    assert.equal(reported(onBase(refused(code))), "success", code);
});

test("R9 R35 no mode passes an image of one's own that the run which made it hasn't signed", () => {
  for (const finding of [{ kind: "unattested" }, refused("no-builder"), refused("signer-kind")] as const) {
    assert.equal(reported(alone(finding)), "success");
    assert.equal(reported(alone(finding, { isOwn: true })), "failure", finding.kind);
    assert.equal(ratchet(alone(finding, { isOwn: true }), alone(finding, { isOwn: true })), "failure", finding.kind);
  }
});

test("R35 no mode passes an image that isn't there, or of which nothing was judged", () => {
  const gone: Finding = { kind: "unresolved", code: "tag-not-found", reason: "not there" };
  assert.equal(reported(alone(gone)), "failure");
  assert.equal(reported(verdict([], { outcome: "untrusted" })), "failure");
  assert.equal(ratchet(verdict([], { outcome: "untrusted" }), verdict([])), "failure");
});

test("R35 no mode passes a fault that is no node's own finding: a mixed index, a tag that moved", () => {
  for (const code of [
    "mixed-index",
    "git-tag-moved",
    "tag-went-back",
    "platform-not-found",
    "one of a later version",
  ]) {
    for (const finding of [{ kind: "attested" }, { kind: "unattested" }] as const)
      assert.equal(reported(alone(finding, {}, code)), "failure", code);
  }
});

test("R35 one fault of tampering fails beside any number of others", () => {
  const [app, base] = [
    node("app", { finding: { kind: "unattested" } }),
    node("base", { finding: { kind: "revoked", reason: "x" } }),
  ];
  const faults: readonly Fault[] = [fault("unattested", [app]), fault("revoked", [app], [base, "base"])];
  const said = enforce(verdict([app, base], { outcome: "untrusted", faults }), "report", undefined);
  assert.deepEqual([said.conclusion, said.reason], ["failure", "revoked fails whatever is enforced"]);
});

test("R35 what could not be looked at passes nowhere, though every fault would", () => {
  const unreachable = [fault("network", [node("app")], [node("tool"), "tool"])];
  const given = { ...onBase({ kind: "unattested" }), unreachable };
  assert.equal(reported(given), "action_required");
  assert.equal(ratchet(given, given), "action_required");
  assert.equal(ratchet(given, onBase({ kind: "opaque", code: "list-only", reason: "x" })), "failure");
});

test("R35 ratchet fails what is worse than when the image passed last, and everything if it never did", () => {
  const unsigned = onBase({ kind: "unattested" });
  assert.equal(ratchet(unsigned, undefined), "failure");
  assert.equal(ratchet(unsigned, chainOf({})), "failure");
  assert.equal(ratchet(unsigned, unsigned), "success");
  assert.equal(ratchet(onBase({ kind: "opaque", code: "list-only", reason: "x" }), unsigned), "failure");
  assert.equal(ratchet(onBase({ kind: "unattested" }, "unattested", "other"), unsigned), "failure");
  assert.equal(ratchet(onBase({ kind: "unattested" }, "unattested", "base", "input"), unsigned), "failure");
  assert.equal(ratchet(alone({ kind: "unattested" }), unsigned), "failure");
});

test("R35 ratchet knows a fault again under another tag and digest of the same image, and under no other name", () => {
  const at = (reference: string) => {
    const [app, base] = [node("app"), node("base", { id: reference, reference, finding: { kind: "unattested" } })];
    return verdict([app, base], { outcome: "untrusted", faults: [fault("unattested", [app], [base, "base"])] });
  };
  const before = at(`ghcr.io/acme/base:1.0.0@${digest("old")}`);
  assert.equal(ratchet(at(`ghcr.io/acme/base:2.0.0@${digest("new")}`), before), "success");
  assert.equal(ratchet(at(`ghcr.io/acme/base@${digest("new")}`), before), "success");
  assert.equal(ratchet(at(`ghcr.io/acme/evil:1.0.0@${digest("old")}`), before), "failure");
  assert.equal(ratchet(at(`ghcr.io/evil/base:1.0.0@${digest("old")}`), before), "failure");
  assert.equal(ratchet(at("not a reference"), at("another one")), "failure");
});
