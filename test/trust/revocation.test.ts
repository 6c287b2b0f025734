import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../src/image/digest.ts";
import { revokedCommit, revokedDigest, revokedIdentity, revokesByEvidence } from "../../src/trust/revocation.ts";
import { type Alteration, commit, extensions, policyOf, signedByKey, verified } from "./verified.ts";

const revoking = (...entries: readonly string[]) =>
  policyOf(
    `version: 1\ntrust:\n  revoked:\n${entries.map((entry) => `    - { ${entry}, reason: because }\n`).join("")}`,
  );
const bytes = new TextEncoder().encode("manifest");
const other = new TextEncoder().encode("other");

test("R27 a revoked digest is revoked, and no other is", () => {
  const policy = revoking(`digest: "${digestOf(bytes)}"`);
  assert.equal(revokedDigest(policy, [digestOf(other), digestOf(bytes)]), "because");
  assert.equal(revokedDigest(policy, [digestOf(other)]), undefined);
});

test("R27 a revoked commit is revoked, and no other is", () => {
  assert.equal(revokedCommit(revoking(`commit: ${commit}`), verified()), "because");
  assert.equal(revokedCommit(revoking(`commit: ${"b".repeat(40)}`), verified()), undefined);
  assert.equal(revokedCommit(revoking(`commit: ${commit}`), signedByKey()), undefined);
});

const at = (...times: readonly string[]): Alteration => ({ times: times.map((time) => new Date(time)) });
const identity = `identity: "${extensions.buildSignerUri}"`;
const isRevoked = (entry: string, alteration: Alteration) =>
  revokedIdentity(revoking(entry), verified(alteration)) !== undefined;

test("R12 without a window every time is revoked", () => {
  assert.ok(isRevoked(identity, at("2020-01-01T00:00:00Z")));
  assert.ok(isRevoked(identity, at()));
});

test("R12 a window revokes what is inside, its first and last moment too, and nothing outside", () => {
  const window = `${identity}, from: "2026-05-01T10:00:00Z", until: "2026-05-01T11:00:00Z"`;
  for (const time of ["2026-05-01T10:00:00Z", "2026-05-01T10:30:00Z", "2026-05-01T11:00:00Z"])
    assert.ok(isRevoked(window, at(time)), time);
  for (const time of ["2026-05-01T09:59:59.999Z", "2026-05-01T11:00:00.001Z"])
    assert.ok(!isRevoked(window, at(time)), time);
});

test("R12 a day is the whole day", () => {
  const window = `${identity}, from: 2026-05-01, until: 2026-05-01`;
  for (const time of ["2026-05-01T00:00:00Z", "2026-05-01T23:59:59.999Z"]) assert.ok(isRevoked(window, at(time)), time);
  for (const time of ["2026-04-30T23:59:59.999Z", "2026-05-02T00:00:00Z"])
    assert.ok(!isRevoked(window, at(time)), time);
});

test("R12 a window without beginning or end reaches as far as time does", () => {
  assert.ok(isRevoked(`${identity}, until: 2026-05-01`, at("1990-01-01T00:00:00Z")));
  assert.ok(!isRevoked(`${identity}, until: 2026-05-01`, at("2026-05-02T00:00:00Z")));
  assert.ok(isRevoked(`${identity}, from: 2026-05-01`, at("2999-01-01T00:00:00Z")));
  assert.ok(!isRevoked(`${identity}, from: 2026-05-01`, at("2026-04-30T00:00:00Z")));
});

test("R12 of several proven times the earliest and the latest span what a window may overlap", () => {
  const window = `${identity}, from: 2026-05-02, until: 2026-05-03`;
  assert.ok(isRevoked(window, at("2026-05-05T00:00:00Z", "2026-05-01T00:00:00Z")), "the window is inside the span");
  assert.ok(isRevoked(window, at("2026-05-01T00:00:00Z", "2026-05-02T10:00:00Z")));
  assert.ok(isRevoked(window, at("2026-05-03T10:00:00Z", "2026-05-09T10:00:00Z")));
  assert.ok(!isRevoked(window, at("2026-05-04T00:00:00Z", "2026-05-05T00:00:00Z")));
  assert.ok(!isRevoked(window, at("2026-04-04T00:00:00Z", "2026-05-01T00:00:00Z")));
});

test("R12 a statement without proven time, or with one that is none, is revoked by any window", () => {
  const window = `${identity}, from: 2026-05-02, until: 2026-05-03`;
  assert.ok(isRevoked(window, at()));
  assert.ok(isRevoked(window, at("nonsense")));
  assert.ok(isRevoked(window, at("2020-01-01T00:00:00Z", "nonsense")));
});

test("R12 a window revokes the signer that it names, and nobody else", () => {
  assert.ok(!isRevoked(identity.replace("@refs/tags/v2", "@refs/tags/v3"), at()));
  assert.ok(isRevoked('identity: "https://github.com/acme/builder/**@refs/tags/*"', at()));
  assert.ok(
    !isRevoked('identity: "https://github.com/acme/builder/**@refs/tags/*"', {
      subjectAlternativeName: extensions.buildConfigUri,
    }),
  );
  assert.ok(isRevoked(identity, { subjectAlternativeName: extensions.buildSignerUri, times: [] }));
});

test("R12 spelling the signer's name in other letters doesn't get past a revocation", () => {
  assert.ok(isRevoked(identity.toUpperCase().replace("IDENTITY", "identity"), at()));
  const renamed = { subjectAlternativeName: extensions.buildSignerUri.replace("acme/builder", "Acme/Builder") };
  assert.ok(isRevoked(identity, renamed));
});

test("R12 a key is revoked by its fingerprint", () => {
  const key = signedByKey();
  assert.equal(revokedIdentity(revoking(`identity: "sha256:${"1".repeat(64)}"`), key), "because");
  assert.equal(revokedIdentity(revoking(`identity: "sha256:${"2".repeat(64)}"`), key), undefined);
});

test("R27 a root must be looked at where commits or signers are revoked, and not for digests alone", () => {
  assert.ok(revokesByEvidence(revoking(`commit: ${commit}`)));
  assert.ok(revokesByEvidence(revoking(identity)));
  assert.ok(!revokesByEvidence(revoking(`digest: "${digestOf(bytes)}"`)));
  assert.ok(!revokesByEvidence(policyOf("version: 1\n")));
});

test("R12 R27 a builder's version is revoked by its ref, by its commit, or by both in a window", () => {
  const ref = `builder: "acme/builder/.github/workflows/build.yml@refs/tags/v2"`;
  assert.ok(isRevoked(ref, {}));
  assert.ok(isRevoked(`builder: "ACME/**@refs/tags/**"`, {}), "GitHub's names have no case");
  assert.ok(isRevoked(`${ref}, workflow-digest: ${extensions.buildSignerDigest}`, {}));
  assert.ok(isRevoked(`${ref}, workflow-digest: ${"c".repeat(40)}`, { extensions: { buildSignerDigest: undefined } }));
  for (const entry of [
    `builder: "acme/builder/.github/workflows/build.yml@refs/tags/v1"`,
    `builder: "acme/builder/.github/workflows/build.yml@refs/heads/v2"`,
    `builder: "acme/app/.github/workflows/release.yml@refs/tags/v1.0"`,
    `${ref}, workflow-digest: ${"c".repeat(40)}`,
    `${ref}, until: 2026-04-30`,
  ])
    assert.ok(!isRevoked(entry, {}), entry);
  assert.ok(isRevoked(`${ref}, until: 2026-04-30`, { times: [] }), "without a proven time any window is its window");
  assert.equal(revokedIdentity(revoking(ref), signedByKey()), undefined);
  assert.ok(revokesByEvidence(revoking(ref)));
});

test("R12 a revoked builder that can't be meant is refused when the policy is read", () => {
  for (const builder of [
    "acme/builder",
    "**",
    "https://github.com/acme/b/.github/workflows/b.yml@refs/tags/v1",
    "a@b@c",
  ])
    assert.throws(() => revoking(`builder: "${builder}"`), builder);
});
