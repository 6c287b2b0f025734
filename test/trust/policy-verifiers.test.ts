import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readMarkdown } from "../../scripts/markdown.ts";
import { PolicyError } from "../../src/trust/policy-fault.ts";
import { THEIR_POLICY, theKey, VERIFIER, verifierEntry } from "./summaries.ts";
import { policyOf } from "./verified.ts";

const parse = (entry: string, more = "") => policyOf(`version: 1\ntrust:\n  verifiers: [${entry}]\n${more}`);

/** The places of all faults of a policy with this entry. */
function places(entry: string, more = ""): readonly string[] {
  try {
    parse(entry, more);
    return [];
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    return error.faults.map(({ path }) => path);
  }
}

test("R28 a policy names verifiers by id, signer, policy, age and least level", () => {
  const { verifiers, newestRevocation } = parse(verifierEntry({ "max-age": "12h", minimum: "SLSA_BUILD_LEVEL_0" }));
  const [{ signer, ...entry } = assert.fail()] = verifiers;
  assert.deepEqual(entry, {
    path: "trust.verifiers[0]",
    id: VERIFIER,
    policy: THEIR_POLICY,
    maxAgeMs: 12 * 3_600_000,
    minimum: 0,
  });
  assert.deepEqual(theKey, { kind: "key", fingerprint: signer.kind === "key" && signer.key.fingerprint });
  assert.equal(newestRevocation, undefined);
});

test("R28 a verifier without one of these, or with one that can't be meant, is a fault at its place", () => {
  for (const key of ["id", "policy", "max-age", "minimum"])
    assert.deepEqual(places(verifierEntry({ [key]: undefined })), [`trust.verifiers[0].${key}`], key);
  const identity = { issuer: "https://issuer.example", name: "https://signer.example/owner/*" };
  assert.deepEqual(places(verifierEntry({ key: undefined, identity })), []);
  assert.deepEqual(places(verifierEntry({ key: undefined })), ["trust.verifiers[0]"]);
  assert.deepEqual(places(verifierEntry({ identity })), ["trust.verifiers[0]"]);
  const github = { ...identity, issuer: "https://token.actions.githubusercontent.com" };
  assert.deepEqual(places(verifierEntry({ key: undefined, identity: github })), ["trust.verifiers[0].identity.source"]);
  for (const [field, value] of [
    ["policy", "sha256:1"],
    ["max-age", "0d"],
    ["max-age", "30"],
    ["max-age", "1y"],
    ["minimum", "SLSA_BUILD_LEVEL_4"],
    ["minimum", "slsa_build_level_2"],
    ["minimum", 2],
    ["id", ""],
    ["more", true],
  ] as const)
    assert.deepEqual(places(verifierEntry({ [field]: value })), [`trust.verifiers[0].${field}`], `${field} ${value}`);
  for (const pem of ["", "sha256:1", "-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----"])
    assert.deepEqual(places(verifierEntry({ key: { pem } })), ["trust.verifiers[0].key.pem"], pem);
});

test("R28 a verifier's key reaches the signatures' check, and asks of the log what every entry with it asks", () => {
  const { keys } = parse(verifierEntry());
  assert.deepEqual(
    keys.map(({ fingerprint, log, name }) => [{ kind: "key", fingerprint }, log, name]),
    [[theKey, "optional", "trust.verifiers[0].key"]],
  );
  const both = (log: string) =>
    `  builders: [{ images: [ghcr.io/acme/app], ${JSON.stringify(JSON.parse(verifierEntry({ log })).key).replace("{", `key: { log: ${log}, `)} }]\n`;
  assert.deepEqual(places(verifierEntry(), both("optional")), []);
  assert.deepEqual(places(verifierEntry(), both("required")), [
    "trust.verifiers[0].key.log",
    "trust.builders[0].key.log",
  ]);
});

test("R28 the newest revocation is known only where every one says when it was made", () => {
  const digest = `sha256:${"1".repeat(64)}`;
  const newest = (...made: readonly string[]) =>
    parse(
      verifierEntry(),
      `  revoked: [${made.map((text) => `{ digest: "${digest}", reason: x${text && `, made: ${text}`} }`).join(", ")}]\n`,
    ).newestRevocation;
  assert.equal(newest("2026-01-02", ""), "undated");
  assert.deepEqual(newest("2026-01-02", "2026-01-01T10:00:00Z"), new Date("2026-01-02T23:59:59.999Z"));
  assert.deepEqual(newest("2026-01-01T10:00:00Z"), new Date("2026-01-01T10:00:00Z"));
});

test("R28 the verifier of docs/policy.md is one", () => {
  const { blocks } = readMarkdown(readFileSync("docs/policy.md", "utf8"));
  const { text = "" } = blocks.find(({ info }) => info === "yaml verifiers") ?? {};
  assert.equal(policyOf(text).verifiers.length, 1);
});
