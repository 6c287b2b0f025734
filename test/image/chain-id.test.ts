import assert from "node:assert/strict";
import { test } from "node:test";
import { chainIdsOf } from "../../src/image/chain-id.ts";
import { digestOf, parseDigest } from "../../src/image/digest.ts";

const of = (text: string) => digestOf(Buffer.from(text));

test("a chain id is the digest of the one below and the layer's own, and the lowest is its layer's", () => {
  const [a, b, c] = [of("a"), of("b"), of("c")];
  const two = of(`${a} ${b}`);
  assert.deepEqual(chainIdsOf([a, b, c]), [a, two, of(`${two} ${c}`)]);
  assert.deepEqual(chainIdsOf([]), []);
});

test("the chain id of the first two layers of a true image is what Docker computes", () => {
  const [first, second] = [
    parseDigest("sha256:32ae37dc07be998c2ea491ff1a9826b2873cd0cf6b5c40ccfc65990bb649b7ad"),
    of("another layer"),
  ];
  assert.deepEqual(chainIdsOf([first, second]), [first, of(`${first} ${second}`)]);
});
