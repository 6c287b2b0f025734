import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { digestOf } from "../../src/image/digest.ts";
import { parseTrustedKey } from "../../src/sigstore/trusted-key.ts";
import { parseTrustedRoot, shippedTrustedRoots } from "../../src/sigstore/trusted-root.ts";
import { createInstance, createLog } from "./instance.ts";
import { shared } from "./shared.ts";

const instance = createInstance();
const parse = (document: unknown) =>
  parseTrustedRoot(Buffer.from(typeof document === "string" ? document : JSON.stringify(document)), "a root");
const { trustedRoot } = instance;
const [authority] = trustedRoot.certificateAuthorities;
const [log] = trustedRoot.tlogs;

test("derives what a root asks for from what the root has", () => {
  assert.deepEqual(parse(trustedRoot).thresholds, { tlog: 1, ctlog: 0, tsa: 0 });
  const ctlogs = [createLog("https://ct.example.test").instance];
  assert.deepEqual(parse({ ...trustedRoot, ctlogs }).thresholds, { tlog: 1, ctlog: 1, tsa: 0 });
  assert.deepEqual(parse({ ...trustedRoot, tlogs: [] }).thresholds, { tlog: 0, ctlog: 0, tsa: 1 });
});

test("ships the public good root and GitHub's own, each with its own thresholds", () => {
  assert.deepEqual(
    shippedTrustedRoots().map(({ name, digest, thresholds }) => ({ name, digest, thresholds })),
    [
      {
        name: "sigstore-public-good",
        digest: "sha256:6494e21ea73fa7ee769f85f57d5a3e6a08725eae1e38c755fc3517c9e6bc0b66",
        thresholds: { tlog: 1, ctlog: 1, tsa: 0 },
      },
      {
        name: "github",
        digest: "sha256:484cdfe1a7c65479c5ba2a22193d1be90f0020db1997de696ab207434c62fbb7",
        thresholds: { tlog: 0, ctlog: 0, tsa: 1 },
      },
    ],
  );
});

test("tells origin and hash of each shipped root beside it", () => {
  const folder = new URL("../../src/sigstore/roots/", import.meta.url);
  const readme = readFileSync(new URL("README.md", folder), "utf8");
  for (const { name, digest } of shippedTrustedRoots()) {
    assert.equal(digestOf(readFileSync(new URL(`${name}.json`, folder))), digest);
    assert.ok(readme.includes(`${name}.json`) && readme.includes(digest.replace("sha256:", "")), name);
  }
});

test("refuses a log or an authority that does not say since when it is to be trusted", () => {
  const withRange = (validFor: unknown) => [
    { ...trustedRoot, tlogs: [{ ...log, publicKey: { ...log!.publicKey, validFor } }] },
    { ...trustedRoot, ctlogs: [{ ...log, publicKey: { ...log!.publicKey, validFor } }] },
    { ...trustedRoot, certificateAuthorities: [{ ...authority, validFor }] },
    { ...trustedRoot, timestampAuthorities: [{ ...authority, validFor }] },
  ];
  for (const root of withRange({ start: "2026-01-01T00:00:00Z" })) assert.doesNotThrow(() => parse(root));
  for (const root of withRange({ start: "2026-01-01T00:00:00.5+01:00", end: null }))
    assert.doesNotThrow(() => parse(root));
  for (const range of [undefined, null, {}, { start: null }, { end: "2027-01-01T00:00:00Z" }]) {
    for (const root of withRange(range)) assert.throws(() => parse(root), { code: "no-validity-start" });
  }
  for (const range of [
    { start: "" },
    { start: "2026" },
    { start: 0 },
    { start: "2026-02-01T00:00:00Z", end: "2026-01-01T00:00:00Z" },
  ]) {
    for (const root of withRange(range)) assert.throws(() => parse(root), { code: "malformed" });
  }
});

test("R23 refuses a root that is not JSON, could be read in two ways, or is of another form", () => {
  const text = JSON.stringify(trustedRoot);
  for (const document of [
    "",
    "[]",
    text.replace('"tlogs"', '"tlogs":[],"tlogs"'),
    text.replace('"tlogs"', '"Tlogs":[],"tlogs"'),
    { ...trustedRoot, mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=9.9" },
    { ...trustedRoot, certificateAuthorities: [{ ...authority, certChain: { certificates: [] } }] },
    { ...trustedRoot, tlogs: [{ ...log, publicKey: { ...log!.publicKey, rawBytes: "no base64!" } }] },
    " ".repeat(1024 * 1024 + 1),
  ]) {
    assert.throws(() => parse(document), { code: "malformed" });
  }
});

test("refuses a root with a key or a certificate that cannot be read", () => {
  const broken = { certificates: [{ rawBytes: "AAAA" }] };
  assert.throws(
    () => parse({ ...trustedRoot, tlogs: [{ ...log, publicKey: { ...log!.publicKey, rawBytes: "AAAA" } }] }),
    { code: "unusable-key" },
  );
  assert.throws(() => parse({ ...trustedRoot, certificateAuthorities: [{ ...authority, certChain: broken }] }), {
    code: "unusable-key",
  });
  assert.throws(() => parse({ ...trustedRoot, timestampAuthorities: [{ ...authority, certChain: broken }] }), {
    code: "unusable-key",
  });
});

test("names the file in the message", () => {
  assert.throws(() => parseTrustedRoot(Buffer.of(), "roots/mine.json"), /roots\/mine\.json/);
});

const roots = shared("corpora/trusted-roots");
test("reads every known trusted root", { skip: roots.skip }, () => {
  const files = [
    "sigstore-public-good.sigstore-rust-2026-08",
    "github.sigstore-rust-2026-08",
    "sigstore-staging.sigstore-rust-2026-08",
  ];
  for (const file of files) {
    const path = `${roots.path}/${file}.json`;
    assert.ok(existsSync(path));
    assert.doesNotThrow(() => parseTrustedRoot(readFileSync(path), file));
  }
});

const key = instance.newKey();

test("reads one public key, and tells it by the hash of its SubjectPublicKeyInfo", () => {
  const { fingerprint } = parseTrustedKey(
    key.publicKey.export({ format: "pem", type: "spki" }).toString(),
    "key.pub",
    "required",
  );
  assert.equal(fingerprint, digestOf(key.publicKey.export({ format: "der", type: "spki" })));
});

test("refuses a key that is too weak, or not one for signatures", () => {
  const pemOf = (pair: { readonly publicKey: KeyObject }) =>
    pair.publicKey.export({ format: "pem", type: "spki" }).toString();
  const read = (text: string) => parseTrustedKey(text, "key.pub", "required");
  assert.doesNotThrow(() => read(pemOf(generateKeyPairSync("rsa", { modulusLength: 2048 }))));
  assert.throws(() => read(pemOf(generateKeyPairSync("rsa", { modulusLength: 1024 }))), { code: "malformed-key" });
  assert.doesNotThrow(() => read(pemOf(generateKeyPairSync("ed25519"))));
  assert.throws(() => read(pemOf(generateKeyPairSync("x25519"))), { code: "malformed-key" });
});

test("refuses a private key, two keys, and what is no key", () => {
  const pem = key.publicKey.export({ format: "pem", type: "spki" }).toString();
  for (const text of [
    "",
    "no key",
    pem + pem,
    key.privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
    pem.replace(/M/, "A"),
  ]) {
    assert.throws(() => parseTrustedKey(text, "key.pub", "required"), { code: "malformed-key" });
  }
});
