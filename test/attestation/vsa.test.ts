import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseStatement, subjectCovers } from "../../src/attestation/statement.ts";
import { buildLevelOf, parseVsa, trackOf, VsaError, writeVsa } from "../../src/attestation/vsa.ts";
import { shared } from "../image/shared.ts";

const corpus = shared("corpora/provenance-samples");

test("reads a genuine summary whose subject has no SHA-256: it is about nothing that we could judge", {
  skip: corpus.skip,
}, () => {
  const statement = parseStatement(readFileSync(join(corpus.path, "statements/99e8ffe5b3fb59f7.json")));
  const { verifiedLevels, policy, dependencyLevels, verificationResult } = parseVsa(statement);
  assert.deepEqual([verificationResult, verifiedLevels], ["PASSED", ["BCID_L1", "SLSA_BUILD_LEVEL_2"]]);
  // No digest of the policy, and no claim about dependencies: two more reasons why it could end no walk.
  assert.deepEqual([policy.digest, dependencyLevels], [{}, undefined]);
  assert.equal(
    subjectCovers(statement, () => "8970095005306000053"),
    false,
  );
});

const summary = {
  verifier: { id: "https://verifier.example" },
  resourceUri: "ghcr.io/acme/app",
  policy: {},
  verificationResult: "PASSED",
};

test("R28 what is written is read back, and null, unset and empty are equal but for dependencies", () => {
  const read = parseVsa({
    predicate: { ...summary, verifiedLevels: null, inputAttestations: null, timeVerified: null },
  });
  assert.deepEqual([read.verifiedLevels, read.inputAttestations, read.timeVerified], [[], [], undefined]);
  assert.equal(parseVsa({ predicate: { ...summary, dependencyLevels: null } }).dependencyLevels, undefined);
  assert.deepEqual(parseVsa({ predicate: { ...summary, dependencyLevels: {} } }).dependencyLevels, {});
  const whole = { ...read, timeVerified: new Date("2026-11-21T05:00:00Z"), dependencyLevels: {} };
  const subject = [{ name: "app", digest: { sha256: "a".repeat(64) } }];
  assert.deepEqual(parseVsa(parseStatement(writeVsa(whole, subject))), whole);
});

test("R23, R28 refuses what can be read in two ways, or in none", () => {
  const text = JSON.stringify({
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ digest: { sha256: "a".repeat(64) } }],
    predicateType: "x",
    predicate: summary,
  });
  const twice = text.replace('"verificationResult":', '"verificationResult":"FAILED","verificationResult":');
  assert.throws(() => parseStatement(Buffer.from(twice)), { code: "duplicate-key" });
  for (const predicate of [
    undefined,
    null,
    [],
    {},
    { ...summary, ResourceUri: "x" },
    { ...summary, verifier: "x" },
    { ...summary, resourceUri: "" },
    { ...summary, verificationResult: "PASS" },
    { ...summary, verifiedLevels: "SLSA_BUILD_LEVEL_3" },
    { ...summary, dependencyLevels: { SLSA_BUILD_LEVEL_3: 1.5 } },
    { ...summary, dependencyLevels: { SLSA_BUILD_LEVEL_3: 2 ** 53 } },
    { ...summary, timeVerified: "2026-02-30T00:00:00Z" },
  ])
    assert.throws(() => parseVsa({ predicate }), VsaError, JSON.stringify(predicate));
});

test("R28 levels are SLSA's letter for letter", () => {
  const levels = [
    "SLSA_BUILD_LEVEL_0",
    "SLSA_BUILD_LEVEL_3",
    "SLSA_BUILD_LEVEL_4",
    "SLSA_BUILD_LEVEL_3 ",
    "slsa_build_level_3",
  ];
  assert.deepEqual(levels.map(buildLevelOf), [0, 3, undefined, undefined, undefined]);
  const texts = ["SLSA_BUILD_LEVEL_9", "SLSA_SOURCE_LEVEL_1", "FAILED", "BCID_L1", "SLSA_X"];
  assert.deepEqual(texts.map(trackOf), ["BUILD", "SOURCE", undefined, undefined, "SLSA_X"]);
});
