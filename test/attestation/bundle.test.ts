import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { BundleError, parseBundle } from "../../src/attestation/bundle.ts";
import { digestOf } from "../../src/image/digest.ts";
import { bytesOf, shared } from "../image/shared.ts";

const entry = {
  logIndex: "1",
  logId: { keyId: "AA==" },
  inclusionPromise: { signedEntryTimestamp: "AA==" },
  inclusionProof: { logIndex: "1", hashes: [], checkpoint: { envelope: "" } },
  canonicalizedBody: "AA==",
};
const material = { certificate: { rawBytes: "AA==" }, tlogEntries: [entry] };
const envelope = {
  payloadType: "application/vnd.in-toto+json",
  payload: "e30=",
  signatures: [{ sig: "AA==", keyid: "" }],
};
const bundle = {
  mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
  verificationMaterial: material,
  dsseEnvelope: envelope,
};

const refuses = (value: unknown, code: string) =>
  assert.throws(
    () => parseBundle(bytesOf(value)),
    (error) => error instanceof BundleError && error.code === code,
  );

test("reads a bundle of each known version, and names it by the hash of its bytes", () => {
  for (const mediaType of [
    "application/vnd.dev.sigstore.bundle+json;version=0.1",
    "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
    "application/vnd.dev.sigstore.bundle.v0.3+json",
  ]) {
    const bytes = bytesOf({ ...bundle, mediaType });
    const json = { ...bundle, mediaType };
    assert.deepEqual(parseBundle(bytes), { kind: "bundle", digest: digestOf(bytes), json, bytes });
  }
});

test("refuses a bundle of an unknown version, or of none", () => {
  refuses({ ...bundle, mediaType: "application/vnd.dev.sigstore.bundle.v0.4+json" }, "media-type");
  refuses({ ...bundle, mediaType: "application/vnd.dev.sigstore.bundle+json;version=0.3 " }, "media-type");
  refuses({ ...bundle, mediaType: undefined }, "schema");
});

test("reads a message signature and a key hint; refuses two contents, two signers, and neither", () => {
  const messageSignature = { messageDigest: { algorithm: "SHA2_256", digest: "AA==" }, signature: "AA==" };
  const publicKey = { hint: "key" };
  parseBundle(bytesOf({ ...bundle, dsseEnvelope: undefined, messageSignature }));
  parseBundle(bytesOf({ ...bundle, dsseEnvelope: null, messageSignature }));
  parseBundle(bytesOf({ ...bundle, verificationMaterial: { publicKey } }));
  refuses({ ...bundle, messageSignature }, "ambiguous");
  refuses({ ...bundle, verificationMaterial: { ...material, publicKey } }, "ambiguous");
  refuses(
    { ...bundle, verificationMaterial: { ...material, x509CertificateChain: { certificates: [] } } },
    "ambiguous",
  );
  refuses({ ...bundle, dsseEnvelope: undefined }, "incomplete");
  refuses({ ...bundle, verificationMaterial: { tlogEntries: [] } }, "incomplete");
});

test("R23 refuses repeated keys, keys in another case, and the protocol buffers' spelling, at every level", () => {
  refuses(JSON.stringify(bundle).replace("{", '{"dsseEnvelope":null,'), "duplicate-key");
  refuses({ ...bundle, MediaType: "x" }, "folded-key");
  refuses({ ...bundle, media_type: "x" }, "folded-key");
  refuses({ ...bundle, message_signature: {} }, "folded-key");
  refuses({ ...bundle, Message_Signature: {} }, "folded-key");
  refuses({ ...bundle, verification_material: material }, "folded-key");
  refuses({ ...bundle, verificationMaterial: { ...material, public_key: {} } }, "folded-key");
  refuses({ ...bundle, verificationMaterial: { ...material, x509_certificate_chain: {} } }, "folded-key");
  refuses(
    { ...bundle, verificationMaterial: { ...material, tlogEntries: [{ ...entry, log_index: "2" }] } },
    "folded-key",
  );
  refuses({ ...bundle, verificationMaterial: { ...material, tlogEntries: [{ ...entry, LogId: {} }] } }, "folded-key");
  refuses({ ...bundle, dsseEnvelope: { ...envelope, payload_type: "x" } }, "folded-key");
  refuses({ ...bundle, dsseEnvelope: { ...envelope, signatures: [{ sig: "AA==", KeyID: "x" }] } }, "folded-key");
});

test("ignores fields that nobody knows", () => {
  parseBundle(bytesOf({ ...bundle, note_of_mine: 1, verificationMaterial: { ...material, later: {} } }));
});

test("refuses what is larger than any honest bundle", () => {
  refuses(" ".repeat(64 * 1024 * 1024 + 1), "too-large");
});

test("refuses a bundle of very many parts, which nobody has to have signed, before it takes up memory", () => {
  const text = (parts: number) => JSON.stringify({ ...bundle, more: [] }).replace("[]}", `[${"[],".repeat(parts)}0]}`);
  JSON.parse(text(1));
  parseBundle(bytesOf(text(20_000)));
  refuses(text(25_000), "too-many-parts");
});

test("a bundle is read or refused, whatever the bytes", () => {
  const field = fc.jsonValue();
  const near = fc.record({
    mediaType: fc.constant(bundle.mediaType),
    verificationMaterial: field,
    dsseEnvelope: field,
  });
  fc.assert(
    fc.property(fc.oneof(fc.json().map(bytesOf), fc.uint8Array(), near.map(bytesOf)), (bytes) => {
      try {
        parseBundle(bytes);
      } catch (error) {
        assert.ok(error instanceof BundleError);
      }
    }),
  );
});

const conformance = shared("corpora/sigstore-conformance/test/assets/bundle-verify");

test("reads the form of every bundle that sigstore-conformance wants verified", conformance, () => {
  const bundles = globSync("*/bundle.sigstore.json", { cwd: conformance.path }).filter(
    (path) => !path.includes("_fail/"),
  );
  assert.ok(bundles.length >= 10, `${bundles.length} bundles`);
  for (const path of bundles) {
    assert.doesNotThrow(() => parseBundle(readFileSync(join(conformance.path, path))), path);
  }
});

test("refuses the bundle of an unknown version that sigstore-conformance wants refused", conformance, () => {
  const path = join(conformance.path, "bundle-unknown-version_fail/bundle.sigstore.json");
  assert.ok(existsSync(path));
  assert.throws(() => parseBundle(readFileSync(path)), { code: "media-type" });
});

for (const [folder, pattern] of [
  ["corpora/sigstore-js/tests/bundles", "*.sigstore"],
  ["samples/local-sigstore", "*bundle*.json"],
  ["corpora/cli-cli/pkg/cmd/attestation/test/data", "sigstore-js-2.1.0-bundle*.json"],
] as const) {
  const { path, skip } = shared(folder);
  test(`reads the form of every bundle in ${folder}`, { skip }, () => {
    const files = globSync(pattern, { cwd: path });
    assert.ok(files.length > 0);
    for (const file of files) assert.doesNotThrow(() => parseBundle(readFileSync(join(path, file))), file);
  });
}
