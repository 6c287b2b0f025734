import assert from "node:assert/strict";
import { test } from "node:test";
import type { UnverifiedBundle } from "../../src/attestation/bundle.ts";
import { keepingProofs, type ProofStore } from "../../src/sigstore/kept-proofs.ts";
import { parseTrustedRoot } from "../../src/sigstore/trusted-root.ts";
import { VerificationCache } from "../../src/sigstore/verification-cache.ts";
import { createBundleVerifier, type VerificationOutcome } from "../../src/sigstore/verifier.ts";
import { createInstance, ordinary } from "./instance.ts";
import { asBundle, flipByte } from "./shared.ts";

const instance = createInstance();
const rootOf = (document: object, name = "root") => parseTrustedRoot(Buffer.from(JSON.stringify(document)), name);
const root = rootOf(instance.trustedRoot);

/** A store that counts, and whose rows tests can change. */
function storeInMemory() {
  const rows = new Map<string, string>();
  const asked = { reads: 0, hits: 0, writes: 0 };
  const store: ProofStore = {
    readProof: async (key) => {
      asked.reads++;
      if (rows.has(key)) asked.hits++;
      return rows.get(key);
    },
    keepProof: async (key, proof) => {
      asked.writes++;
      rows.set(key, proof);
    },
  };
  return { rows, asked, store };
}

/** As another process would have it: nothing in memory. */
const verifierOn = (store: ProofStore | undefined, roots = [root]) =>
  keepingProofs(createBundleVerifier({ roots, cache: new VerificationCache<VerificationOutcome>() }), store);

test("R14 another process takes up what was proven, and answers the same", async () => {
  const { asked, store } = storeInMemory();
  const bundle = asBundle(instance.bundle());
  const first = await verifierOn(store).verifyBundle(bundle);
  const second = await verifierOn(store).verifyBundle(bundle);
  assert.equal(first.kind, "verified");
  assert.deepEqual(second, first);
  assert.deepEqual(second, await verifierOn(undefined).verifyBundle(bundle));
  assert.deepEqual(asked, { reads: 2, hits: 1, writes: 1 });
});

test("R14 asks the store once for a bundle that the process has had", async () => {
  const { asked, store } = storeInMemory();
  const bundle = asBundle(instance.bundle());
  const verifier = verifierOn(store);
  await verifier.verifyBundle(bundle);
  await verifier.verifyBundle(bundle);
  assert.equal(asked.reads, 1);
  const later = verifierOn(store);
  await later.verifyBundle(bundle);
  await later.verifyBundle(bundle);
  assert.equal(asked.reads, 2);
});

test("R14 takes up no proof for another bundle, another root or another name", async () => {
  const { asked, store } = storeInMemory();
  const good = instance.bundle();
  const bundle = asBundle(good);
  await verifierOn(store).verifyBundle(bundle);
  const payload = flipByte(good.dsseEnvelope.payload, 5);
  const borrowed: UnverifiedBundle = { ...bundle, json: { ...good, dsseEnvelope: { ...good.dsseEnvelope, payload } } };
  assert.equal((await verifierOn(store).verifyBundle(borrowed)).kind, "rejected");
  assert.equal((await verifierOn(store, [rootOf(createInstance().trustedRoot)]).verifyBundle(bundle)).kind, "rejected");
  const renamed = await verifierOn(store, [rootOf(instance.trustedRoot, "other")]).verifyBundle(bundle);
  assert.equal(renamed.kind === "verified" && renamed.trustedRoot, "other");
  assert.equal(asked.hits, 0);
});

test("keeps no refusal", async () => {
  const { rows, store } = storeInMemory();
  const refused = asBundle(instance.bundle({ extensions: ordinary.slice(1, 2) }));
  assert.equal((await verifierOn(store).verifyBundle(refused)).kind, "rejected");
  assert.equal((await verifierOn(store).verifyBundle({ ...refused, json: {} })).kind, "rejected");
  assert.equal(rows.size, 0);
});

test("calculates again where the store fails, or has what is of another form or of another key", async () => {
  const { rows, store } = storeInMemory();
  const bundle = asBundle(instance.bundle());
  const outcome = await verifierOn(store).verifyBundle(bundle);
  const [[key, written] = ["", ""]] = rows;
  const document = JSON.parse(written);
  const other = { ...document.identity, subjectAlternativeName: "https://other.example.test" };
  const forms: readonly unknown[] = [
    "{",
    "",
    [],
    { ...document, identity: other, key: "sha256:00" },
    { ...document, times: ["yesterday"] },
    { ...document, identity: { kind: "nobody" } },
    { ...document, identity: { ...other, extensions: { unknown: "x" } } },
    { ...document, identity: other, more: 1 },
    { ...document, identity: { ...other, issuer: "x".repeat(20_000) } },
    { ...document, identity: other, key: undefined },
  ];
  for (const form of forms) {
    rows.set(key, typeof form === "string" ? form : JSON.stringify(form));
    assert.deepEqual(await verifierOn(store).verifyBundle(bundle), outcome, JSON.stringify(form).slice(0, 60));
  }
  const failing: ProofStore = {
    readProof: () => Promise.reject(new Error("no database")),
    keepProof: () => Promise.reject(new Error("no database")),
  };
  assert.deepEqual(await verifierOn(failing).verifyBundle(bundle), outcome);
});

test("reads what was signed from the bundle, whatever the store says", async () => {
  const { rows, store } = storeInMemory();
  const good = instance.bundle({ payload: Buffer.from('{"_type":"no statement"}') });
  const bundle = asBundle(good);
  const local = createBundleVerifier({ roots: [root] });
  const { identity, times } = await (async () => {
    const known = await verifierOn(undefined).verifyBundle(asBundle(instance.bundle()));
    assert.ok(known.kind === "verified");
    return known;
  })();
  const key = local.keyOf(bundle);
  rows.set(key, JSON.stringify({ key, identity, times, trustedRoot: "root" }));
  const outcome = await verifierOn(store).verifyBundle(bundle);
  assert.equal(outcome.kind === "rejected" && outcome.code, "malformed-statement");
});
