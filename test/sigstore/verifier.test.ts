import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fingerprintOf } from "../../src/attestation/public-key.ts";
import { type Digest, digestOf } from "../../src/image/digest.ts";
import { parseTrustedKey } from "../../src/sigstore/trusted-key.ts";
import { parseTrustedRoot, shippedTrustedRoots, type TrustedRootProfile } from "../../src/sigstore/trusted-root.ts";
import { VerificationCache } from "../../src/sigstore/verification-cache.ts";
import { createBundleVerifier, type VerificationOutcome } from "../../src/sigstore/verifier.ts";
import {
  certificate,
  createInstance,
  createLog,
  dsseBody,
  form,
  ISSUER,
  pem,
  SAN,
  SIGNED_AT,
  statement,
} from "./instance.ts";
import { asBundle, flipByte, readBundle, readBundles, readRoot, shared } from "./shared.ts";

const instance = createInstance();
const rootOf = (document: object, name = "test") => parseTrustedRoot(Buffer.from(JSON.stringify(document)), name);
const root = rootOf(instance.trustedRoot);
const verify = (json: unknown, roots: readonly TrustedRootProfile[] = [root]) =>
  createBundleVerifier({ roots }).verifyBundle(asBundle(json));
const codeOf = (outcome: VerificationOutcome) => (outcome.kind === "rejected" ? outcome.code : outcome.kind);
const pemOf = (key: { export(options: { format: "pem"; type: "spki" }): string | Buffer }) =>
  key.export({ format: "pem", type: "spki" }).toString();

test("answers statement, identity, times, bundle and root of a bundle that verifies", () => {
  const bundle = asBundle(instance.bundle());
  const outcome = createBundleVerifier({ roots: [root] }).verifyBundle(bundle);
  assert.deepEqual(outcome, {
    kind: "verified",
    statement: {
      type: statement._type,
      subject: statement.subject,
      predicateType: statement.predicateType,
      predicate: statement.predicate,
    },
    identity: { kind: "certificate", issuer: ISSUER, subjectAlternativeName: SAN, extensions: {} },
    times: [SIGNED_AT],
    bundle: bundle.digest,
    trustedRoot: "test",
  });
});

test("rejects a changed byte with the code of the check that it breaks", () => {
  const good = instance.bundle();
  const changed = (change: (bundle: ReturnType<typeof instance.bundle>) => void) => {
    const bundle = structuredClone(good);
    change(bundle);
    return codeOf(verify(bundle));
  };
  assert.equal(codeOf(verify(good)), "verified");
  const entryOf = (bundle: typeof good) => bundle.verificationMaterial.tlogEntries[0]!;
  assert.equal(
    changed((b) => {
      b.dsseEnvelope.payload = flipByte(b.dsseEnvelope.payload, 10);
    }),
    "log-entry",
  );
  assert.equal(
    changed((b) => {
      b.dsseEnvelope.signatures[0]!.sig = flipByte(b.dsseEnvelope.signatures[0]!.sig, -1);
    }),
    "log-entry",
  );
  assert.equal(
    changed((b) => {
      b.verificationMaterial.certificate.rawBytes = flipByte(b.verificationMaterial.certificate.rawBytes, -1);
    }),
    "certificate",
  );
  assert.equal(
    changed((b) => {
      b.verificationMaterial.certificate.rawBytes = "AAAA";
    }),
    "certificate",
  );
  assert.equal(
    changed((b) => {
      entryOf(b).canonicalizedBody = flipByte(entryOf(b).canonicalizedBody, 100);
    }),
    "log-entry",
  );
  assert.equal(
    changed((b) => {
      entryOf(b).inclusionPromise!.signedEntryTimestamp = flipByte(
        entryOf(b).inclusionPromise!.signedEntryTimestamp,
        -1,
      );
    }),
    "log-entry",
  );
  assert.equal(
    changed((b) => {
      entryOf(b).inclusionProof!.checkpoint.envelope = entryOf(b).inclusionProof!.checkpoint.envelope.replace(
        "\n1\n",
        "\n2\n",
      );
    }),
    "log-entry",
  );
  assert.equal(
    changed((b) => {
      entryOf(b).integratedTime = String(Number(entryOf(b).integratedTime) + 1);
    }),
    "log-entry",
  );
  assert.equal(
    changed((b) => {
      b.verificationMaterial.tlogEntries = [];
    }),
    "timestamp",
  );
});

test("rejects a log entry of another signature as one that is about something else", () => {
  const good = instance.bundle();
  const other = instance.bundle();
  assert.equal(codeOf(verify(other)), "verified");
  const { tlogEntries } = other.verificationMaterial;
  assert.equal(
    codeOf(verify({ ...good, verificationMaterial: { ...good.verificationMaterial, tlogEntries } })),
    "log-entry",
  );
});

test("rejects a signature that does not fit where log and time are in order", () => {
  const signed = instance.sign();
  const sig = Buffer.from(flipByte(signed.signature.toString("base64"), -1), "base64");
  const bundleOf = (signature: Buffer) => ({
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: {
      certificate: { rawBytes: signed.leaf.toString("base64") },
      tlogEntries: [
        instance.log.enter(dsseBody(signed.payload, signature, pem("CERTIFICATE", signed.leaf)), {
          promise: true,
          proof: true,
        }),
      ],
    },
    dsseEnvelope: { ...signed.dsseEnvelope, signatures: [{ sig: signature.toString("base64"), keyid: "" }] },
  });
  assert.equal(codeOf(verify(bundleOf(signed.signature))), "verified");
  assert.equal(codeOf(verify(bundleOf(sig))), "signature");
});

test("rejects a log entry that names another signer than the bundle", () => {
  const signed = instance.sign();
  const another = instance.sign({ signer: signed.signer });
  const bundleOf = (verifier: string) => ({
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: {
      certificate: { rawBytes: signed.leaf.toString("base64") },
      tlogEntries: [
        instance.log.enter(dsseBody(signed.payload, signed.signature, verifier), { promise: true, proof: true }),
      ],
    },
    dsseEnvelope: signed.dsseEnvelope,
  });
  assert.equal(codeOf(verify(bundleOf(pem("CERTIFICATE", signed.leaf)))), "verified");
  // Another certificate for the same key: what its authority said of the holder may differ.
  assert.equal(codeOf(verify(bundleOf(pem("CERTIFICATE", another.leaf)))), "log-entry");
  assert.equal(codeOf(verify(bundleOf(pemOf(signed.signer.publicKey)))), "log-entry");
  assert.equal(codeOf(verify(bundleOf("no PEM"))), "log-entry");
});

test("rejects an entry of a log whose time was over, though its proof is sound", () => {
  const bundleWith = (validFor: object) => {
    const second = createLog("https://second.example.test", validFor);
    const signed = instance.sign();
    const body = dsseBody(signed.payload, signed.signature, pem("CERTIFICATE", signed.leaf));
    const bundle = {
      mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
      verificationMaterial: {
        certificate: { rawBytes: signed.leaf.toString("base64") },
        tlogEntries: [instance.log.enter(body, { promise: true, proof: true }), second.enter(body, { proof: true })],
      },
      dsseEnvelope: signed.dsseEnvelope,
    };
    const { trustedRoot } = instance;
    return codeOf(verify(bundle, [rootOf({ ...trustedRoot, tlogs: [...trustedRoot.tlogs, second.instance] })]));
  };
  assert.equal(bundleWith({ start: "2026-01-01T00:00:00Z" }), "verified");
  assert.equal(bundleWith({ start: "2026-01-01T00:00:00Z", end: "2026-02-01T00:00:00Z" }), "log-entry");
});

test("R12 takes no entry's time without a promise for it", () => {
  const signed = instance.sign();
  const body = dsseBody(signed.payload, signed.signature, pem("CERTIFICATE", signed.leaf));
  const bundleOf = (promise: boolean) => ({
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: {
      certificate: { rawBytes: signed.leaf.toString("base64") },
      tlogEntries: [instance.log.enter(body, { promise, proof: true })],
    },
    dsseEnvelope: signed.dsseEnvelope,
  });
  assert.equal(codeOf(verify(bundleOf(true))), "verified");
  assert.equal(codeOf(verify(bundleOf(false))), "timestamp");
});

test("R12 answers the promised times alone, beside an entry that only states one", () => {
  const second = createLog("https://second.example.test");
  const signed = instance.sign();
  const body = dsseBody(signed.payload, signed.signature, pem("CERTIFICATE", signed.leaf));
  const later = new Date(SIGNED_AT.getTime() + 60_000);
  const timesWith = (promise: boolean) => {
    const tlogEntries = [
      instance.log.enter(body, { promise: true, proof: true }),
      second.enter(body, { promise, proof: true }, later),
    ];
    const bundle = {
      mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
      verificationMaterial: { certificate: { rawBytes: signed.leaf.toString("base64") }, tlogEntries },
      dsseEnvelope: signed.dsseEnvelope,
    };
    const tlogs = [...instance.trustedRoot.tlogs, second.instance];
    const outcome = verify(bundle, [rootOf({ ...instance.trustedRoot, tlogs })]);
    return outcome.kind === "verified" ? outcome.times : outcome.code;
  };
  assert.deepEqual(timesWith(true), [SIGNED_AT, later]);
  assert.deepEqual(timesWith(false), [SIGNED_AT]);
});

test("R12 rejects a promise over a time at which the certificate was not valid", () => {
  const signed = instance.sign();
  const body = dsseBody(signed.payload, signed.signature, pem("CERTIFICATE", signed.leaf));
  const at = (time: string) => ({
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: {
      certificate: { rawBytes: signed.leaf.toString("base64") },
      tlogEntries: [instance.log.enter(body, { promise: true, proof: true }, new Date(time))],
    },
    dsseEnvelope: signed.dsseEnvelope,
  });
  assert.equal(codeOf(verify(at("2026-03-01T12:40:00Z"))), "verified");
  assert.equal(codeOf(verify(at("2026-03-01T13:00:00Z"))), "certificate");
  assert.equal(codeOf(verify(at("2026-03-01T11:00:00Z"))), "certificate");
});

test("rejects an envelope of another payload type, and one whose payload is no statement", () => {
  const payload = Buffer.from(JSON.stringify(statement));
  assert.equal(codeOf(verify(instance.bundle({ payload, payloadType: "application/vnd.in-toto+json" }))), "verified");
  assert.equal(
    codeOf(verify(instance.bundle({ payload, payloadType: "application/vnd.in-toto.provenance+json" }))),
    "payload-type",
  );
  assert.equal(
    codeOf(verify(instance.bundle({ payload, payloadType: "application/vnd.in-toto+json\n" }))),
    "payload-type",
  );
  assert.equal(codeOf(verify(instance.bundle({ payload: Buffer.from("{}") }))), "malformed-statement");
  assert.equal(codeOf(verify(instance.bundle({ payload: Buffer.from("no JSON") }))), "malformed-statement");
});

test("R23 rejects a signed statement with a duplicate key", () => {
  const text = JSON.stringify(statement);
  assert.equal(codeOf(verify(instance.bundle({ payload: Buffer.from(text) }))), "verified");
  const twice = text.replace('"predicateType"', '"predicateType":"https://example.test","predicateType"');
  assert.equal(codeOf(verify(instance.bundle({ payload: Buffer.from(twice) }))), "malformed-statement");
});

test("rejects a message signature, which is over no statement", () => {
  const { dsseEnvelope, ...bundle } = instance.bundle();
  const [signature] = dsseEnvelope.signatures;
  const messageSignature = { messageDigest: { algorithm: "SHA2_256", digest: "AAAA" }, signature: signature!.sig };
  assert.equal(codeOf(verify({ ...bundle, messageSignature })), "payload-type");
});

test("R23 rejects a bundle that could be read in two ways, or breaks its version's rules", () => {
  const good = instance.bundle();
  const { certificate, tlogEntries } = good.verificationMaterial;
  const [entry] = tlogEntries;
  const { inclusionPromise, ...withoutPromise } = entry!;
  const { inclusionProof, ...withoutProof } = entry!;
  const [signature] = good.dsseEnvelope.signatures;
  const chain = { x509CertificateChain: { certificates: [certificate] } };
  const version = (number: string) => `application/vnd.dev.sigstore.bundle+json;version=${number}`;
  const withMaterial = (verificationMaterial: object, mediaType = good.mediaType) => ({
    ...good,
    mediaType,
    verificationMaterial,
  });

  for (const bundle of [
    { ...good, mediaType: version("0.3") },
    withMaterial({ ...chain, tlogEntries }, version("0.2")),
    withMaterial({ ...chain, tlogEntries }, version("0.1")),
    withMaterial({ ...chain, tlogEntries: [withoutProof] }, version("0.1")),
  ]) {
    assert.equal(codeOf(verify(bundle)), "verified");
  }
  const malformed: Record<string, unknown> = {
    "two contents": {
      ...good,
      messageSignature: { messageDigest: { algorithm: "SHA2_256", digest: "AAAA" }, signature: "AAAA" },
    },
    "two signers": withMaterial({ certificate, publicKey: { hint: "" }, tlogEntries }),
    "no signer": withMaterial({ tlogEntries }),
    "two signatures": { ...good, dsseEnvelope: { ...good.dsseEnvelope, signatures: [signature, signature] } },
    "no signature": { ...good, dsseEnvelope: { ...good.dsseEnvelope, signatures: [] } },
    "a chain in 0.3": withMaterial({ ...chain, tlogEntries }),
    "no promise in 0.1": withMaterial({ ...chain, tlogEntries: [withoutPromise] }, version("0.1")),
    "no proof in 0.2": withMaterial({ ...chain, tlogEntries: [withoutProof] }, version("0.2")),
    "no proof in 0.3": withMaterial({ certificate, tlogEntries: [withoutProof] }),
    "an unknown version": { ...good, mediaType: version("0.9") },
    "a version with more behind it": { ...good, mediaType: version("0.3.1") },
    "a signature that is not base64": {
      ...good,
      dsseEnvelope: { ...good.dsseEnvelope, signatures: [{ sig: `${signature!.sig}!` }] },
    },
    "too many entries": withMaterial({ certificate, tlogEntries: Array.from({ length: 33 }, () => entry) }),
    "a negative index": withMaterial({ certificate, tlogEntries: [{ ...entry, logIndex: "-1" }] }),
    "a null": null,
    "a text": "bundle",
    "an array": [good],
  };
  for (const [name, bundle] of Object.entries(malformed))
    assert.equal(codeOf(verify(bundle)), "malformed-bundle", name);
});

test("rejects two copies of one log entry", () => {
  const good = instance.bundle();
  const [entry] = good.verificationMaterial.tlogEntries;
  const twice = { ...good, verificationMaterial: { ...good.verificationMaterial, tlogEntries: [entry, entry] } };
  assert.notEqual(codeOf(verify(twice)), "verified");
});

test("never throws, whatever stands in the document", () => {
  const good = instance.bundle();
  const paths: (readonly (string | number)[])[] = [];
  const collect = (value: unknown, path: readonly (string | number)[]) => {
    paths.push(path);
    if (typeof value !== "object" || value === null) return;
    for (const [key, inner] of Object.entries(value))
      collect(inner, [...path, Array.isArray(value) ? Number(key) : key]);
  };
  collect(good, []);
  assert.ok(paths.length > 20);
  for (const path of paths.slice(1)) {
    for (const value of [
      undefined,
      null,
      0,
      -1,
      "",
      "AAAA",
      "!",
      {},
      [],
      [null],
      [{}],
      { $case: "certificate" },
      true,
    ]) {
      const bundle = structuredClone(good) as Record<string | number, unknown>;
      let at = bundle;
      for (const step of path.slice(0, -1)) at = at[step] as typeof bundle;
      at[path.at(-1)!] = value;
      const outcome = verify(bundle);
      // Hints that nothing depends on may be anything of their type.
      const isFree =
        /keyid|logIndex|rootHash|treeSize|hashes/.test(String(path.at(-1))) ||
        path.includes("inclusionPromise") ||
        path.includes("inclusionProof");
      if (!isFree) assert.equal(outcome.kind, "rejected", `${path.join(".")} = ${JSON.stringify(value)}`);
    }
  }
});

test("tries each root alone and names the one that verified", () => {
  const other = createInstance();
  const roots = [rootOf(other.trustedRoot, "other"), root];
  const outcome = verify(instance.bundle(), roots);
  assert.equal(outcome.kind === "verified" && outcome.trustedRoot, "test");
  assert.equal(codeOf(verify(instance.bundle(), roots.slice(0, 1))), "certificate");
  assert.equal(codeOf(verify(instance.bundle(), [])), "certificate");
});

test("never lets the authority of one root stand with the log of another", () => {
  const other = createInstance();
  const bundle = instance.bundle();
  const onlyAuthority = rootOf(
    { ...other.trustedRoot, certificateAuthorities: instance.trustedRoot.certificateAuthorities },
    "authority",
  );
  const onlyLog = rootOf({ ...other.trustedRoot, tlogs: instance.trustedRoot.tlogs }, "log");
  assert.equal(codeOf(verify(bundle, [root])), "verified");
  assert.equal(codeOf(verify(bundle, [onlyAuthority, onlyLog])), "log-entry");
  assert.equal(codeOf(verify(bundle, [onlyLog, onlyAuthority])), "log-entry");
});

test("checks that an intermediate authority was signed by the next one, for each bundle", () => {
  const top = instance.newKey();
  const authorityOf = (issuerKey: typeof top.privateKey) => {
    const extensions = [form.authority];
    const self = certificate({
      publicKey: top.publicKey,
      subject: "top",
      issuer: "top",
      issuerKey: top.privateKey,
      extensions,
      hours: 24,
    });
    const intermediate = certificate({
      publicKey: instance.ca.publicKey,
      subject: "ca",
      issuer: "top",
      issuerKey,
      extensions,
      hours: 24,
    });
    const [ordinary] = instance.trustedRoot.certificateAuthorities;
    const certificates = [intermediate, self].map((each) => ({ rawBytes: each.toString("base64") }));
    return rootOf({ ...instance.trustedRoot, certificateAuthorities: [{ ...ordinary, certChain: { certificates } }] });
  };
  const [sound, forged] = [authorityOf(top.privateKey), authorityOf(instance.newKey().privateKey)];
  for (let round = 0; round < 2; round++) {
    assert.equal(codeOf(verify(instance.bundle(), [sound])), "verified");
    assert.equal(codeOf(verify(instance.bundle(), [forged])), "certificate");
  }
});

test("asks for a promise of certificate transparency where the root has such logs", () => {
  const withCtLog = rootOf({ ...instance.trustedRoot, ctlogs: [createLog("https://ct.example.test").instance] });
  assert.equal(codeOf(verify(instance.bundle(), [root])), "verified");
  assert.equal(codeOf(verify(instance.bundle(), [withCtLog])), "sct");
});

test("verifies a key's signature with the times that a root proves", () => {
  const { signer, bundle } = instance.keyBundle();
  const key = parseTrustedKey(pemOf(signer.publicKey), "a key", "required");
  const outcome = createBundleVerifier({ roots: [root], keys: [key] }).verifyBundle(asBundle(bundle));
  assert.equal(outcome.kind, "verified");
  if (outcome.kind !== "verified") return;
  assert.deepEqual(outcome.identity, { kind: "key", fingerprint: key.fingerprint });
  assert.deepEqual(outcome.times, [SIGNED_AT]);
});

test("rejects a key's signature where no key, another key, or no log entry is there", () => {
  const { signer, bundle } = instance.keyBundle();
  const required = parseTrustedKey(pemOf(signer.publicKey), "a key", "required");
  const other = parseTrustedKey(pemOf(instance.newKey().publicKey), "another", "required");
  const bare = { ...bundle, verificationMaterial: { publicKey: { hint: "a hint" } } };
  const codeWith = (json: unknown, ...keys: (typeof required)[]) =>
    codeOf(createBundleVerifier({ roots: [root], keys }).verifyBundle(asBundle(json)));
  assert.equal(codeWith(bundle, other, required), "verified");
  assert.equal(codeWith(bundle), "key");
  assert.equal(codeWith(bundle, other), "signature");
  assert.equal(codeWith(bare, required), "log-entry");
  assert.equal(codeWith(instance.bundle({ signer }), required), "verified");
  assert.equal(
    codeOf(createBundleVerifier({ roots: [], keys: [required] }).verifyBundle(asBundle(instance.bundle({ signer })))),
    "certificate",
  );
});

test("verifies with the keys of whoever asks, and remembers the outcome for them alone", () => {
  const { signer, bundle } = instance.keyBundle();
  const text = pemOf(signer.publicKey);
  const named = (log: "required" | "optional") => [
    { name: "trust.builders[0].key", pem: text, fingerprint: fingerprintOf(text), log } as const,
  ];
  const verifier = createBundleVerifier({ roots: [root], cache: new VerificationCache() });
  const bare = { ...bundle, verificationMaterial: { publicKey: { hint: "a hint" } } };
  for (const _ of [1, 2]) {
    assert.equal(codeOf(verifier.verifyBundle(asBundle(bundle), named("required"))), "verified");
    assert.equal(codeOf(verifier.verifyBundle(asBundle(bundle))), "key");
    assert.equal(codeOf(verifier.verifyBundle(asBundle(bundle), [])), "key");
    assert.equal(codeOf(verifier.verifyBundle(asBundle(bare), named("optional"))), "verified");
    assert.equal(codeOf(verifier.verifyBundle(asBundle(bare), named("required"))), "log-entry");
  }
  const [key] = named("optional");
  assert.ok(key);
  const other = { ...key, fingerprint: digestOf(Buffer.from("another")) };
  assert.equal(codeOf(verifier.verifyBundle(asBundle(bundle), [other])), "key");
  assert.equal(codeOf(verifier.verifyBundle(asBundle(instance.bundle()), [other])), "key", "the policy can't be used");
});

test("a root without a log proves no log entry of a key that needs one", () => {
  const { signer, bundle } = instance.keyBundle();
  const key = parseTrustedKey(pemOf(signer.publicKey), "a key", "required");
  const bare = { ...bundle, verificationMaterial: { publicKey: { hint: "a hint" } } };
  const withoutLog = rootOf({ ...instance.trustedRoot, tlogs: [] });
  assert.equal(withoutLog.thresholds.tlog, 0);
  const code = (roots: readonly TrustedRootProfile[]) =>
    codeOf(createBundleVerifier({ roots, keys: [key] }).verifyBundle(asBundle(bare)));
  assert.equal(code([withoutLog]), "log-entry");
  assert.equal(code([withoutLog, root]), "log-entry");
});

test("R12 gives no time to a key's signature whose log entry nothing proves", () => {
  const { signer, bundle } = instance.keyBundle();
  const key = parseTrustedKey(pemOf(signer.publicKey), "a key", "optional");
  const timesUnder = (json: unknown, roots: readonly TrustedRootProfile[]) => {
    const outcome = createBundleVerifier({ roots, keys: [key] }).verifyBundle(asBundle(json));
    return outcome.kind === "verified" ? outcome.times : outcome.code;
  };
  const bare = { ...bundle, verificationMaterial: { publicKey: { hint: "a hint" } } };
  assert.deepEqual(timesUnder(bundle, [root]), [SIGNED_AT]);
  assert.deepEqual(timesUnder(bundle, []), []);
  assert.deepEqual(timesUnder(bundle, [rootOf(createInstance().trustedRoot)]), []);
  assert.deepEqual(timesUnder(bare, [root]), []);
  const changed = { ...bare, dsseEnvelope: { ...bare.dsseEnvelope, payload: flipByte(bare.dsseEnvelope.payload, 3) } };
  assert.equal(timesUnder(changed, [root]), "signature");
});

test("R14 answers from the cache for the same bundle under the same anchors only", () => {
  const cache = new VerificationCache<VerificationOutcome>();
  const bundle = asBundle(instance.bundle());
  const other = rootOf(createInstance().trustedRoot, "other");
  const first = createBundleVerifier({ roots: [root], cache }).verifyBundle(bundle);
  assert.equal(createBundleVerifier({ roots: [root], cache }).verifyBundle(bundle), first);
  assert.equal(codeOf(createBundleVerifier({ roots: [other], cache }).verifyBundle(bundle)), "certificate");
  assert.equal(codeOf(createBundleVerifier({ roots: [root], cache }).verifyBundle(bundle)), "verified");
});

test("R14 answers nothing from the cache for another document under a borrowed digest", () => {
  const cache = new VerificationCache<VerificationOutcome>();
  const verifier = createBundleVerifier({ roots: [root], cache });
  const good = asBundle(instance.bundle());
  const forged = { ...asBundle({ ...instance.bundle(), dsseEnvelope: {} }), digest: good.digest };
  assert.equal(codeOf(verifier.verifyBundle(good)), "verified");
  assert.equal(codeOf(verifier.verifyBundle(forged)), "malformed-bundle");
  assert.equal(codeOf(verifier.verifyBundle(good)), "verified");
});

test("R14 few characters that make many parts count for what they take", () => {
  const predicate = Array(4000).fill([]);
  const bundle = asBundle(instance.bundle({ payload: Buffer.from(JSON.stringify({ ...statement, predicate })) }));
  const characters = JSON.stringify(bundle.json).length;
  const kept = (limit: number, adopts: boolean) => {
    const cache = new VerificationCache<VerificationOutcome>(limit);
    const verifier = createBundleVerifier({ roots: [root], cache });
    const key = verifier.keyOf(bundle);
    const outcome = createBundleVerifier({ roots: [root] }).verifyBundle(bundle);
    assert.ok(outcome.kind === "verified");
    if (adopts) verifier.adopt(bundle, key, outcome);
    else verifier.verifyBundle(bundle);
    return verifier.recall(key) !== undefined;
  };
  for (const adopts of [false, true])
    assert.deepEqual([kept(characters * 16, adopts), kept(2 ** 20, adopts)], [false, true]);
});

test("R14 keeps the most recently used within the limit of the cache", () => {
  const cache = new VerificationCache<string>(80);
  const key = (name: string) => digestOf(Buffer.from(name)) as Digest;
  for (let index = 0; index < 8; index++) cache.set(key(`${index}`), `${index}`, 10);
  assert.equal(cache.get(key("0")), "0");
  cache.set(key("8"), "8", 10);
  assert.equal(cache.get(key("1")), undefined);
  assert.equal(cache.get(key("0")), "0");
  cache.set(key("large"), "large", 11);
  assert.equal(cache.get(key("large")), undefined);
});

const publicGood = shippedTrustedRoots().filter(({ name }) => name === "sigstore-public-good");
const gitHub = shippedTrustedRoots().filter(({ name }) => name === "github");

const sigstoreJs = shared("corpora/sigstore-js/tests/bundles");
test("verifies the public bundles of every version, under the public good root alone", {
  skip: sigstoreJs.skip,
}, () => {
  const bundles = readBundles(sigstoreJs.path, [".sigstore"]);
  assert.equal(bundles.length, 9);
  for (const { name, bytes } of bundles) {
    const verifyUnder = (roots: readonly TrustedRootProfile[]) =>
      createBundleVerifier({ roots }).verifyBundle(readBundle(bytes));
    const outcome = verifyUnder([...gitHub, ...publicGood]);
    assert.equal(outcome.kind, "verified", `${name}: ${JSON.stringify(outcome)}`);
    if (outcome.kind !== "verified") return;
    assert.equal(outcome.trustedRoot, "sigstore-public-good");
    assert.equal(outcome.times.length, 1);
    assert.ok(
      outcome.identity.kind === "certificate" && outcome.identity.subjectAlternativeName === "brian@dehamer.com",
    );
    assert.equal(codeOf(verifyUnder(gitHub)), "certificate", name);
  }
});

const cli = shared("corpora/cli-cli/pkg/cmd/attestation/test/data");
test("verifies each instance's bundles under its own root alone", { skip: cli.skip }, () => {
  const bundles = readBundles(cli.path, ["bundle.json", "bundle-v0.1.json", ".jsonl"]);
  assert.equal(bundles.length, 5);
  for (const { name, bytes } of bundles) {
    const isGitHubs = name.startsWith("github_provenance_demo");
    const [own, foreign] = isGitHubs ? [gitHub, publicGood] : [publicGood, gitHub];
    const outcome = createBundleVerifier({ roots: shippedTrustedRoots() }).verifyBundle(readBundle(bytes));
    assert.equal(outcome.kind === "verified" ? outcome.trustedRoot : JSON.stringify(outcome), own[0]?.name, name);
    assert.equal(codeOf(createBundleVerifier({ roots: foreign }).verifyBundle(readBundle(bytes))), "certificate", name);
    const artifact = readFileSync(
      `${cli.path}/${isGitHubs ? "github_provenance_demo-0.0.12-py3-none-any.whl" : "sigstore-js-2.1.0.tgz"}`,
    );
    const [algorithm, digest] = isGitHubs
      ? (["sha256", digestOf(artifact)] as const)
      : (["sha512", digestOf(artifact, "sha512")] as const);
    assert.ok(outcome.kind === "verified");
    assert.equal(`${algorithm}:${outcome.statement.subject[0]?.digest[algorithm]}`, digest, name);
  }
});

test("rejects a changed byte of a bundle that only a timestamp authority dates", { skip: cli.skip }, () => {
  const [{ bytes } = { bytes: Buffer.of() }] = readBundles(cli.path, ["any-bundle.jsonl"]);
  const good = JSON.parse(bytes.toString("utf8"));
  const changed = (change: (bundle: typeof good) => void) => {
    const bundle = structuredClone(good);
    change(bundle);
    return codeOf(verify(bundle, gitHub));
  };
  assert.equal(codeOf(verify(good, gitHub)), "verified");
  assert.equal(
    changed((b) => {
      b.dsseEnvelope.payload = flipByte(b.dsseEnvelope.payload, 10);
    }),
    "signature",
  );
  assert.equal(
    changed((b) => {
      b.dsseEnvelope.signatures[0].sig = flipByte(b.dsseEnvelope.signatures[0].sig, -1);
    }),
    "timestamp",
  );
  assert.equal(
    changed((b) => {
      b.verificationMaterial.certificate.rawBytes = flipByte(b.verificationMaterial.certificate.rawBytes, -1);
    }),
    "certificate",
  );
  const [stamp] = good.verificationMaterial.timestampVerificationData.rfc3161Timestamps;
  const withStamp = (signedTimestamp: string) =>
    changed((b) => {
      b.verificationMaterial.timestampVerificationData.rfc3161Timestamps = [{ signedTimestamp }];
    });
  assert.equal(withStamp(flipByte(stamp.signedTimestamp, -1)), "timestamp");
  assert.equal(withStamp("AAAA"), "timestamp");
  assert.equal(
    changed((b) => {
      b.verificationMaterial.timestampVerificationData = undefined;
    }),
    "timestamp",
  );
});

const slsa = shared("corpora/slsa-verifier/cli/slsa-verifier/testdata/gha_container-based/v1.7.0");
test("verifies container-based provenance from before promises had proofs beside them", { skip: slsa.skip }, () => {
  const bundles = readBundles(slsa.path, [".intoto.sigstore"]);
  assert.equal(bundles.length, 4);
  for (const { name, bytes } of bundles) {
    const outcome = createBundleVerifier({ roots: shippedTrustedRoots() }).verifyBundle(readBundle(bytes));
    assert.equal(outcome.kind, "verified", `${name}: ${JSON.stringify(outcome)}`);
    assert.ok(outcome.kind === "verified" && outcome.identity.kind === "certificate");
    assert.equal(outcome.identity.extensions.sourceRepositoryUri, "https://github.com/slsa-framework/example-package");
  }
});

const local = shared("samples/local-sigstore");
test("verifies what sigstore-js and cosign sign against a private instance, both versions of the log", {
  skip: local.skip,
}, () => {
  const bundles = readBundles(local.path, [".bundle.json", "bundle-rekor1.json", "tsa.json"]);
  assert.equal(bundles.length, 6);
  const roots = [readRoot(`${local.path}/trusted_root.json`)];
  for (const { name, bytes } of bundles) {
    const outcome = createBundleVerifier({ roots }).verifyBundle(readBundle(bytes));
    assert.equal(outcome.kind, "verified", `${name}: ${JSON.stringify(outcome)}`);
    assert.ok(outcome.kind === "verified" && outcome.identity.kind === "certificate");
    assert.equal(
      outcome.identity.subjectAlternativeName,
      "https://github.com/octo/app/.github/workflows/trusted-build.yml@refs/tags/v1.0.0",
    );
    assert.equal(
      outcome.identity.extensions.runInvocationUri,
      "https://github.com/octo/app/actions/runs/99/attempts/1",
    );
    assert.equal(outcome.times.length, name.includes("rekor1+tsa") ? 2 : 1, name);
    assert.equal(
      codeOf(createBundleVerifier({ roots: shippedTrustedRoots() }).verifyBundle(readBundle(bytes))),
      "certificate",
    );
  }
});

const mock = shared("samples/sigstore-js");
test("refuses a bundle with a timestamp alone where the root has logs", { skip: mock.skip }, () => {
  const json = JSON.parse(readFileSync(`${mock.path}/mock-bundle-tsa-only.json`, "utf8"));
  const document = JSON.parse(readFileSync(`${mock.path}/mock-trusted_root.json`, "utf8"));
  assert.equal(codeOf(verify(json, [rootOf(document)])), "log-entry");
  assert.equal(codeOf(verify(json, [rootOf({ ...document, tlogs: [] })])), "verified");
});
