import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { parseStatement, StatementError, subjectCovers } from "../../src/attestation/statement.ts";
import type { DigestAlgorithm } from "../../src/image/digest.ts";
import { bytesOf } from "../image/shared.ts";

const artifact = "the artifact";
const hexOf = (algorithm: DigestAlgorithm) => createHash(algorithm).update(artifact).digest("hex");
const sha256 = hexOf("sha256");
const sha512 = hexOf("sha512");

const document = {
  _type: "https://in-toto.io/Statement/v1",
  subject: [{ name: "app", digest: { sha256 } }],
  predicateType: "https://example.test/predicate/v1",
  predicate: { anything: [1, { Subject: null }] },
};

const refuses = (value: unknown, code: string) =>
  assert.throws(
    () => parseStatement(bytesOf(value)),
    (error) => error instanceof StatementError && error.code === code,
  );

test("reads both spellings of the type, and keeps the predicate as it is", () => {
  for (const _type of ["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"] as const) {
    const statement = parseStatement(bytesOf({ ...document, _type, unknown: true }));
    assert.deepEqual(statement, {
      type: _type,
      subject: [{ name: "app", digest: { sha256 } }],
      predicateType: document.predicateType,
      predicate: document.predicate,
    });
  }
});

test("reads a subject without a name, and a statement without a predicate", () => {
  const { predicate, ...rest } = document;
  const statement = parseStatement(
    bytesOf({ ...rest, subject: [{ digest: { sha256 } }, { name: null, digest: { a: "b" } }] }),
  );
  assert.deepEqual(statement.subject, [{ digest: { sha256 } }, { digest: { a: "b" } }]);
  assert.equal(statement.predicate, undefined);
});

test("refuses another type, and none", () => {
  refuses({ ...document, _type: "https://in-toto.io/Statement/v2" }, "statement-type");
  refuses({ ...document, _type: "https://in-toto.io/statement/v1" }, "statement-type");
  refuses({ ...document, _type: undefined }, "schema");
});

test("refuses a statement about nothing", () => {
  refuses({ ...document, subject: [] }, "no-subject");
  refuses({ ...document, subject: null }, "no-subject");
  refuses({ ...document, subject: [{ name: "app", digest: {} }] }, "schema");
  refuses({ ...document, subject: [{ name: "app" }] }, "schema");
});

test("R23 refuses keys that repeat or differ by case only, at every level that it knows", () => {
  refuses(JSON.stringify(document).replace("{", '{"predicateType":"https://slsa.dev/provenance/v1",'), "duplicate-key");
  refuses({ ...document, PredicateType: "https://slsa.dev/provenance/v1" }, "folded-key");
  refuses({ ...document, ſubject: [] }, "folded-key");
  refuses({ ...document, subject: [{ digest: { sha256 }, Digest: {} }] }, "folded-key");
});

test("refuses what is larger than any honest statement before it parses it", () => {
  refuses(" ".repeat(48 * 1024 * 1024 + 1), "too-large");
});

test("refuses a statement of more parts than any list of packages, before it takes up memory", () => {
  const text = (parts: number) =>
    JSON.stringify({ ...document, predicate: [] }).replace("[]}", `[${"0,".repeat(parts)}0]}`);
  parseStatement(bytesOf(text(900_000)));
  refuses(text(1_000_000), "too-many-parts");
});

const about = (...digests: Record<string, string>[]) =>
  subjectCovers(parseStatement(bytesOf({ ...document, subject: digests.map((digest) => ({ digest })) })), hexOf);

test("R13 matches a subject by any algorithm that is computed", () => {
  assert.ok(about({ sha256 }));
  assert.ok(about({ sha512 }));
  assert.ok(about({ sha384: hexOf("sha384") }));
  assert.ok(about({ gitCommit: "0" }, { sha256 }));
});

test("R13 wants every digest of a subject that can be computed to match, and ignores the others", () => {
  assert.ok(about({ sha256, sha512, md5: "0" }));
  assert.ok(!about({ sha256, sha512: "0".repeat(128) }));
  assert.ok(!about({ sha256: "0".repeat(64), sha512 }));
  assert.ok(!about({ sha256: "0".repeat(64) }, { sha256: "1".repeat(64) }));
});

test("R13 never matches by an algorithm that isn't computed, nor a malformed value", () => {
  const sha1 = createHash("sha1").update(artifact).digest("hex");
  assert.ok(!about({ sha1 }));
  assert.ok(!about({ gce_image_id: "1" }));
  assert.ok(!about({ sha256: sha256.toUpperCase() }));
  assert.ok(!about({ sha256: sha256.slice(0, 63) }));
  assert.ok(!about({ sha256: `${sha256} ` }));
  assert.ok(!about({ SHA256: sha256 }));
  assert.ok(!about({ sha256: "", sha512 }));
});

test("R13 takes no malformed value for a match, even where the artifact's own hash came out malformed", () => {
  const statement = parseStatement(bytesOf({ ...document, subject: [{ digest: { sha256: "" } }] }));
  assert.ok(!subjectCovers(statement, () => ""));
});

test("a statement is read or refused, whatever the bytes", () => {
  fc.assert(
    fc.property(fc.oneof(fc.json().map(bytesOf), fc.uint8Array(), statements().map(bytesOf)), (bytes) => {
      try {
        parseStatement(bytes);
      } catch (error) {
        assert.ok(error instanceof StatementError);
      }
    }),
  );
});

function statements(): fc.Arbitrary<unknown> {
  const field = fc.oneof(fc.jsonValue(), fc.constant(undefined));
  return fc.record({
    _type: fc.oneof(fc.constant(document._type), field),
    subject: field,
    predicateType: field,
    predicate: field,
  });
}
