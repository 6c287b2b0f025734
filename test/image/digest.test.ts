import assert from "node:assert/strict";
import { test } from "node:test";
import { algorithmOf, digestOf, hexOf, isDigest, parseDigest } from "../../src/image/digest.ts";
import { bytesOf } from "./shared.ts";

const hex = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";

test("computes the digest that sha256sum tells", () => {
  assert.equal(digestOf(bytesOf("foo")), `sha256:${hex}`);
});

for (const algorithm of ["sha256", "sha384", "sha512"] as const) {
  test(`R13 takes a digest of ${algorithm} apart`, () => {
    const digest = digestOf(bytesOf("foo"), algorithm);
    assert.equal(algorithmOf(digest), algorithm);
    assert.equal(`${algorithmOf(digest)}:${hexOf(digest)}`, digest);
    assert.equal(parseDigest(digest), digest);
  });
}

for (const [what, text] of [
  ["another algorithm", `sha1:${hex.slice(0, 40)}`],
  ["an algorithm in upper case", `SHA256:${hex}`],
  ["upper-case hexadecimal", `sha256:${hex.toUpperCase()}`],
  ["a digit too few", `sha256:${hex.slice(1)}`],
  ["a digit too many", `sha256:${hex}0`],
  ["another algorithm's length", `sha512:${hex}`],
  ["a newline behind it", `sha256:${hex}\n`],
  ["a newline in place of the last digit", `sha256:${hex.slice(1)}\n`],
  ["no algorithm", hex],
  ["an inherited name for an algorithm", `constructor:${hex}`],
] as const) {
  test(`R13 refuses a digest with ${what}`, () => {
    assert.equal(isDigest(text), false);
    assert.throws(() => parseDigest(text), { code: "malformed-digest" });
    assert.equal(isDigest(`sha256:${hex}`), true);
  });
}
