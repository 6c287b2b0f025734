import assert from "node:assert/strict";
import { test } from "node:test";
import type { Descriptor } from "../../src/image/descriptor.ts";
import { digestOf } from "../../src/image/digest.ts";
import { parseReference, pin } from "../../src/image/reference.ts";
import type { WalkPorts } from "../../src/trust/ancestry.ts";
import { BeyondLimit, CouldNotLook, type UnpackedLayer } from "../../src/trust/ports.ts";
import { createByteStore, RecordTooLarge, recordWalk } from "../../src/trust/recording.ts";
import { replayPorts } from "../../src/trust/replaying.ts";
import { bytesOf, LAYER } from "./world.ts";

const manifest = bytesOf("{}");
const reference = parseReference("registry.example/app:1");
const image = pin(reference, digestOf(manifest));
const layer: Descriptor = { mediaType: LAYER, digest: digestOf(bytesOf("layer")), size: 5, annotations: {} };
const unpacked: UnpackedLayer = { kind: "unpacked", contentDigest: digestOf(bytesOf("content")), size: 100 };
const offline = { name: "CouldNotLook", code: "offline" };

/** Ports that answer by these functions, and of nothing else. */
function portsOf(read: () => Promise<{ bytes: Uint8Array; contentType: string } | undefined>): WalkPorts {
  return {
    images: { readManifest: read, readBlob: async () => undefined },
    attestations: { listAttestations: async () => ({ candidates: [], omitted: 0, failures: [] }) },
    verifier: { verifyBundle: () => ({ kind: "rejected", code: "signature", reason: "nobody signed that" }) },
    layers: { unpackLayer: async () => unpacked },
  };
}
const resolve = async () => ({ pinned: image });
const record = (ports: WalkPorts, limit = 1000) => {
  const store = createByteStore(limit);
  return { store, ...recordWalk(ports, resolve, store) };
};

test("R34 the world is asked once for each thing, and whoever asks again is told the same", async () => {
  let asked = 0;
  const { ports, finish, store } = record(
    portsOf(async () => {
      if (++asked > 1) throw new CouldNotLook("network", "gone");
      return { bytes: manifest, contentType: "" };
    }),
  );
  const [one, other] = [await ports.images.readManifest(image), await ports.images.readManifest(image)];
  const replayed = replayPorts(await finish(), store.bytes, ports.verifier);
  assert.deepEqual([one, other, await replayed.images.readManifest(image)], [one, one, one]);
  assert.equal(asked, 1);
});

test("R34 what couldn't be looked at, and what is too much, is the same when it is replayed", async () => {
  for (const error of [new CouldNotLook("rate-limited", "later"), new BeyondLimit("too much")]) {
    const { ports, finish, store } = record(portsOf(() => Promise.reject(error)));
    const told = { name: error.name, code: error.code, message: error.message };
    await assert.rejects(ports.images.readManifest(image), told);
    const replayed = replayPorts(await finish(), store.bytes, ports.verifier);
    await assert.rejects(replayed.images.readManifest(image), told);
  }
});

test("a fault of ours is written down as nothing: there is no record", async () => {
  const { ports, finish } = record(portsOf(() => Promise.reject(new TypeError("a fault"))));
  await assert.rejects(ports.images.readManifest(image), TypeError);
  await assert.rejects(finish(), TypeError);
});

test("what comes to more than may be kept is neither a fault of the image nor inability", async () => {
  const { ports } = record(
    portsOf(async () => ({ bytes: manifest, contentType: "" })),
    1,
  );
  await assert.rejects(ports.images.readManifest(image), RecordTooLarge);
});

test("R34 what nobody asked for isn't in the record, and could not be looked at", async () => {
  const { ports, finish, store } = record(portsOf(async () => undefined));
  assert.equal(await ports.images.readManifest(image), undefined);
  const replayed = replayPorts(await finish(), store.bytes, ports.verifier);
  assert.equal(await replayed.images.readManifest(image), undefined);
  const other = pin(reference, digestOf(bytesOf("other")));
  await assert.rejects(replayed.images.readManifest(other), offline);
  await assert.rejects(replayed.attestations.listAttestations(image), offline);
  await assert.rejects(replayed.resolve(reference), offline);
});

test("R21 R34 a layer that was unpacked whole is known wherever there is room for it, and nowhere else", async () => {
  const { ports, finish, store } = record(portsOf(async () => undefined));
  await ports.layers?.unpackLayer(image, layer, "sha256", 500);
  const { layers } = replayPorts(await finish(), store.bytes, ports.verifier);
  assert.ok(layers);
  for (const limit of [500, 100, 1000])
    assert.deepEqual(await layers.unpackLayer(image, layer, "sha256", limit), unpacked);
  await assert.rejects(layers.unpackLayer(image, layer, "sha256", 99), offline);
  await assert.rejects(layers.unpackLayer(image, layer, "sha512", 500), offline);
  await assert.rejects(layers.unpackLayer(image, { ...layer, size: 6 }, "sha256", 500), offline);
});
