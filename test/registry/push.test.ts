import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { Digest } from "../../src/image/digest.ts";
import { digestOf } from "../../src/image/digest.ts";
import { layoutBlobPath } from "../../src/image/layout.ts";
import { OCI_IMAGE_CONFIG, OCI_IMAGE_INDEX, OCI_IMAGE_MANIFEST } from "../../src/image/media-type.ts";
import { parseReference } from "../../src/image/reference.ts";
import type { OciRegistryOptions } from "../world/oci-registry.ts";
import {
  asked,
  BUNDLE_TYPE,
  bundle,
  couldNotLook,
  jsonBytes,
  NAME,
  putFallbackTag,
  putImage,
  putReferrer,
  startClient,
  startRegistry,
} from "./image-fixture.ts";

const password = { kind: "basic", username: "ann", password: "word" } as const;
const ANNOTATIONS = {
  "dev.sigstore.bundle.predicateType": "https://slsa.dev/provenance/v1",
  note: "größer als gedacht",
};

const artifact = (note = "") => ({
  artifactType: BUNDLE_TYPE,
  mediaType: BUNDLE_TYPE,
  bytes: jsonBytes(bundle(note)),
  annotations: ANNOTATIONS,
});

async function start(t: TestContext, options: OciRegistryOptions = {}) {
  const registry = await startRegistry(t, options);
  const client = startClient(t, registry, { credentials: async () => password });
  return { registry, client, image: putImage(registry) };
}

interface List {
  readonly manifests: readonly {
    readonly digest: string;
    readonly artifactType?: string;
    readonly size: number;
    readonly annotations?: unknown;
  }[];
}

/** The fallback list as the registry has it now. */
function fallbackList({ registry, image }: Awaited<ReturnType<typeof start>>): List | undefined {
  const digest = registry.readTag(NAME, image.digest.replace(":", "-"));
  return digest === undefined ? undefined : JSON.parse(Buffer.from(registry.read(NAME, digest)).toString());
}

for (const [kind, auth] of [
  ["without credentials", undefined],
  ["with a password", password],
  ["with tokens", { kind: "bearer", username: "ann", password: "word", anonymous: "pull" }],
] as const) {
  test(`a blob and a manifest are pushed ${kind}, and read again`, async (t) => {
    const { registry, client, image } = await start(t, auth === undefined ? {} : { auth });
    const where = { registry: registry.host, repository: "acme/new" };
    const config = jsonBytes({ architecture: "amd64", os: "linux" });
    const digest = await client.pushBlob(where, config);
    const manifest = jsonBytes({
      schemaVersion: 2,
      mediaType: OCI_IMAGE_MANIFEST,
      config: { mediaType: OCI_IMAGE_CONFIG, digest, size: config.length },
      layers: [],
    });
    const pushed = await client.pushManifest({ ...where, tag: "1.0.0" }, manifest, OCI_IMAGE_MANIFEST);
    assert.equal((await client.resolve({ ...where, tag: "1.0.0" }))?.pinned.digest, pushed);
    assert.equal(registry.readTag("acme/new", "1.0.0"), pushed);
    assert.notEqual(pushed, image.digest);
  });
}

test("a blob that is there is not sent again", async (t) => {
  const { registry, client } = await start(t);
  const where = { registry: registry.host, repository: NAME };
  const bytes = Buffer.from("content");
  for (const each of [1, 2]) assert.ok((await client.pushBlob(where, bytes)) && each);
  assert.equal(asked(registry, /^PUT .*uploads/).length, 1);
});

test("a blob behind a redirect is there, and isn't sent again", async (t) => {
  const { registry, client } = await start(t, { redirectBlobs: true });
  const bytes = Buffer.from("content");
  registry.putBlob(NAME, bytes);
  await client.pushBlob({ registry: registry.host, repository: NAME }, bytes);
  assert.equal(asked(registry, /uploads/).length, 0);
});

test("R32 an upload that is sent elsewhere carries no credentials", async (t) => {
  const { registry, client } = await start(t, { auth: password });
  registry.fail(/^POST /, { status: 202, headers: { location: `http://${registry.storageHost}/upload?x=1` } }, 1);
  registry.fail(/^PUT \/upload/, { status: 201 });
  const bytes = Buffer.from("content");
  await client.pushBlob({ registry: registry.host, repository: NAME }, bytes);
  const [upload] = asked(registry, /^PUT \/upload/);
  assert.equal(upload?.headers.authorization, undefined);
  assert.equal(new URL(upload?.path ?? "", "http://x").searchParams.get("digest"), digestOf(bytes));
});

test("an upload that is sent to an address that isn't allowed is refused", async (t) => {
  const { registry, client } = await start(t);
  registry.fail(/^POST /, { status: 202, headers: { location: "http://169.254.169.254/upload" } }, 1);
  const pushing = client.pushBlob({ registry: registry.host, repository: NAME }, Buffer.from("content"));
  await assert.rejects(pushing, couldNotLook("address-refused"));
});

test("R15 a push that is not allowed is refused credentials", async (t) => {
  const { registry } = await start(t, { auth: { kind: "bearer", anonymous: "pull" } });
  const pushing = startClient(t, registry).pushBlob({ registry: registry.host, repository: NAME }, Buffer.from("x"));
  await assert.rejects(pushing, couldNotLook("credentials-refused"));
});

test("a manifest that isn't the one named, or wasn't stored as sent, is a mismatch", async (t) => {
  const { registry, client, image } = await start(t);
  await assert.rejects(
    client.pushManifest(image, Buffer.from("{}"), OCI_IMAGE_MANIFEST),
    couldNotLook("digest-mismatch"),
  );
  assert.equal(asked(registry, /^PUT/).length, 0);
  registry.fail(/^PUT/, { status: 201, headers: { "docker-content-digest": image.digest } });
  const reference = parseReference(`${registry.host}/acme/app:2`);
  await assert.rejects(
    client.pushManifest(reference, Buffer.from("{}"), OCI_IMAGE_MANIFEST),
    couldNotLook("digest-mismatch"),
  );
});

test("a referrer is attached by the API, and no fallback tag is written", async (t) => {
  const world = await start(t);
  const { registry, client, image } = world;
  const digest = await client.attachReferrer(image, artifact());
  const { candidates, failures } = await startClient(t, registry).listAttestations(image);
  assert.deepEqual([candidates.map(({ where }) => where), failures], [[`referrer ${digest}`], []]);
  assert.deepEqual(
    (await candidates[0]!.read()).map(({ kind }) => kind),
    ["bundle"],
  );
  assert.equal(fallbackList(world), undefined);
});

test("a referrer is attached by the fallback tag, with type and annotations, beside those that are there", async (t) => {
  const world = await start(t, { referrers: false });
  const { client, image, registry } = world;
  const other = putReferrer(registry, image, { content: jsonBytes(bundle("other")) });
  putFallbackTag(registry, image, [other]);
  const digest = await client.attachReferrer(image, artifact());
  assert.equal(await client.attachReferrer(image, artifact()), digest);
  const [before, ours, ...more] = fallbackList(world)?.manifests ?? [];
  assert.equal(before?.digest, other);
  assert.deepEqual([ours?.digest, ours?.artifactType, ours?.annotations], [digest, BUNDLE_TYPE, ANNOTATIONS]);
  assert.equal(ours?.size, (await client.readManifest({ ...image, digest }))?.bytes.length);
  assert.deepEqual(more, []);
});

test("a registry that says OCI-Subject without having the API gets the fallback tag", async (t) => {
  const world = await start(t);
  world.registry.fail(/\/referrers\//, { status: 404 });
  const digest = await world.client.attachReferrer(world.image, artifact());
  assert.deepEqual(
    fallbackList(world)?.manifests.map((each) => each.digest),
    [digest],
  );
});

test("referrers attached at the same time all stay in the fallback tag", async (t) => {
  const world = await start(t, { referrers: false });
  const notes = ["one", "two", "three", "four"];
  const digests = await Promise.all(notes.map((note) => world.client.attachReferrer(world.image, artifact(note))));
  assert.deepEqual(
    fallbackList(world)
      ?.manifests.map((each) => each.digest)
      .sort(),
    [...digests].sort(),
  );
  // In turn, so that none had to be written twice.
  assert.equal(asked(world.registry, /^PUT .*manifests\/sha256-/).length, 4);
});

test("an entry that another writer overwrote is written again", async (t) => {
  const world = await start(t, { referrers: false });
  const { registry, client, image } = world;
  // The first write is said to have succeeded, and is lost.
  registry.fail(/^PUT .*manifests\/sha256-/, { status: 201 }, 1);
  const digest = await client.attachReferrer(image, artifact());
  assert.deepEqual(
    fallbackList(world)?.manifests.map((each) => each.digest),
    [digest],
  );
  registry.fail(/^PUT .*manifests\/sha256-/, { status: 201 });
  await assert.rejects(client.attachReferrer(image, artifact("lost")), couldNotLook("server-error"));
});

test("a write between reading and writing is noticed by its ETag", async (t) => {
  const world = await start(t, { referrers: false });
  const { registry, client, image } = world;
  putFallbackTag(registry, image, []);
  registry.fail(/^PUT .*manifests\/sha256-/, { status: 412 }, 1);
  const digest = await client.attachReferrer(image, artifact());
  assert.ok(asked(registry, /^PUT .*manifests\/sha256-/).every(({ headers }) => headers["if-match"] !== undefined));
  assert.deepEqual(
    fallbackList(world)?.manifests.map((each) => each.digest),
    [digest],
  );
});

test("a fallback tag that holds something else is not overwritten", async (t) => {
  const { registry, client, image } = await start(t, { referrers: false });
  const tag = image.digest.replace(":", "-");
  const there = registry.putManifest(NAME, Buffer.from('{"schemaVersion":2,"layers":[]}'), OCI_IMAGE_MANIFEST, tag);
  await assert.rejects(client.attachReferrer(image, artifact()), couldNotLook("server-error"));
  assert.equal(registry.readTag(NAME, tag), there);
});

test("what was attached is taken away, by the API and out of the fallback tag, and others' stays", async (t) => {
  const auth = { kind: "bearer", username: "ann", password: "word", anonymous: "pull" } as const;
  for (const referrers of [true, false]) {
    // To delete takes more than to push.
    const world = await start(t, { referrers, auth });
    const { client, image, registry } = world;
    const [ours, others] = [
      await client.attachReferrer(image, artifact()),
      await client.attachReferrer(image, artifact("other")),
    ];
    assert.equal(await client.detachReferrer(image, ours), true);
    const { candidates } = await startClient(t, registry).listAttestations(image);
    assert.deepEqual(
      candidates.map(({ where }) => where),
      [`referrer ${others}`],
    );
    if (!referrers)
      assert.deepEqual(
        fallbackList(world)?.manifests.map(({ digest }) => digest),
        [others],
      );
    assert.equal(await startClient(t, registry).readManifest({ ...image, digest: ours }), undefined);
    // What is gone is gone, and nothing is written for it.
    const writes = asked(registry, /^PUT/).length;
    assert.equal(await client.detachReferrer(image, ours), true);
    assert.equal(asked(registry, /^PUT/).length, writes);
  }
});

test("a registry that lets nothing be deleted says so, and its fallback tag lists it no more", async (t) => {
  for (const status of [400, 405]) {
    const world = await start(t, { referrers: false });
    const digest = await world.client.attachReferrer(world.image, artifact());
    world.registry.fail(/^DELETE /, { status });
    assert.equal(await world.client.detachReferrer(world.image, digest), false);
    assert.deepEqual(fallbackList(world)?.manifests, []);
  }
});

test("R15 that something couldn't be taken away is an inability", async (t) => {
  const { registry, client, image } = await start(t);
  const digest = await client.attachReferrer(image, artifact());
  registry.fail(/^DELETE /, { status: 500 });
  await assert.rejects(client.detachReferrer(image, digest), couldNotLook("server-error"));
  registry.heal();
  registry.fail(/^DELETE /, { status: 403 });
  await assert.rejects(client.detachReferrer(image, digest), couldNotLook("credentials-refused"));
});

test("nothing is attached to an image that isn't there", async (t) => {
  const { registry, client, image } = await start(t);
  const absent = { ...image, digest: digestOf(Buffer.from("absent")) };
  await assert.rejects(client.attachReferrer(absent, artifact()), couldNotLook("not-found-unproven"));
  assert.equal(asked(registry, /^PUT/).length, 0);
});

/** An image layout of an index over one manifest, on disk. */
async function layout(
  t: TestContext,
  spoil?: (files: Map<string, Uint8Array>) => void,
): Promise<{ directory: string; root: Digest; layer: Digest }> {
  const directory = await mkdtemp(join(tmpdir(), "layout-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const files = new Map<string, Uint8Array>();
  const put = (bytes: Uint8Array, mediaType: string) => {
    const digest = digestOf(bytes);
    files.set(layoutBlobPath(digest), bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const config = put(jsonBytes({ architecture: "amd64", os: "linux" }), OCI_IMAGE_CONFIG);
  const layer = put(Buffer.alloc(3 * 1024 * 1024, 7), "application/vnd.oci.image.layer.v1.tar");
  const foreign = { ...layer, digest: `sha256:${"f".repeat(64)}`, urls: ["https://layers.example/x"] };
  const manifest = put(
    jsonBytes({ schemaVersion: 2, mediaType: OCI_IMAGE_MANIFEST, config, layers: [layer, foreign] }),
    OCI_IMAGE_MANIFEST,
  );
  const root = put(
    jsonBytes({ schemaVersion: 2, mediaType: OCI_IMAGE_INDEX, manifests: [manifest, manifest] }),
    OCI_IMAGE_INDEX,
  );
  files.set("oci-layout", jsonBytes({ imageLayoutVersion: "1.0.0" }));
  files.set("index.json", jsonBytes({ schemaVersion: 2, manifests: [root] }));
  spoil?.(files);
  for (const [path, bytes] of files) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), bytes);
  }
  return { directory, root: root.digest, layer: layer.digest };
}

test("a layout is pushed from the leaves up, and its tag last", async (t) => {
  const { registry, client } = await start(t);
  const { directory, root, layer } = await layout(t);
  const target = parseReference(`${registry.host}/acme/layout:1.0.0`);
  assert.equal(await client.pushLayout(directory, target), root);
  assert.equal(registry.readTag("acme/layout", "1.0.0"), root);
  assert.equal((await client.readBlob({ ...target, digest: root }, layer, 4 * 1024 * 1024))?.length, 3 * 1024 * 1024);
  const manifests = asked(registry, /^PUT .*manifests/).map(({ path }) => path.split("/").at(-1));
  assert.deepEqual(manifests.slice(-2), [root, "1.0.0"]);
  assert.equal(manifests.length, 3);
});

test("a layout is pushed by digest alone where no tag is named", async (t) => {
  const { registry, client } = await start(t);
  const { directory, root } = await layout(t);
  await client.pushLayout(directory, { ...parseReference(`${registry.host}/acme/layout`), digest: root });
  assert.ok(asked(registry, /^PUT .*manifests/).every(({ path }) => path.includes("sha256:")));
});

for (const [name, code, spoil] of [
  [
    "whose layer has other content",
    "broken-layout",
    (files) =>
      files.forEach((bytes, path) => void (bytes.length > 1e6 && files.set(path, Buffer.alloc(bytes.length, 8)))),
  ],
  [
    "whose layer is missing",
    "broken-layout",
    (files) => files.forEach((bytes, path) => void (bytes.length > 1e6 && files.delete(path))),
  ],
  ["without oci-layout", "broken-layout", (files) => files.delete("oci-layout")],
  ["of another version", "schema", (files) => files.set("oci-layout", jsonBytes({ imageLayoutVersion: "2.0.0" }))],
  [
    "that lists nothing",
    "ambiguous-layout",
    (files) => files.set("index.json", jsonBytes({ schemaVersion: 2, manifests: [] })),
  ],
  [
    "whose manifest is missing",
    "broken-layout",
    (files) => files.forEach((bytes, path) => void (Buffer.from(bytes).includes("layers") && files.delete(path))),
  ],
] as const satisfies readonly (readonly [string, string, (files: Map<string, Uint8Array>) => void])[]) {
  test(`a layout ${name} is not pushed`, async (t) => {
    const { registry, client } = await start(t);
    const { directory } = await layout(t, spoil);
    await assert.rejects(client.pushLayout(directory, parseReference(`${registry.host}/acme/layout:1`)), { code });
    assert.equal(asked(registry, /^PUT .*manifests/).length, 0);
  });
}
