import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import type { Descriptor } from "../../src/image/descriptor.ts";
import { type Digest, digestOf } from "../../src/image/digest.ts";
import { RegistryError } from "../../src/registry/error.ts";
import { createLayerReader } from "../../src/registry/layers.ts";
import { BeyondLimit } from "../../src/trust/ports.ts";
import type { OciRegistryOptions } from "../world/oci-registry.ts";
import { asked, couldNotLook, NAME, putImage, startClient, startRegistry } from "./image-fixture.ts";

const LIMIT = 1024 * 1024;
const CONTENT = Buffer.from("what is in the layer ".repeat(1000));
const STORED = gzipSync(CONTENT);
const BLOBS = /blobs\//;

const layer = (stored: Uint8Array, changes: Partial<Descriptor> = {}): Descriptor => ({
  mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
  digest: digestOf(stored),
  size: stored.length,
  annotations: {},
  ...changes,
});

async function start(t: TestContext, stored: Uint8Array = STORED, options: OciRegistryOptions = {}) {
  const registry = await startRegistry(t, options);
  const image = putImage(registry);
  registry.putBlob(NAME, stored);
  const client = startClient(t, registry);
  // Reading is proven by the manifest, as in a walk.
  assert.ok(await client.readManifest(image));
  const unpack = (of = layer(stored), limit = LIMIT) => client.unpackLayer(image, of, "sha256", limit);
  return { registry, image, client, unpack };
}

test("R21 a layer is hashed as it comes, also from where the registry sends us", async (t) => {
  for (const options of [{}, { redirectBlobs: true }]) {
    const { unpack } = await start(t, STORED, options);
    assert.deepEqual(await unpack(), { kind: "unpacked", contentDigest: digestOf(CONTENT), size: CONTENT.length });
  }
});

test("R21 content is hashed by the algorithm of the config's digest", async (t) => {
  const { client, image } = await start(t);
  const unpacked = await client.unpackLayer(image, layer(STORED), "sha512", LIMIT);
  assert.equal(unpacked?.kind === "unpacked" && unpacked.contentDigest, digestOf(CONTENT, "sha512"));
});

test("R23 a layer with wrong bytes is fetched once more, and then taken", async (t) => {
  const { registry, unpack } = await start(t);
  registry.fail(BLOBS, "corrupt", 1);
  assert.equal((await unpack())?.kind, "unpacked");
  assert.equal(asked(registry, BLOBS).length, 2);
});

test("R23 nothing is believed of wrong bytes: neither their content, nor that they are broken or too much", async (t) => {
  const { registry, unpack } = await start(t);
  const bodies: readonly Uint8Array[] = [
    gzipSync(Buffer.from("the attacker's")),
    gzipSync(Buffer.alloc(LIMIT + 1)),
    STORED.subarray(0, -1),
    Buffer.concat([STORED, Buffer.from("x")]),
    Buffer.alloc(0),
  ];
  for (const body of bodies) {
    registry.fail(BLOBS, { status: 200, body });
    await assert.rejects(unpack(), couldNotLook("digest-mismatch"));
    registry.heal();
  }
  registry.fail(BLOBS, "corrupt");
  await assert.rejects(unpack(), couldNotLook("digest-mismatch"));
});

test("R23 a layer of another size than the manifest says is never taken", async (t) => {
  const { unpack } = await start(t);
  for (const size of [STORED.length - 1, STORED.length + 1])
    await assert.rejects(unpack(layer(STORED, { size })), couldNotLook("digest-mismatch"));
});

test("R21 a layer beyond the limit is told by its content, and not fetched where it is too large as stored", async (t) => {
  const bomb = gzipSync(Buffer.alloc(LIMIT + 1));
  const { registry, unpack } = await start(t, bomb);
  await assert.rejects(unpack(), BeyondLimit);
  const before = asked(registry, BLOBS).length;
  await assert.rejects(unpack(layer(bomb), bomb.length - 1), BeyondLimit);
  assert.equal(asked(registry, BLOBS).length, before);
  assert.equal((await unpack(layer(bomb), LIMIT + 1))?.kind, "unpacked");
});

test("R21 a layer that isn't there is absence, and a registry that fails is a failure to look", async (t) => {
  const { registry, unpack } = await start(t);
  assert.equal(await unpack(layer(Buffer.from("never pushed"))), undefined);
  for (const [fault, code] of [
    [{ status: 503 }, "server-error"],
    [{ status: 403 }, "credentials-refused"],
    ["reset", "network"],
  ] as const) {
    registry.fail(BLOBS, fault);
    await assert.rejects(unpack(), couldNotLook(code));
    registry.heal();
  }
  assert.equal((await unpack())?.kind, "unpacked");
});

test("R21 a layer that doesn't come whole in its time is beyond a limit, and one that doesn't come at all wasn't looked at", async (t) => {
  const { image } = await start(t);
  const layerReader = (came: Uint8Array) =>
    createLayerReader({
      send: async (_, { sink, timeoutMs }) => {
        assert.equal(timeoutMs, 60_000);
        if (came.length > 0) await sink?.()(came);
        throw new RegistryError("timeout", "no answer in time");
      },
      noteRead: () => assert.fail("nothing was read"),
      beginRead: () => ({ end() {} }),
      hasProof: () => true,
      isAnonymous: async () => true,
      isReadable: async () => true,
    });
  const slow = layerReader(STORED.subarray(0, 10)).unpackLayer(image, layer(STORED), "sha256", LIMIT);
  await assert.rejects(slow, BeyondLimit);
  const silent = layerReader(Buffer.alloc(0)).unpackLayer(image, layer(STORED), "sha256", LIMIT);
  await assert.rejects(silent, couldNotLook("timeout"));
});

test("R21 a layer is fetched once, however many images of a walk rest on it", async (t) => {
  const { registry, unpack } = await start(t);
  const results = await Promise.all([unpack(), unpack(), unpack()]);
  assert.deepEqual(
    results.map((each) => each?.kind),
    ["unpacked", "unpacked", "unpacked"],
  );
  assert.equal(asked(registry, BLOBS).length, 1);
  await assert.rejects(unpack(layer(STORED), CONTENT.length - 1), BeyondLimit);
});

test("R21 broken content is told as such only of the right bytes", async (t) => {
  const broken = STORED.subarray(0, -4);
  const { unpack } = await start(t, broken);
  assert.equal((await unpack())?.kind, "broken");
  const foreign = layer(broken, { digest: digestOf(STORED) as Digest });
  assert.equal(await unpack(foreign), undefined);
});
