import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { test } from "node:test";
import type { UnverifiedBundle } from "../../src/attestation/bundle.ts";
import { parseTrustedKey } from "../../src/sigstore/trusted-key.ts";
import { parseTrustedRoot } from "../../src/sigstore/trusted-root.ts";
import { VerificationCache } from "../../src/sigstore/verification-cache.ts";
import { createBundleVerifier, type VerificationOutcome } from "../../src/sigstore/verifier.ts";
import { certificate, createInstance, ISSUER, ordinary, pem, SAN, SIGNED_AT } from "./instance.ts";
import { asBundle } from "./shared.ts";

const instance = createInstance();
const roots = [parseTrustedRoot(Buffer.from(JSON.stringify(instance.trustedRoot)), "test")];
const verifier = createBundleVerifier({ roots });
const hex = "ab".repeat(32);
const payloadOf = (digest: string, more = "") =>
  Buffer.from(
    `{"critical":{"identity":{"docker-reference":""},"image":{"docker-manifest-digest":"sha256:${digest}"${more}},"type":"cosign container image signature"},"optional":null}`,
  );
const payload = payloadOf(hex);
const codeOf = (outcome: VerificationOutcome) => (outcome.kind === "rejected" ? outcome.code : outcome.kind);
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();

/** A signature of some bytes by a certificate, with its log entry. */
function signed(bytes: Uint8Array, artifact: Uint8Array | undefined = bytes, logged: Uint8Array = bytes) {
  const { privateKey, publicKey } = instance.newKey();
  const leaf = certificate({ publicKey, issuerKey: instance.ca.privateKey, extensions: ordinary });
  const signature = sign("sha256", bytes, privateKey).toString("base64");
  const body = {
    apiVersion: "0.0.1",
    kind: "hashedrekord",
    spec: {
      data: { hash: { algorithm: "sha256", value: sha256(logged).toString("hex") } },
      signature: {
        content: signature,
        publicKey: { content: Buffer.from(pem("CERTIFICATE", leaf)).toString("base64") },
      },
    },
  };
  const bundle = asBundle({
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: {
      certificate: { rawBytes: leaf.toString("base64") },
      tlogEntries: [instance.log.enter(body, { promise: true, proof: true })],
    },
    messageSignature: {
      messageDigest: { algorithm: "SHA2_256", digest: sha256(bytes).toString("base64") },
      signature,
    },
  });
  return artifact === undefined ? bundle : { ...bundle, artifact };
}

/** The same by a key, without a log. */
function signedByKey(bytes: Uint8Array, privateKey: KeyObject): UnverifiedBundle {
  const bundle = asBundle({
    mediaType: "application/vnd.dev.sigstore.bundle+json;version=0.1",
    verificationMaterial: { publicKey: { hint: "" }, tlogEntries: [] },
    messageSignature: {
      messageDigest: { algorithm: "SHA2_256", digest: sha256(bytes).toString("base64") },
      signature: sign("sha256", bytes, privateKey).toString("base64"),
    },
  });
  return { ...bundle, artifact: bytes };
}

test("verifies a signature over a simple-signing payload as the statement that its digest is signed", () => {
  const bundle = signed(payload);
  assert.deepEqual(verifier.verifyBundle(bundle), {
    kind: "verified",
    statement: {
      type: "https://in-toto.io/Statement/v1",
      subject: [{ digest: { sha256: hex } }],
      predicateType: "https://sigstore.dev/cosign/sign/v1",
      predicate: undefined,
    },
    identity: { kind: "certificate", issuer: ISSUER, subjectAlternativeName: SAN, extensions: {} },
    times: [SIGNED_AT],
    bundle: bundle.digest,
    trustedRoot: "test",
  });
});

test("rejects a signature whose bytes didn't come with it, whatever its digest says", () => {
  const { artifact: _, ...bundle } = signed(payload) as UnverifiedBundle;
  assert.equal(codeOf(verifier.verifyBundle(bundle)), "payload-type");
});

test("rejects a signature over one payload that comes with another", () => {
  const other = payloadOf("cd".repeat(32));
  assert.equal(codeOf(verifier.verifyBundle(signed(payload, other))), "signature");
  // With the other's digest in the bundle as well, it is the signature that doesn't fit.
  const bundle = signed(payload, other);
  const json = structuredClone(bundle.json) as { messageSignature: { messageDigest: { digest: string } } };
  json.messageSignature.messageDigest.digest = sha256(other).toString("base64");
  assert.notEqual(codeOf(verifier.verifyBundle({ ...asBundle(json), artifact: other })), "verified");
});

test("rejects a signature whose log entry is about another payload", () => {
  const other = payloadOf("cd".repeat(32));
  const bundle = signed(payload, payload, other);
  assert.equal(codeOf(verifier.verifyBundle(bundle)), "log-entry");
  // The digest in the bundle alone ties the entry to the bytes.
  const json = structuredClone(bundle.json) as { messageSignature: { messageDigest: { digest: string } } };
  json.messageSignature.messageDigest.digest = sha256(other).toString("base64");
  assert.equal(codeOf(verifier.verifyBundle({ ...asBundle(json), artifact: payload })), "signature");
});

test("R23 rejects a signed payload that names two digests in two cases, and one that is no simple signing", () => {
  const twice = payloadOf(hex, `,"Docker-manifest-digest":"sha256:${"cd".repeat(32)}"`);
  assert.equal(codeOf(verifier.verifyBundle(signed(twice))), "malformed-statement");
  assert.equal(codeOf(verifier.verifyBundle(signed(Buffer.from("any file at all")))), "malformed-statement");
});

test("verifies a key's signature over a simple-signing payload, without any time", () => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const text = publicKey.export({ format: "pem", type: "spki" }).toString();
  const bundle = signedByKey(payload, privateKey);
  const withKey = (log: "optional" | "required") =>
    createBundleVerifier({ roots, keys: [parseTrustedKey(text, "key", log)] }).verifyBundle(bundle);
  const outcome = withKey("optional");
  assert.ok(outcome.kind === "verified");
  assert.deepEqual([outcome.identity.kind, outcome.times], ["key", []]);
  assert.notEqual(withKey("required").kind, "verified");
  assert.equal(codeOf(verifier.verifyBundle(bundle)), "key");
});

test("R14 answers nothing from the cache for a signature that comes with another payload", () => {
  const cached = createBundleVerifier({ roots, cache: new VerificationCache() });
  const bundle = signed(payload);
  assert.equal(codeOf(cached.verifyBundle(bundle)), "verified");
  assert.equal(codeOf(cached.verifyBundle({ ...bundle, artifact: payloadOf("cd".repeat(32)) })), "signature");
  const { artifact: _, ...without } = bundle as UnverifiedBundle;
  assert.equal(codeOf(cached.verifyBundle(without)), "payload-type");
});
