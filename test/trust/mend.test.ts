import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDigest } from "../../src/image/digest.ts";
import type { Finding, Refusal, RefusalCode } from "../../src/trust/finding.ts";
import { mendOf } from "../../src/trust/mend.ts";
import { defaultPolicy } from "../../src/trust/policy-default.ts";
import type { JudgedNode } from "../../src/trust/verdict.ts";
import { policyOf } from "./verified.ts";

const digest = parseDigest(`sha256:${"d".repeat(64)}`);
const index = parseDigest(`sha256:${"e".repeat(64)}`);
const file = policyOf("version: 1\n");

function node(finding: Finding, changes: Partial<JudgedNode> = {}): JudgedNode {
  return {
    id: "1",
    reference: `ghcr.io/acme/app:1@${digest}`,
    digest,
    index: undefined,
    platform: undefined,
    finding,
    parents: [],
    isFromScratch: false,
    seam: undefined,
    level: 0,
    accepted: [],
    provenances: [],
    refusals: [],
    warnings: [],
    inputs: undefined,
    hints: [],
    ...changes,
  };
}
const refusal = (code: RefusalCode): Refusal => ({ code, reason: "r", where: "w", signer: "https://signer.example" });
const mendOfRefusal = (code: RefusalCode, policy = file) =>
  mendOf(policy, node({ kind: "refused", refusals: [] }), refusal(code));

test("says nothing of what needs no mending", () => {
  const sound: readonly Finding[] = [
    { kind: "attested" },
    { kind: "scratch" },
    { kind: "pinned" },
    { kind: "allowed" },
    { kind: "root", reason: "r", expires: "2027-01-01", policyPath: "trust.roots[0]" },
  ];
  for (const finding of sound) assert.equal(mendOf(file, node(finding), undefined), "");
});

test("names the digest that a root would have to name, the index's where there is one", () => {
  assert.ok(mendOf(file, node({ kind: "unattested" }), undefined).includes(`ghcr.io/acme/app:1@${digest}`));
  assert.ok(mendOf(file, node({ kind: "unattested" }, { index }), undefined).includes(`ghcr.io/acme/app:1@${index}`));
});

test("names what can't be resolved as it was written", () => {
  const unknown = node(
    { kind: "unresolved", code: "manifest-not-found", reason: "r" },
    { reference: "ghcr.io/acme/gone:1", digest: undefined },
  );
  assert.ok(mendOf(file, unknown, undefined).includes("ghcr.io/acme/gone:1 "));
});

test("R5 tells that a policy file is what the default lacks", () => {
  assert.match(mendOfRefusal("no-builder", defaultPolicy), /--policy/);
  assert.doesNotMatch(mendOfRefusal("no-builder"), /--policy/);
});

test("names the signer where policy may want to name it", () => {
  for (const code of ["no-builder", "issuer", "workflow", "source-repository", "source-owner", "ref"] as const)
    assert.match(mendOfRefusal(code), /signer\.example/, code);
});

test("doesn't blame the cryptography for what policy refused", () => {
  for (const code of [
    "run",
    "other-run",
    "other-commit",
    "other-ref",
    "source-commit",
    "malformed-provenance",
    "parameters",
    "builder-moved",
    "event",
  ] as const)
    assert.doesNotMatch(mendOfRefusal(code), /does not verify/, code);
  for (const code of ["signature", "certificate", "log-entry", "timestamp"] as const)
    assert.match(mendOfRefusal(code), /does not verify/, code);
});

test("never offers a root for what a root can't heal", () => {
  const findings: readonly Finding[] = [
    { kind: "revoked", reason: "r" },
    { kind: "malformed", code: "c", reason: "r" },
    { kind: "mismatch", code: "source-mismatch", reason: "r" },
    { kind: "mismatch", code: "tag-mismatch", reason: "r" },
    { kind: "layers-mismatch", code: "layers-mismatch", reason: "r" },
    { kind: "undeclared-base", reason: "r" },
    { kind: "layers-mismatch", code: "flattened", reason: "r" },
    { kind: "layers-mismatch", code: "diff-id-mismatch", reason: "r" },
  ];
  for (const finding of findings)
    assert.doesNotMatch(mendOf(file, node(finding), undefined), /trust\.roots/, finding.kind);
});

test("R9 never offers a root or another policy for what another run signed", () => {
  for (const code of ["other-run", "other-commit", "other-ref"] as const)
    assert.doesNotMatch(mendOfRefusal(code), /trust\.roots|trust\.builders/, code);
});

test("R9 for a build of one's own no root is advised, nor a key or a verifier: none of them is its run", () => {
  const own = { isOwn: true } as const;
  const key = { kind: "key", fingerprint: `sha256:${"f".repeat(64)}` } as unknown as NonNullable<Refusal["identity"]>;
  const refused = { kind: "refused", refusals: [] } as const;
  const pairs: readonly (readonly [Finding, Refusal | undefined])[] = [
    [{ kind: "unattested" }, undefined],
    [refused, undefined],
    [{ kind: "opaque", code: "parents-unrecorded", reason: "r" }, undefined],
    [{ kind: "opaque", code: "incomplete", reason: "r" }, undefined],
    [{ kind: "limit", reason: "r" }, undefined],
    [refused, { ...refusal("signer-kind"), identity: key }],
    [refused, { ...refusal("key"), identity: key }],
    [refused, refusal("vsa-signer")],
  ];
  const others = /trust\.roots|trust\.verifiers|trust\.builders/;
  for (const [finding, why] of pairs) {
    assert.match(mendOf(file, node(finding), why), others, finding.kind);
    assert.doesNotMatch(mendOf(file, node(finding, own), why), others, finding.kind);
    assert.notEqual(mendOf(file, node(finding, own), why), "");
  }
  // What the workflow may be is policy's to say, for own builds too.
  const workflow = mendOf(file, node(refused, own), refusal("workflow"));
  assert.equal(workflow, mendOf(file, node(refused), refusal("workflow")));
});
