import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { test } from "node:test";
import { fingerprintOf, PublicKeyError } from "../../src/attestation/public-key.ts";
import { digestOf } from "../../src/image/digest.ts";

const pemOf = (key: KeyObject) => key.export({ type: "spki", format: "pem" }) as string;
const refuses = (pem: string, what: string) => assert.throws(() => fingerprintOf(pem), PublicKeyError, what);

test("the fingerprint is that of the bytes which the library reads", () => {
  for (const { publicKey } of [
    generateKeyPairSync("ec", { namedCurve: "prime256v1" }),
    generateKeyPairSync("ec", { namedCurve: "secp384r1" }),
    generateKeyPairSync("ed25519"),
    generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ]) {
    const pem = pemOf(publicKey);
    const der = createPublicKey(pem).export({ type: "spki", format: "der" });
    assert.equal(fingerprintOf(pem), digestOf(der));
    assert.equal(fingerprintOf(`\n${pem.replaceAll("\n", "\r\n")}`), digestOf(der), "other line ends");
  }
});

test("refuses what is no public key for signing, or a weak one", () => {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const pem = pemOf(publicKey);
  refuses(privateKey.export({ type: "pkcs8", format: "pem" }) as string, "a private key");
  refuses(pem + pem, "two keys");
  refuses(pem.replaceAll("PUBLIC KEY", "CERTIFICATE"), "a certificate");
  refuses(pemOf(generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey), "a short modulus");
  refuses(pemOf(generateKeyPairSync("x25519").publicKey), "a key that agrees on secrets");
  const der = publicKey.export({ type: "spki", format: "der" });
  const block = (bytes: Uint8Array) =>
    `-----BEGIN PUBLIC KEY-----\n${Buffer.from(bytes).toString("base64")}\n-----END PUBLIC KEY-----\n`;
  assert.equal(fingerprintOf(block(der)), fingerprintOf(pem));
  refuses(block(Buffer.concat([der, Buffer.from([0])])), "bytes after the key");
  refuses(block(der.subarray(0, -1)), "a key cut short");
  refuses(block(Buffer.concat([Buffer.from([0x30, 0x81, der[1] ?? 0]), der.subarray(2)])), "a length in a longer form");
  refuses(pem.replace("\nMF", "\nMF!"), "what isn't base64");
  refuses(block(der).replace(/=+\n|.\n-----END/, "-----END"), "base64 without its end");
});
