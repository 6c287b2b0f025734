import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSimpleSigning } from "../../src/attestation/simple-signing.ts";
import { StatementError } from "../../src/attestation/statement.ts";

const hex = "ab".repeat(32);
const TYPE = "cosign container image signature";
const payload = (image: string, type = `"type":"${TYPE}"`, more = "") =>
  Buffer.from(
    `{"critical":{"identity":{"docker-reference":"ghcr.io/acme/app"},"image":{${image}},${type}},"optional":null${more}}`,
  );
const honest = `"docker-manifest-digest":"sha256:${hex}"`;

function codeOf(bytes: Uint8Array): string {
  try {
    return parseSimpleSigning(bytes).predicateType;
  } catch (error) {
    assert.ok(error instanceof StatementError);
    return error.code;
  }
}

test("a simple-signing payload is a statement that its digest is signed, and nothing more", () => {
  assert.deepEqual(parseSimpleSigning(payload(honest)), {
    type: "https://in-toto.io/Statement/v1",
    subject: [{ digest: { sha256: hex } }],
    predicateType: "https://sigstore.dev/cosign/sign/v1",
    predicate: undefined,
  });
});

test("a simple-signing payload is read whatever the case of its keys, as Go reads it", () => {
  const statement = parseSimpleSigning(payload(`"Docker-manifest-digest":"sha256:${hex}"`));
  assert.deepEqual(statement.subject, [{ digest: { sha256: hex } }]);
  assert.equal(codeOf(payload(honest, `"Type":"${TYPE}"`)), "https://sigstore.dev/cosign/sign/v1");
});

test("R23 a simple-signing payload with a key twice, in one case or two, is refused", () => {
  const other = `sha256:${"cd".repeat(32)}`;
  assert.equal(codeOf(payload(`${honest},"Docker-manifest-digest":"${other}"`)), "folded-key");
  assert.equal(codeOf(payload(`${honest},"docKer-manifest-digest":"${other}"`)), "folded-key");
  assert.equal(codeOf(payload(`${honest},"docker-manifest-digest":"${other}"`)), "duplicate-key");
  assert.equal(codeOf(payload(honest, `"type":"${TYPE}","TYPE":"${TYPE}"`)), "folded-key");
  assert.equal(codeOf(payload(honest, undefined, `,"Critical":{}`)), "folded-key");
});

test("R13 a simple-signing payload names a digest that can be computed, in its exact form", () => {
  for (const digest of [`sha256:${hex.toUpperCase()}`, `sha256:${hex}0`, `md5:${"a".repeat(32)}`, hex, ""]) {
    assert.equal(codeOf(payload(`"docker-manifest-digest":"${digest}"`)), "no-subject");
  }
});

test("a payload of another type, or of another form, is refused", () => {
  assert.equal(codeOf(payload(honest, `"type":"atomic container signature"`)), "statement-type");
  assert.equal(codeOf(payload(honest, `"type":"Cosign container image signature"`)), "statement-type");
  assert.equal(codeOf(payload(honest, `"kind":"${TYPE}"`)), "schema");
  assert.equal(codeOf(payload(`"docker-manifest-digest":["sha256:${hex}"]`)), "schema");
  assert.equal(codeOf(Buffer.from(`{"critical":[]}`)), "schema");
  assert.equal(codeOf(Buffer.from("[]")), "schema");
  assert.equal(codeOf(Buffer.from("{")), "not-json");
  assert.equal(codeOf(payload(honest, undefined, `,"x":"${"x".repeat(1 << 20)}"`)), "too-large");
});
