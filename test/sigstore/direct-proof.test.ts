import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { parseTrustedRoot, shippedTrustedRoots, type TrustedRootProfile } from "../../src/sigstore/trusted-root.ts";
import { type BothWays, bothWays, type Document, mutationsOf } from "./both-ways.ts";
import { certificate, createInstance, der, extension, ordinary, pem } from "./instance.ts";
import { readBundles, readRoot, shared } from "./shared.ts";

/**
 * Where the library says yes and we say no, on purpose; each by the code of our refusal. Nothing else may differ, and the other way
 * round nothing at all.
 */
const STRICTER: readonly { readonly code: string; readonly because: RegExp }[] = [
  // Another document than other readers would see, or base64 that a decoder would have to repair.
  { code: "malformed-bundle", because: /reading the bundle|lacks the promise or proof|belongs|certificate chain/ },
  // The library binds an entry by signature and payload alone.
  { code: "log-entry", because: /another signer|not to be trusted|reading the log entry/ },
];

function check(what: string, { library, direct, ours, reason }: BothWays): void {
  if (direct) assert.ok(library, `${what}: the short way alone says yes`);
  if (ours === "verified") assert.ok(library, `${what}: we say yes, and the library no`);
  if (!library || ours === "verified") return;
  const named = STRICTER.some(({ code, because }) => code === ours && because.test(reason));
  assert.ok(named, `${what}: the library says yes, and we ${ours}: ${reason}`);
}

/** Holds both ways to each other over a bundle and every change of it; the short way must prove the bundle itself. */
function compare(name: string, json: Document, root: TrustedRootProfile, stride: number): number {
  const unchanged = bothWays(json, root);
  assert.deepEqual(
    { library: unchanged.library, direct: unchanged.direct, ours: unchanged.ours },
    { library: true, direct: true, ours: "verified" },
    `${name}: ${unchanged.reason}`,
  );
  let count = 0;
  for (const { what, json: changed } of mutationsOf(json, stride)) {
    check(`${name}, ${what}`, bothWays(changed, root));
    count++;
  }
  return count;
}

const [publicGood, gitHub] = shippedTrustedRoots() as [TrustedRootProfile, TrustedRootProfile];

const sigstoreJs = shared("corpora/sigstore-js/tests/bundles");
test("proves public bundles as the library does, and no change of one that it doesn't", {
  skip: sigstoreJs.skip,
}, () => {
  let count = 0;
  for (const { name, bytes } of readBundles(sigstoreJs.path, [".sigstore"])) {
    // One of each version and kind is changed; the others differ from it in nothing that is verified.
    const isChanged = /V01-dsse-no-proof|V02-intoto|V03-dsse/.test(name);
    const json = JSON.parse(bytes.toString("utf8"));
    if (isChanged) count += compare(name, json, publicGood, 113);
    else check(name, bothWays(json, publicGood));
  }
  assert.ok(count > 150, `${count} changes`);
});

const local = shared("samples/local-sigstore");
test("proves what a private instance's logs and timestamps prove, as the library does", { skip: local.skip }, () => {
  const root = readRoot(`${local.path}/trusted_root.json`);
  let count = 0;
  for (const { name, bytes } of readBundles(local.path, ["rekor2.bundle.json", "dsse+tsa.json", "rekor1+tsa.json"])) {
    count += compare(name, JSON.parse(bytes.toString("utf8")), root, 97);
  }
  assert.ok(count > 200, `${count} changes`);
});

test("takes no timestamp over another signature, however genuine", { skip: local.skip }, () => {
  const root = readRoot(`${local.path}/trusted_root.json`);
  const [first, second] = ["bundle-rekor2-dsse+tsa.json", "bundle-rekor1+tsa.json"].map((file) =>
    JSON.parse(readFileSync(`${local.path}/${file}`, "utf8")),
  );
  const swapped = structuredClone(first);
  swapped.verificationMaterial.timestampVerificationData = second.verificationMaterial.timestampVerificationData;
  const both = bothWays(swapped, root);
  assert.deepEqual([both.library, both.direct, both.ours], [false, false, "timestamp"]);
});

test("takes no timestamp from before or after its authority was trusted", { skip: local.skip }, () => {
  const document = JSON.parse(readFileSync(`${local.path}/trusted_root.json`, "utf8"));
  const json = JSON.parse(readFileSync(`${local.path}/bundle-rekor2-dsse+tsa.json`, "utf8"));
  const [authority] = document.timestampAuthorities;
  for (const validFor of [
    { start: "2030-01-01T00:00:00Z" },
    { start: "2020-01-01T00:00:00Z", end: "2021-01-01T00:00:00Z" },
  ]) {
    const changed = { ...document, timestampAuthorities: [{ ...authority, validFor }] };
    const both = bothWays(json, parseTrustedRoot(Buffer.from(JSON.stringify(changed)), "window"));
    assert.deepEqual([both.library, both.direct, both.ours], [false, false, "timestamp"]);
  }
});

const cli = shared("corpora/cli-cli/pkg/cmd/attestation/test/data");
test("proves a bundle that GitHub's own timestamps date, as the library does", { skip: cli.skip }, () => {
  const [{ bytes } = { bytes: Buffer.of() }] = readBundles(cli.path, ["any-bundle.jsonl"]);
  assert.ok(compare("GitHub's", JSON.parse(bytes.toString("utf8")), gitHub, 127) > 60);
  for (const { name, bytes: others } of readBundles(cli.path, [
    "bundle.json",
    "v0.1.json",
    "bundles.jsonl",
    "signature.json",
  ])) {
    for (const root of [publicGood, gitHub])
      check(`${name} under ${root.name}`, bothWays(JSON.parse(others.toString("utf8")), root));
  }
});

const slsa = shared("corpora/slsa-verifier/cli/slsa-verifier/testdata/gha_container-based/v1.7.0");
test("proves container-based provenance without the library", { skip: slsa.skip }, () => {
  for (const { name, bytes } of readBundles(slsa.path, [".intoto.sigstore"])) {
    const both = bothWays(JSON.parse(bytes.toString("utf8")), publicGood);
    assert.deepEqual([both.library, both.direct, both.ours], [true, true, "verified"], `${name}: ${both.reason}`);
  }
});

const conformance = shared("corpora/sigstore-conformance/test/assets/bundle-verify");
test("agrees with the library on every case of the conformance suite that holds an envelope", {
  skip: conformance.skip,
}, () => {
  const cases = readCases(conformance.path);
  assert.ok(cases.length >= 8, `${cases.length} cases`);
  for (const { name, json, root } of cases) {
    const both = bothWays(json, root);
    check(name, both);
    assert.equal(both.library, !name.endsWith("_fail"), name);
  }
});

function readCases(path: string) {
  return readdirSync(path)
    .map((name) => {
      const own = `${path}/${name}/trusted_root.json`;
      const json = JSON.parse(readFileSync(`${path}/${name}/bundle.sigstore.json`, "utf8"));
      return { name, json, root: existsSync(own) ? readRoot(own) : publicGood };
    })
    .filter(({ json }) => json.dsseEnvelope !== undefined);
}

const hexHash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

const usage = (bits: number) => extension("2.5.29.15", der(0x03, Buffer.of(0, bits)), true);
const authority = (pathLength?: number, isAuthority = true) =>
  extension(
    "2.5.29.19",
    der(
      0x30,
      ...(isAuthority ? [der(0x01, Buffer.of(0xff))] : []),
      ...(pathLength === undefined ? [] : [der(0x02, Buffer.of(pathLength))]),
    ),
    true,
  );
const keyId = (id: string) => extension("2.5.29.14", der(0x04, Buffer.from(id)));
const issuerKeyId = (id: string) => extension("2.5.29.35", der(0x30, der(0x80, Buffer.from(id))));

test("judges chains as the library does: constraints, names, key identifiers, dates, windows, order", () => {
  const { ca, log, trustedRoot, newKey, sign, ...rest } = createInstance();
  const instance = { ca, log, trustedRoot, newKey, sign, ...rest };
  const middle = newKey();
  const top = (extensions: readonly Uint8Array[], parts: object = {}) =>
    certificate({
      publicKey: ca.publicKey,
      subject: "top",
      issuer: "top",
      issuerKey: ca.privateKey,
      extensions,
      hours: 24 * 365,
      ...parts,
    });
  const below = (extensions: readonly Uint8Array[], parts: object = {}) =>
    certificate({
      publicKey: middle.publicKey,
      subject: "ca",
      issuer: "top",
      issuerKey: ca.privateKey,
      extensions,
      hours: 24 * 365,
      ...parts,
    });
  const good = [top([authority(), usage(0x06)]), below([authority(0), usage(0x06)])] as const;
  const other = newKey();
  const chains: Readonly<Record<string, readonly Buffer[]>> = {
    good: [good[1], good[0]],
    "the top alone": [good[0]],
    "the middle alone": [good[1]],
    "out of order": [good[0], good[1]],
    "twice the same": [good[1], good[1], good[0]],
    "a middle that is no authority": [below([authority(undefined, false), usage(0x06)]), good[0]],
    "a middle without constraints": [below([usage(0x06)]), good[0]],
    "a middle without key usages": [below([authority()]), good[0]],
    "a middle that may not issue": [below([authority(), usage(0x80)]), good[0]],
    "a top that is no authority": [good[1], top([authority(undefined, false), usage(0x06)])],
    "a top that allows nothing below": [good[1], top([authority(0), usage(0x06)])],
    "a top that allows one below": [good[1], top([authority(1), usage(0x06)])],
    "a middle of another's": [below([authority(0), usage(0x06)], { issuerKey: other.privateKey }), good[0]],
    "a middle of another name": [below([authority(0), usage(0x06)], { subject: "not ca" }), good[0]],
    "a middle of another issuer": [below([authority(0), usage(0x06)], { issuer: "not top" }), good[0]],
    "a middle that is over": [below([authority(0), usage(0x06)], { hours: 0.1 }), good[0]],
    "a top that is over": [good[1], top([authority(), usage(0x06)], { hours: 0.1 })],
    "key identifiers that fit": [
      below([authority(0), usage(0x06), issuerKeyId("t")]),
      top([authority(), usage(0x06), keyId("t")]),
    ],
    "key identifiers that don't": [
      below([authority(0), usage(0x06), issuerKeyId("t")]),
      top([authority(), usage(0x06), keyId("u")]),
    ],
  };
  const leafOf = (extensions: readonly Uint8Array[] = ordinary, parts: object = {}) => {
    const signer = newKey();
    const leaf = certificate({
      publicKey: signer.publicKey,
      issuer: "ca",
      issuerKey: middle.privateKey,
      extensions,
      ...parts,
    });
    return instance.bundle({ signer, reshape: () => leaf });
  };
  const leaves = {
    ordinary: leafOf(),
    "one that is over": leafOf(ordinary, { hours: 0.1 }),
    "one of another's": leafOf(ordinary, { issuerKey: other.privateKey }),
    "one that names a key": leafOf([...ordinary, issuerKeyId("m")]),
    "one of another issuer": leafOf(ordinary, { issuer: "top" }),
    "one that issued itself": leafOf(ordinary, { subject: "ca" }),
  };
  const windows = [
    { start: "2026-01-01T00:00:00Z" },
    { start: "2026-03-01T12:00:00Z", end: "2026-03-01T12:00:00Z" },
    { start: "2026-03-01T12:00:01Z" },
    { start: "2026-01-01T00:00:00Z", end: "2026-03-01T11:59:59Z" },
  ];
  const told = new Map<string, number>();
  for (const [chain, certificates] of Object.entries(chains)) {
    for (const validFor of chain === "good" ? windows : windows.slice(0, 1)) {
      const root = parseTrustedRoot(
        Buffer.from(
          JSON.stringify({
            ...trustedRoot,
            certificateAuthorities: [
              {
                ...trustedRoot.certificateAuthorities[0],
                certChain: { certificates: certificates.map((each) => ({ rawBytes: each.toString("base64") })) },
                validFor,
              },
            ],
          }),
        ),
        "chains",
      );
      for (const [leaf, json] of Object.entries(leaves)) {
        const both = bothWays(json, root);
        check(`${chain}, ${leaf}`, both);
        const key = `library ${both.library}, direct ${both.direct}`;
        told.set(key, (told.get(key) ?? 0) + 1);
      }
    }
  }
  assert.ok((told.get("library true, direct true") ?? 0) >= 8, JSON.stringify([...told]));
  assert.ok((told.get("library false, direct false") ?? 0) >= 60, JSON.stringify([...told]));
});

test("judges entries as the library does whose bodies, promises and proofs were made anew", () => {
  const instance = createInstance();
  const root = parseTrustedRoot(Buffer.from(JSON.stringify(instance.trustedRoot)), "entries");
  assert.ok(compare("the instance's", instance.bundle(), root, 29) > 60);
  // A log that says whatever it is asked to: now only the body's content is what decides.
  const { payload, signature, dsseEnvelope, leaf } = instance.sign();
  const entered = (body: object) => ({
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: {
      certificate: { rawBytes: leaf.toString("base64") },
      tlogEntries: [instance.log.enter(body, { promise: true, proof: true })],
    },
    dsseEnvelope,
  });
  const base64 = (text: Uint8Array | string) => Buffer.from(text).toString("base64");
  const signer = base64(pem("CERTIFICATE", leaf));
  const newSigner = { x509Certificate: { rawBytes: base64(leaf) }, keyDetails: "PKIX_ECDSA_P256_SHA_256" };
  const type = dsseEnvelope.payloadType;
  const signed = Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `), payload]);
  const ofHash = (bytes: Uint8Array) => ({ algorithm: "sha256", value: hexHash(bytes) });
  const newHash = (bytes: Uint8Array) => ({
    algorithm: "SHA2_256",
    digest: base64(Buffer.from(hexHash(bytes), "hex")),
  });
  const sig = base64(signature);
  const bodies = [
    {
      kind: "dsse",
      apiVersion: "0.0.1",
      spec: { payloadHash: ofHash(payload), signatures: [{ signature: sig, verifier: signer }] },
    },
    {
      kind: "intoto",
      apiVersion: "0.0.2",
      spec: {
        content: {
          payloadHash: ofHash(payload),
          envelope: { payloadType: type, signatures: [{ sig: base64(sig), publicKey: signer }] },
        },
      },
    },
    {
      kind: "hashedrekord",
      apiVersion: "0.0.1",
      spec: { data: { hash: ofHash(signed) }, signature: { content: sig, publicKey: { content: signer } } },
    },
    {
      kind: "dsse",
      apiVersion: "0.0.2",
      spec: { dsseV002: { payloadHash: newHash(payload), signatures: [{ content: sig, verifier: newSigner }] } },
    },
    {
      kind: "hashedrekord",
      apiVersion: "0.0.2",
      spec: { hashedRekordV002: { data: newHash(signed), signature: { content: sig, verifier: newSigner } } },
    },
  ];
  for (const body of bodies) {
    const name = `${body.kind} ${body.apiVersion}`;
    const unchanged = bothWays(entered(body), root);
    assert.deepEqual([unchanged.library, unchanged.direct, unchanged.ours], [true, true, "verified"], name);
    for (const { what, json } of mutationsOf({ spec: body.spec }, 97)) {
      check(`${name}, ${what}`, bothWays(entered({ ...body, ...json }), root));
    }
  }
});
