import assert from "node:assert/strict";
import { createHash, type KeyObject } from "node:crypto";
import { test } from "node:test";
import { parseTrustedKey } from "../../src/sigstore/trusted-key.ts";
import { parseTrustedRoot } from "../../src/sigstore/trusted-root.ts";
import { createBundleVerifier } from "../../src/sigstore/verifier.ts";
import { bothWays, type Document } from "./both-ways.ts";
import { createInstance, pem } from "./instance.ts";
import { asBundle } from "./shared.ts";

const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");
const base64 = (text: string) => Buffer.from(text).toString("base64");

/** An attestation as cosign 1 made it: the certificate in a chain, the log's promise alone, and an entry that keeps only hashes. */
function oldAttestation(change: (content: Document, spec: Document) => void = () => {}, keySigned = false) {
  const instance = createInstance();
  const { payload, dsseEnvelope, leaf, signer } = instance.sign();
  const spkiOf = (key: KeyObject) => key.export({ format: "der", type: "spki" });
  const signerPem = keySigned ? pem("PUBLIC KEY", spkiOf(signer.publicKey)) : pem("CERTIFICATE", leaf);
  const sig = dsseEnvelope.signatures[0]?.sig;
  const sent = JSON.stringify({
    payloadType: dsseEnvelope.payloadType,
    payload: dsseEnvelope.payload,
    signatures: [{ keyid: "", sig }],
  });
  const spec = {
    content: {
      hash: { algorithm: "sha256", value: sha256(sent) },
      payloadHash: { algorithm: "sha256", value: sha256(payload) },
    },
    publicKey: base64(signerPem),
  };
  change(spec.content, spec);
  const entry = instance.log.enter({ apiVersion: "0.0.1", kind: "intoto", spec }, { promise: true });
  const root = parseTrustedRoot(Buffer.from(JSON.stringify(instance.trustedRoot)), "old");
  const json = {
    mediaType: "application/vnd.dev.sigstore.bundle+json;version=0.1",
    verificationMaterial: {
      ...(keySigned
        ? { publicKey: { hint: "" } }
        : { x509CertificateChain: { certificates: [{ rawBytes: leaf.toString("base64") }] } }),
      tlogEntries: [entry],
    },
    dsseEnvelope,
  };
  const outcomeOf = (document: Document) => {
    const keys = keySigned ? [parseTrustedKey(signerPem, "key", "required")] : [];
    const outcome = createBundleVerifier({ roots: [root], keys }).verifyBundle(asBundle(document));
    return outcome.kind === "verified" ? "verified" : outcome.code;
  };
  return { json, root, instance, outcomeOf };
}

test("verifies an attestation whose log entry keeps only hashes (intoto 0.0.1), which the library can't", () => {
  const { json, root, outcomeOf } = oldAttestation();
  const both = bothWays(json, root);
  assert.deepEqual([both.library, both.direct, both.ours], [false, true, "verified"], both.reason);
  assert.equal(outcomeOf(json), "verified");
  const keyed = oldAttestation(undefined, true);
  assert.equal(keyed.outcomeOf(keyed.json), "verified");
});

test("rejects an entry of hashes that is about another payload, signer or envelope", () => {
  const stranger = createInstance().sign();
  const changed = (change: (content: Document, spec: Document) => void) => {
    const { json, outcomeOf } = oldAttestation(change);
    return outcomeOf(json);
  };
  const wrong = { algorithm: "sha256", value: sha256("something else") };
  assert.equal(
    changed((content) => {
      content.payloadHash = wrong;
    }),
    "log-entry",
  );
  assert.equal(
    changed((content) => {
      content.payloadHash.algorithm = "sha512";
    }),
    "log-entry",
  );
  assert.equal(
    changed((_, spec) => {
      spec.publicKey = base64(pem("CERTIFICATE", stranger.leaf));
    }),
    "log-entry",
  );
  assert.equal(
    changed((_, spec) => {
      spec.publicKey = undefined;
    }),
    "log-entry",
  );
  // Before the log kept the payload's hash, the envelope's alone says what the entry is about.
  assert.equal(
    changed((content) => {
      content.payloadHash = undefined;
    }),
    "verified",
  );
  assert.equal(
    changed((content) => {
      content.payloadHash = undefined;
      content.hash = wrong;
    }),
    "log-entry",
  );
});

test("rejects an old attestation for its own faults, each with its code", () => {
  const { json, instance, outcomeOf } = oldAttestation();
  const changed = (change: (document: Document) => void) => {
    const copy = structuredClone(json);
    change(copy);
    return outcomeOf(copy);
  };
  const other = instance.sign({ payload: Buffer.from('{"_type":"https://in-toto.io/Statement/v1"}') });
  assert.equal(
    changed((document) => {
      document.dsseEnvelope.signatures = other.dsseEnvelope.signatures;
    }),
    "signature",
  );
  assert.equal(
    changed((document) => {
      document.dsseEnvelope = other.dsseEnvelope;
    }),
    "log-entry",
  );
  assert.equal(
    changed((document) => {
      document.verificationMaterial.x509CertificateChain.certificates = [{ rawBytes: other.leaf.toString("base64") }];
    }),
    "log-entry",
  );
  assert.equal(
    changed((document) => {
      document.verificationMaterial.tlogEntries[0].integratedTime = String(Date.UTC(2026, 5) / 1000);
    }),
    "certificate",
  );
  assert.equal(
    changed((document) => {
      document.verificationMaterial.tlogEntries[0].logIndex = "7";
    }),
    "log-entry",
  );
  assert.equal(
    changed((document) => {
      document.verificationMaterial.tlogEntries[0].kindVersion.version = "0.0.2";
    }),
    "log-entry",
  );
});
