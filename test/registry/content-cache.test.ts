import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { digestOf } from "../../src/image/digest.ts";
import { OCI_IMAGE_INDEX, OCI_IMAGE_MANIFEST } from "../../src/image/media-type.ts";
import { parseReference, pin } from "../../src/image/reference.ts";
import type { ContentKey, ContentStore } from "../../src/registry/content-cache.ts";
import type { OciRegistry } from "../world/oci-registry.ts";
import { asked, couldNotLook, jsonBytes, NAME, putImage, startClient, startRegistry } from "./image-fixture.ts";

const BLOB = Buffer.from("the content of a blob");
const DIGEST = digestOf(BLOB);
const ann = { kind: "basic", username: "ann", password: "word" } as const;

/** A store that keeps everything, and can be spoilt. */
class MemoryStore implements ContentStore {
  readonly kept = new Map<string, Uint8Array>();
  async readContent(key: ContentKey): Promise<Uint8Array | undefined> {
    return this.kept.get(JSON.stringify(key));
  }
  async keepContent(key: ContentKey, bytes: Uint8Array): Promise<void> {
    this.kept.set(JSON.stringify(key), bytes);
  }
}

/** Reads image and blob with a client of its own, and answers how often the registry was asked for blobs. */
async function readAll(
  t: TestContext,
  registry: OciRegistry,
  store: ContentStore,
  { scope = "own", as }: { readonly scope?: "own" | "public"; readonly as?: typeof ann } = {},
): Promise<number> {
  const client = startClient(t, registry, {
    cache: { store, scope },
    ...(as && { credentials: async () => as }),
  });
  const before = asked(registry, /GET .*\/blobs\//).length;
  const resolved = await client.resolve(parseReference(`${registry.host}/${NAME}:1.0.0`));
  assert.ok(resolved);
  assert.deepEqual(Buffer.from((await client.readBlob(resolved.pinned, DIGEST, 100)) ?? []), BLOB);
  await client.close();
  return asked(registry, /GET .*\/blobs\//).length - before;
}

async function start(t: TestContext, options: Parameters<typeof startRegistry>[1] = {}) {
  const registry = await startRegistry(t, options);
  registry.putBlob(NAME, BLOB);
  return { registry, image: putImage(registry), store: new MemoryStore() };
}

test("content that an earlier client read is not fetched again, and tags are", async (t) => {
  const { registry, store } = await start(t);
  assert.equal(await readAll(t, registry, store), 1);
  const tags = asked(registry, /manifests\/1\.0\.0/).length;
  assert.equal(await readAll(t, registry, store), 0);
  assert.equal(asked(registry, /manifests\/1\.0\.0/).length, tags + 1);
});

test("R23 a manifest is kept only where it says itself which type it has, and its registry says the same", async (t) => {
  const { registry, store, image } = await start(t);
  const named = { schemaVersion: 2, mediaType: OCI_IMAGE_MANIFEST };
  const manifests = [
    { bytes: jsonBytes(named), type: OCI_IMAGE_MANIFEST, fetched: 1 },
    { bytes: jsonBytes({ schemaVersion: 2 }), type: OCI_IMAGE_MANIFEST, fetched: 2 },
    { bytes: jsonBytes({ ...named, note: "another" }), type: OCI_IMAGE_INDEX, fetched: 2 },
  ];
  for (const { bytes, type } of manifests) registry.putManifest(NAME, bytes, type);
  const read = async () => {
    const client = startClient(t, registry, { cache: { store, scope: "own" } });
    await client.resolve(parseReference(`${registry.host}/${NAME}:1.0.0`));
    const stored = await Promise.all(manifests.map(({ bytes }) => client.readManifest(pin(image, digestOf(bytes)))));
    await client.close();
    return stored.map((each) => ({ text: Buffer.from(each?.bytes ?? []).toString(), type: each?.contentType }));
  };
  const cold = await read();
  assert.deepEqual(await read(), cold);
  // The type that a registry says isn't under the digest: kept without it, a contradiction would be forgotten.
  for (const { bytes, fetched } of manifests)
    assert.equal(asked(registry, new RegExp(`manifests/${digestOf(bytes)}`)).length, fetched);
});

test("R23 kept content with another digest isn't there", async (t) => {
  const { registry, store } = await start(t);
  await readAll(t, registry, store);
  for (const [key, bytes] of store.kept) store.kept.set(key, Buffer.concat([bytes, Buffer.from(" ")]));
  assert.equal(await readAll(t, registry, store), 1);
  assert.equal(await readAll(t, registry, store), 0);
});

test("a store that fails is as good as none", async (t) => {
  const { registry } = await start(t);
  const broken: ContentStore = {
    readContent: () => Promise.reject(new Error("broken")),
    keepContent: () => Promise.reject(new Error("broken")),
  };
  assert.equal(await readAll(t, registry, broken), 1);
});

test("R15 kept content is taken only where this client has read something of the repository", async (t) => {
  const { registry, store, image } = await start(t);
  await readAll(t, registry, store);
  registry.fail(/\/manifests\//, { status: 403 });
  const client = startClient(t, registry, { cache: { store, scope: "own" } });
  const asks = asked(registry, /blobs/).length;
  await assert.rejects(client.readManifest(image), couldNotLook("credentials-refused"));
  registry.fail(/\/blobs\//, { status: 404 });
  registry.fail(/\/v2\/$/, { status: 401 });
  await assert.rejects(client.readBlob(image, DIGEST, 100), couldNotLook("not-found-unproven"));
  assert.equal(asked(registry, /blobs/).length, asks + 1);
});

test("kept content answers for its own repository and kind alone", async (t) => {
  const { registry, store, image } = await start(t);
  await readAll(t, registry, store);
  const other = putImage(registry, "1.0.0", "acme/other");
  const client = startClient(t, registry, { cache: { store, scope: "own" } });
  assert.ok(await client.readManifest(other));
  assert.equal(await client.readBlob(other, DIGEST, 100), undefined);
  assert.ok(await client.readManifest(image));
  assert.equal(await client.readManifest(pin(image, DIGEST)), undefined);
});

test("R15 a store for all keeps nothing that credentials showed, and gives it to nobody", async (t) => {
  const { registry, store } = await start(t, { auth: ann });
  assert.equal(await readAll(t, registry, store, { scope: "public", as: ann }), 1);
  assert.equal(store.kept.size, 0);
  // One's own store has it: nobody else reads there.
  assert.equal(await readAll(t, registry, store, { scope: "own", as: ann }), 1);
  assert.ok(store.kept.size > 0);
  assert.equal(await readAll(t, registry, store, { scope: "public", as: ann }), 1);
  const stranger = startClient(t, registry, { cache: { store, scope: "public" } });
  const image = parseReference(`${registry.host}/${NAME}:1.0.0`);
  await assert.rejects(stranger.resolve(image), couldNotLook("credentials-refused"));
  await assert.rejects(stranger.readBlob(pin(image, DIGEST), DIGEST, 100), couldNotLook("credentials-refused"));
});

test("a store for all keeps what everyone may read", async (t) => {
  const { registry, store } = await start(t, { auth: { kind: "bearer", anonymous: "pull", opaque: true } });
  assert.equal(await readAll(t, registry, store, { scope: "public" }), 1);
  assert.equal(await readAll(t, registry, store, { scope: "public" }), 0);
});

test("content larger than what is asked for is as large when it is kept", async (t) => {
  const { registry, store, image } = await start(t);
  await readAll(t, registry, store);
  const client = startClient(t, registry, { cache: { store, scope: "own" } });
  assert.ok(await client.readManifest(image));
  await assert.rejects(client.readBlob(image, DIGEST, BLOB.length - 1), { code: "limit" });
});

test("a registry's first request goes alone, so that one is refused and not all", async (t) => {
  const { registry, image } = await start(t, { auth: { kind: "bearer", anonymous: "pull", opaque: true } });
  const client = startClient(t, registry);
  const [listing, blob] = await Promise.all([
    client.listAttestations(image),
    client.readBlob(image, DIGEST, 100),
    client.readManifest(image),
  ]);
  assert.deepEqual([listing.failures, blob], [[], BLOB]);
  const refused = registry.requests.filter(({ server, headers }) => server === "registry" && !headers.authorization);
  assert.equal(refused.length, 1);
  assert.equal(registry.requests.filter(({ server }) => server === "realm").length, 1);
  // What isn't there was proven to be absent by what was read beside it: nothing was asked twice.
  const paths = registry.requests.map(({ method, path }) => `${method} ${path}`);
  assert.equal(new Set(paths).size, paths.length - 1);
});
