import assert from "node:assert/strict";
import { test } from "node:test";
import { parseStatement } from "../../src/attestation/statement.ts";
import { weightOf } from "../../src/attestation/statement-weight.ts";

function weigh(predicate: unknown): number {
  const subject = [{ digest: { sha256: "0".repeat(64) } }];
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    predicateType: "https://example.test",
    subject,
    predicate,
  };
  return weightOf(parseStatement(Buffer.from(JSON.stringify(statement))));
}

test("a statement weighs what it has of parts, and of long texts as keys and values", () => {
  const nothing = weigh({});
  assert.equal(weigh(Array(1000).fill([])), nothing + 1000);
  assert.equal(weigh({ a: null, b: true, c: 1, d: "x" }), nothing + 4);
  assert.equal(weigh({ a: "x".repeat(64_000) }), nothing + 1001);
  assert.equal(weigh({ ["x".repeat(64_000)]: 1 }), nothing + 1001);
});
