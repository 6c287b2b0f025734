import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, sign, verify } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { verifyPrehashed } from "../../src/sigstore/prehashed.ts";

const hashOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();

for (const namedCurve of ["prime256v1", "secp384r1", "secp521r1"]) {
  test(`verifies over a hash what Node verifies over the bytes: ${namedCurve}`, () => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(), (message, at) => {
        const signature = sign("sha256", message, privateKey);
        assert.ok(verifyPrehashed(publicKey, hashOf(message), signature));
        const other = Buffer.from(signature);
        other[at % other.length]! ^= 1;
        assert.equal(verifyPrehashed(publicKey, hashOf(message), other), verify("sha256", message, publicKey, other));
        assert.equal(verifyPrehashed(publicKey, hashOf(Buffer.concat([message, Buffer.of(0)])), signature), false);
      }),
      { numRuns: 20 },
    );
  });
}

test("verifies nothing for another key, nor for a key that signs only whole messages", () => {
  const message = Buffer.from("message");
  const [one, two] = [0, 1].map(() => generateKeyPairSync("ec", { namedCurve: "prime256v1" }));
  const signature = sign("sha256", message, one!.privateKey);
  assert.ok(verifyPrehashed(one!.publicKey, hashOf(message), signature));
  assert.equal(verifyPrehashed(two!.publicKey, hashOf(message), signature), false);
  const whole = generateKeyPairSync("ed25519");
  assert.equal(verifyPrehashed(whole.publicKey, hashOf(message), sign(null, message, whole.privateKey)), false);
});
