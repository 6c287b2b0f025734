import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { digestOf, parseDigest } from "../../src/image/digest.ts";
import { type Artifact, verifyArtifact } from "../../src/sigstore/artifact.ts";
import { parseTrustedKey } from "../../src/sigstore/trusted-key.ts";
import { parseTrustedRoot, shippedTrustedRoots } from "../../src/sigstore/trusted-root.ts";
import { createInstance, statement } from "./instance.ts";
import { asBundle, shared } from "./shared.ts";

const instance = createInstance();
const roots = [parseTrustedRoot(Buffer.from(JSON.stringify(instance.trustedRoot)), "test")];
const bytes = Buffer.from("an artifact");
const [sha256, sha512] = [digestOf(bytes).slice(7), digestOf(bytes, "sha512").slice(7)];
const wrong = "0".repeat(64);
const file: Artifact = { kind: "bytes", bytes };
const digest: Artifact = { kind: "digest", digest: digestOf(bytes) };

/** What comes of a statement with these subjects. */
function codeFor(artifact: Artifact, ...subjects: readonly Record<string, string>[]) {
  const payload = Buffer.from(JSON.stringify({ ...statement, subject: subjects.map((each) => ({ digest: each })) }));
  const outcome = verifyArtifact(asBundle(instance.bundle({ payload })), artifact, { roots });
  return outcome.kind === "rejected" ? outcome.code : outcome.kind;
}

test("R13 accepts a statement for an artifact among its subjects, and for no other", () => {
  for (const artifact of [file, digest]) {
    assert.equal(codeFor(artifact, { sha256 }), "verified");
    assert.equal(codeFor(artifact, { sha256: wrong }, { sha256 }), "verified");
    assert.equal(codeFor(artifact, { sha256: wrong }), "subject");
    assert.equal(codeFor(artifact, { sha256: sha256.toUpperCase() }), "subject");
    assert.equal(codeFor(artifact, { sha256: sha256.slice(1) }), "subject");
    assert.equal(codeFor(artifact, { gitCommit: sha256 }), "subject");
  }
});

test("R13 asks that every digest of a subject that can be computed matches", () => {
  assert.equal(codeFor(file, { sha256, sha512 }), "verified");
  assert.equal(codeFor(file, { sha512 }), "verified");
  assert.equal(codeFor(file, { sha256, sha512: wrong + wrong }), "subject");
  assert.equal(codeFor(file, { sha256, sha512: wrong + wrong }, { sha256: wrong, sha512 }), "subject");
  assert.equal(codeFor(file, { sha256, gitCommit: "c0ffee" }), "verified");
});

test("R13 compares the one digest that is known of an artifact", () => {
  assert.equal(codeFor(digest, { sha256, sha512 }), "verified");
  assert.equal(codeFor(digest, { sha512 }), "subject");
  assert.equal(codeFor({ kind: "digest", digest: parseDigest(`sha512:${sha512}`) }, { sha512 }), "verified");
});

test("tells that it needs the bytes where the signer's key signs nothing else", () => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const json = {
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: { publicKey: { hint: "key" } },
    messageSignature: {
      messageDigest: { algorithm: "SHA2_256", digest: Buffer.from(sha256, "hex").toString("base64") },
      signature: sign(null, bytes, privateKey).toString("base64"),
    },
  };
  const key = parseTrustedKey(publicKey.export({ format: "pem", type: "spki" }).toString(), "key", "optional");
  assert.equal(verifyArtifact(asBundle(json), digest, { roots: [], keys: [key] }).kind, "bytes-needed");
});

const conformance = shared("corpora/sigstore-conformance/test/assets");
test("ties the digest in a bundle to the artifact's bytes", { skip: conformance.skip }, () => {
  const json = JSON.parse(
    readFileSync(`${conformance.path}/bundle-verify/inclusion-proof-corrupted-hash_fail/bundle.sigstore.json`, "utf8"),
  );
  const artifact = readFileSync(`${conformance.path}/a.txt`);
  const codeOf = (bundle: unknown, content: Uint8Array) => {
    const outcome = verifyArtifact(
      asBundle(bundle),
      { kind: "bytes", bytes: content },
      { roots: shippedTrustedRoots() },
    );
    return outcome.kind === "rejected" ? outcome.code : outcome.kind;
  };
  // The corrupted proof is found with the right bytes; with others, or with the digest of others, the digest is.
  assert.equal(codeOf(json, artifact), "log-entry");
  assert.equal(codeOf(json, bytes), "signature");
  const other = structuredClone(json);
  other.messageSignature.messageDigest.digest = Buffer.from(sha256, "hex").toString("base64");
  assert.equal(codeOf(other, artifact), "signature");
});

const cli = shared("corpora/cli-cli/pkg/cmd/attestation/test/data");
test("accepts a package by the SHA-512 of its subject", { skip: cli.skip }, () => {
  const json = JSON.parse(readFileSync(`${cli.path}/sigstore-js-2.1.0-bundle.json`, "utf8"));
  const kindOf = (content: Uint8Array) =>
    verifyArtifact(asBundle(json), { kind: "bytes", bytes: content }, { roots: shippedTrustedRoots() });
  const tarball = readFileSync(`${cli.path}/sigstore-js-2.1.0.tgz`);
  assert.equal(kindOf(tarball).kind, "verified");
  const outcome = kindOf(tarball.subarray(1));
  assert.equal(outcome.kind === "rejected" && outcome.code, "subject");
});

test("rejects a bundle with an invalid signature", { skip: cli.skip }, () => {
  const json = JSON.parse(readFileSync(`${cli.path}/sigstoreBundle-invalid-signature.json`, "utf8"));
  const outcome = verifyArtifact(asBundle(json), file, { roots: shippedTrustedRoots() });
  assert.equal(outcome.kind === "rejected" && outcome.code, "log-entry");
});
