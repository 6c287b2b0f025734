import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import type { KeyIdentity } from "../../src/attestation/identity.ts";
import { fingerprintOf } from "../../src/attestation/public-key.ts";
import type { PinnedImage } from "../../src/image/reference.ts";
import { acceptedSboms } from "../../src/trust/accepted-sboms.ts";
import { walkAncestry } from "../../src/trust/ancestry.ts";
import { type Policy, parsePolicy } from "../../src/trust/policy.ts";
import { BeyondLimit, CouldNotLook } from "../../src/trust/ports.ts";
import {
  AS_OF,
  type Built,
  bytesOf,
  entryOf,
  type Json,
  policyOf,
  runOf,
  SIGN,
  SLSA1,
  signerOf,
  statementOf,
  World,
  written,
} from "./world.ts";

const SPDX = "https://spdx.dev/Document";
const newPem = () =>
  generateKeyPairSync("ec", { namedCurve: "prime256v1" }).publicKey.export({ type: "spki", format: "pem" }) as string;
const pem = newPem();
const publisher: KeyIdentity = { kind: "key", fingerprint: fingerprintOf(pem) };
const stranger: KeyIdentity = { kind: "key", fingerprint: fingerprintOf(newPem()) };

/** A policy that takes a publisher's key for its images. */
const keyPolicy = (builds = true): Policy =>
  parsePolicy(
    Buffer.from(`version: 1
trust:
  builders:
    - { images: ["ghcr.io/acme/{repo}"], level: 3, builds: ${builds}, key: { pem: ${JSON.stringify(pem)}, log: optional } }
`),
    "policy.yml",
  );

const listing = (about: PinnedImage, ...names: readonly string[]): Json =>
  statementOf([about], SPDX, { spdxVersion: "SPDX-2.3", packages: names.map((name) => ({ name })) });

/** Puts statements beside an image, in a manifest that refers to it. */
function beside(world: World, built: Built, statements: readonly Json[]): PinnedImage {
  const manifest = world.attestationManifest(built.repo, built.manifest, statements, "artifact");
  for (const statement of statements) {
    const annotations = { "in-toto.io/predicate-type": (statement as { predicateType: string }).predicateType };
    const layer = { digest: world.blob(statement), size: bytesOf(statement).length, annotations };
    world.post(built.manifest, { kind: "unsigned", manifest, layer, isRoutine: true });
  }
  return manifest;
}

const sign = (world: World, manifest: PinnedImage, by: Parameters<World["sign"]>[2]) =>
  world.sign(manifest, statementOf([manifest], SIGN), by);

/** The packages of an image, by every list that counts, and why there may be more. */
async function found(world: World, image: PinnedImage, policy: Policy) {
  const ports = world.ports();
  const { subjects, nodes } = await walkAncestry(ports, policy, image, "every", AS_OF);
  const { node, examination } = nodes.get(subjects[0] ?? "") ?? {};
  assert.ok(node !== undefined && examination !== undefined);
  const { sboms, unread } = await acceptedSboms(ports, policy, node, examination);
  return { names: sboms.flatMap(({ packages }) => packages.packages.map(({ name }) => name)), sboms, unread };
}

/** An image of one manifest with signed provenance beside it. */
function published(world: World): Built {
  const built = world.build("app", { signed: "nothing" });
  sign(world, beside(world, built, [statementOf([built.manifest], SLSA1, built.provenance)]), publisher);
  return built;
}

test("R11 a list beside an image is the word of a publisher whose key signed the manifest that holds it", async () => {
  const world = new World();
  const built = published(world);
  const { bundle } = sign(world, beside(world, built, [listing(built.manifest, "musl")]), publisher);
  const { names, sboms, unread } = await found(world, built.manifest, keyPolicy());
  assert.deepEqual([names, unread], [["musl"], []]);
  assert.equal(sboms[0]?.by.found.verified.bundle, bundle);
});

test("R4, R11 a list beside an image that nobody, a stranger or one who doesn't build has signed isn't taken", async () => {
  for (const [by, builds] of [
    [undefined, true],
    [stranger, true],
    [publisher, false],
  ] as const) {
    const world = new World();
    const built = published(world);
    const manifest = beside(world, built, [listing(built.manifest, "planted")]);
    if (by !== undefined) sign(world, manifest, by);
    assert.deepEqual((await found(world, built.manifest, keyPolicy(builds))).names, []);
  }
});

test("R13 a list beside an image that is about another one isn't taken, whoever signed the manifest", async () => {
  const world = new World();
  const built = published(world);
  const other = world.build("app", { label: "other", signed: "nothing" });
  sign(world, beside(world, built, [listing(other.manifest, "musl")]), publisher);
  assert.deepEqual((await found(world, built.manifest, keyPolicy())).names, []);
});

test("R11 a signer who has a run is held to it: his list counts beside provenance of that run, and not alone", async () => {
  for (const [builderId, expected] of [
    [runOf("app"), ["musl"]],
    [runOf("other"), []],
  ] as const) {
    const world = new World();
    const built = world.build("app", { signed: "nothing", builderId });
    const provenance = statementOf([built.manifest], SLSA1, built.provenance);
    sign(world, beside(world, built, [provenance, listing(built.manifest, "musl")]), signerOf("app"));
    sign(world, beside(world, built, [listing(built.manifest, "alone")]), signerOf("app"));
    assert.deepEqual((await found(world, built.manifest, policyOf())).names, expected);
  }
});

test("what strangers put beside an image is no reason, and so many manifests are looked at", async () => {
  const world = new World();
  const built = published(world);
  const large = beside(world, built, [listing(built.manifest, "large")]);
  world.manifests.set(`ghcr.io/acme/app@${large.digest}`, new BeyondLimit("too large"));
  for (let i = 0; i < 40; i++) beside(world, built, [listing(built.manifest, `junk ${i}`)]);
  const before = world.reads.length;
  assert.deepEqual(await found(world, built.manifest, keyPolicy()), { names: [], sboms: [], unread: [] });
  const besides = new Set(world.reads.slice(before)).size;
  assert.ok(besides < 25, `${besides} manifests`);
});

test("a signed manifest, and a list in it, that can't be looked at are told", async () => {
  const world = new World();
  const built = published(world);
  const statement = listing(built.manifest, "musl");
  const manifest = beside(world, built, [statement]);
  sign(world, manifest, publisher);
  world.blobs.set(world.blob(statement), new CouldNotLook("network", "the blob"));
  assert.deepEqual((await found(world, built.manifest, keyPolicy())).unread, ["the blob"]);
  world.hide(manifest);
  assert.equal((await found(world, built.manifest, keyPolicy())).unread.length, 1);
});

test("R11 what an index lists counts once, with the index, also where it is found beside the image", async () => {
  const world = new World();
  const built = world.build("app", { signed: "nothing" });
  const provenance = statementOf([built.manifest], SLSA1, built.provenance);
  const manifest = beside(world, built, [provenance, listing(built.manifest, "musl")]);
  const index = world.index("app", [
    { image: built.manifest, platform: written(built.platform) },
    entryOf(manifest, built.manifest),
  ]);
  sign(world, index, signerOf("app"));
  assert.deepEqual((await found(world, index, policyOf())).names, ["musl"]);
});
