import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { digestOf } from "../../src/image/digest.ts";
import { OCI_IMAGE_MANIFEST } from "../../src/image/media-type.ts";
import { parseReference, pin } from "../../src/image/reference.ts";
import { BeyondLimit } from "../../src/trust/ports.ts";
import type { OciRegistryOptions } from "../world/oci-registry.ts";
import { asked, couldNotLook, NAME, putImage, startClient, startRegistry } from "./image-fixture.ts";

const BLOB = Buffer.from("the content of a blob");
const DIGEST = digestOf(BLOB);
const ABSENT = digestOf(Buffer.from("nothing of that kind"));

async function start(t: TestContext, options: OciRegistryOptions = {}) {
  const registry = await startRegistry(t, options);
  registry.putBlob(NAME, BLOB);
  const image = putImage(registry);
  return { registry, image, absent: pin(image, ABSENT), client: startClient(t, registry) };
}

const password = { kind: "basic", username: "ann", password: "word" } as const;
const credentials = async () => password;

test("R23 a manifest is read with its type, and has the digest asked for", async (t) => {
  const { image, client } = await start(t);
  const stored = await client.readManifest(image);
  assert.equal(stored?.contentType, OCI_IMAGE_MANIFEST);
  assert.equal(digestOf(stored.bytes), image.digest);
});

test("a digest of another algorithm is compared by that algorithm", async (t) => {
  const { registry, image, client } = await start(t);
  const digest = digestOf(BLOB, "sha512");
  registry.fail(/blobs\/sha512/, { status: 200, body: BLOB });
  assert.deepEqual(await client.readBlob(image, digest, 100), BLOB);
  registry.heal();
  registry.fail(/blobs\/sha384/, { status: 200, body: BLOB });
  await assert.rejects(
    client.readBlob(image, digestOf(Buffer.from("x"), "sha384"), 100),
    couldNotLook("digest-mismatch"),
  );
});

for (const [what, pattern, read] of [
  [
    "manifest",
    /manifests\//,
    async ({ client, image }: Awaited<ReturnType<typeof start>>) => client.readManifest(image),
  ],
  [
    "blob",
    /blobs\//,
    async ({ client, image }: Awaited<ReturnType<typeof start>>) => client.readBlob(image, DIGEST, 100),
  ],
] as const) {
  test(`R23 a ${what} with wrong bytes is fetched once more, and then taken`, async (t) => {
    const world = await start(t);
    world.registry.fail(pattern, "corrupt", 1);
    assert.ok(await read(world));
    assert.equal(asked(world.registry, pattern).length, 2);
  });

  test(`R23 a ${what} with wrong bytes twice was never received`, async (t) => {
    const world = await start(t);
    world.registry.fail(pattern, "corrupt");
    await assert.rejects(read(world), couldNotLook("digest-mismatch"));
    assert.equal(asked(world.registry, pattern).length, 2);
  });

  test(`R23 a ${what} that came encoded is refused`, async (t) => {
    const world = await start(t);
    const body = gzipSync(BLOB);
    world.registry.fail(pattern, { status: 200, headers: { "content-encoding": "gzip" }, body });
    await assert.rejects(read(world), couldNotLook("server-error"));
    assert.ok(asked(world.registry, pattern).every(({ headers }) => headers["accept-encoding"] === "identity"));
  });

  for (const status of [401, 403]) {
    test(`R15 a ${what} behind ${status} is refused credentials, even where reading is proven`, async (t) => {
      const world = await start(t);
      world.registry.fail(pattern, { status });
      await assert.rejects(read(world), couldNotLook("credentials-refused"));
    });
  }

  for (const status of [200, 404]) {
    test(`R15 a ${what} that a redirect's target answers with ${status} but not with content is not absent`, async (t) => {
      const world = await start(t);
      const location = `http://${world.registry.storageHost}/x`;
      world.registry.fail(pattern, { status: 307, headers: { location } });
      world.registry.fail(/GET \/x/, { status, body: "gone" });
      await assert.rejects(read(world), couldNotLook(status === 200 ? "digest-mismatch" : "server-error"));
    });
  }

  test(`a ${what} is fetched once, however often it is asked for`, async (t) => {
    const world = await start(t);
    await Promise.all([read(world), read(world)]);
    await read(world);
    assert.equal(asked(world.registry, pattern).length, 1);
  });

  test(`a ${what} that could not be read is asked for again`, async (t) => {
    const world = await start(t);
    world.registry.fail(pattern, { status: 403 }, 1);
    await assert.rejects(read(world), couldNotLook("credentials-refused"));
    assert.ok(await read(world));
  });
}

test("R23 a manifest above 4 MiB is beyond the limit, and one at it is read", async (t) => {
  const { registry, client, image } = await start(t);
  const at = Buffer.alloc(4 * 1024 * 1024, 0x20);
  const above = Buffer.alloc(at.length + 1, 0x20);
  for (const bytes of [at, above]) registry.putManifest(NAME, bytes, OCI_IMAGE_MANIFEST);
  assert.equal((await client.readManifest(pin(image, digestOf(at))))?.bytes.length, at.length);
  await assert.rejects(client.readManifest(pin(image, digestOf(above))), BeyondLimit);
});

test("R23 a body is read to its limit, whatever length it claims", async (t) => {
  const { registry, client, image } = await start(t);
  assert.ok(await client.readBlob(image, DIGEST, BLOB.length));
  await assert.rejects(client.readBlob(image, DIGEST, BLOB.length - 1), BeyondLimit);
  registry.fail(/blobs\//, {
    status: 200,
    headers: { "transfer-encoding": "chunked" },
    body: BLOB,
  });
  await assert.rejects(startClient(t, registry).readBlob(image, DIGEST, BLOB.length - 1), BeyondLimit);
});

test("R15 a 404 is absence where an anonymous request to /v2/ is answered", async (t) => {
  const { client, absent, image } = await start(t);
  assert.equal(await client.readManifest(absent), undefined);
  assert.equal(await client.readBlob(image, ABSENT, 100), undefined);
  assert.equal(await client.resolve(parseReference(`${image.registry}/acme/app:9`)), undefined);
});

test("R15 a 404 of another registry that this one sends us to is absence, where reading is proven", async (t) => {
  const { registry, client, image, absent } = await start(t);
  const nearby = await startRegistry(t);
  putImage(nearby);
  const allowed = startClient(t, registry, { allowHosts: [registry.host, nearby.host] });
  const send = (digest: string) => {
    const location = `http://${nearby.host}/v2/acme/app/manifests/${digest}`;
    registry.fail(new RegExp(`manifests/${digest}`), { status: 307, headers: { location } });
  };
  send(absent.digest);
  registry.fail(/GET \/v2\/$/, { status: 401 });
  await assert.rejects(allowed.readManifest(absent), couldNotLook("not-found-unproven"));
  await allowed.readManifest(image);
  assert.equal(await allowed.readManifest(absent), undefined);
  await assert.rejects(client.readManifest(absent), couldNotLook("address-refused"));
});

test("R15 a 404 proves nothing where reading isn't proven", async (t) => {
  const { registry, absent } = await start(t, { auth: password });
  const client = startClient(t, registry, { credentials });
  await assert.rejects(client.readManifest(absent), couldNotLook("not-found-unproven"));
  await assert.rejects(client.resolve({ ...absent, digest: ABSENT }), couldNotLook("not-found-unproven"));
});

test("R15 a 404 is absence after another read of the same repository", async (t) => {
  const { registry, image, absent } = await start(t, { auth: password });
  const other = putImage(registry, "1.0.0", "acme/other");
  const client = startClient(t, registry, { credentials });
  await client.readManifest(other);
  await assert.rejects(client.readManifest(absent), couldNotLook("not-found-unproven"));
  await client.readManifest(image);
  assert.equal(await client.readManifest(absent), undefined);
});

test("R15 wrong bytes are no read that proves anything", async (t) => {
  const { registry, image, absent } = await start(t, { auth: password });
  const client = startClient(t, registry, { credentials });
  registry.fail(new RegExp(image.digest), { status: 200, body: "anything" });
  await assert.rejects(client.readManifest(image), couldNotLook("digest-mismatch"));
  await assert.rejects(client.readManifest(absent), couldNotLook("not-found-unproven"));
});

for (const [opaque, provenByToken] of [
  [false, true],
  [true, false],
] as const) {
  test(`R15 a token that ${provenByToken ? "says" : "doesn't say"} that we may pull ${provenByToken ? "proves" : "doesn't prove"} absence`, async (t) => {
    const { client, absent } = await start(t, { auth: { kind: "bearer", anonymous: "pull", opaque } });
    if (provenByToken) assert.equal(await client.readManifest(absent), undefined);
    else await assert.rejects(client.readManifest(absent), couldNotLook("not-found-unproven"));
  });
}

test("R15 a token for another repository proves nothing", async (t) => {
  const { registry, client, absent } = await start(t, { auth: { kind: "bearer", anonymous: "pull" } });
  const claims = { access: [{ type: "repository", name: "acme/other", actions: ["pull"] }] };
  const token = `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2ln`;
  registry.fail(/\/token/, { status: 200, body: JSON.stringify({ token }) });
  const challenge = { "www-authenticate": `Bearer realm="http://${registry.realmHost}/token"` };
  registry.fail(/GET \/v2\/acme/, { status: 401, headers: challenge }, 1);
  registry.fail(/GET \/v2\/acme/, { status: 404 });
  await assert.rejects(client.readManifest(absent), couldNotLook("not-found-unproven"));
});

for (const status of [204, 400, 405, 418, 501]) {
  test(`an answer ${status} to a read is a server's error`, async (t) => {
    const { registry, client, image } = await start(t);
    registry.fail(/manifests\//, { status });
    await assert.rejects(client.readManifest(image), couldNotLook("server-error"));
  });
}

test("a tag is resolved to the digest of what came, and not asked for again by digest", async (t) => {
  const { registry, client, image } = await start(t);
  const found = await client.resolve(parseReference(`${registry.host}/acme/app:1.0.0`));
  assert.deepEqual(found?.pinned, image);
  await client.readManifest(image);
  assert.equal(asked(registry, /manifests\//).length, 1);
});

test("a tag is never kept", async (t) => {
  const { registry, client, image } = await start(t);
  const reference = parseReference(`${registry.host}/acme/app:1.0.0`);
  await client.resolve(reference);
  const moved = Buffer.from('{"schemaVersion":2,"moved":true}');
  registry.putManifest(NAME, moved, OCI_IMAGE_MANIFEST, "1.0.0");
  assert.equal((await client.resolve(reference))?.pinned.digest, digestOf(moved));
  assert.notEqual(digestOf(moved), image.digest);
});

test("a digest in a reference wins over its tag", async (t) => {
  const { registry, client, image } = await start(t);
  registry.putManifest(NAME, Buffer.from("{}"), OCI_IMAGE_MANIFEST, "1.0.0");
  assert.equal((await client.resolve(image))?.pinned.digest, image.digest);
  assert.equal(asked(registry, /manifests\/1\.0\.0/).length, 0);
});

test("R23 a tag's content that contradicts the digest beside it is fetched once more", async (t) => {
  const { registry, client } = await start(t);
  const reference = parseReference(`${registry.host}/acme/app:1.0.0`);
  registry.fail(/manifests\/1/, "corrupt", 1);
  assert.ok(await client.resolve(reference));
  registry.fail(/manifests\/1/, "corrupt");
  await assert.rejects(client.resolve(reference), couldNotLook("digest-mismatch"));
});

test("R23 a digest header that can't be read is no agreement", async (t) => {
  const { registry, client } = await start(t);
  const headers = { "docker-content-digest": "md5:00" };
  registry.fail(/manifests\//, { status: 200, headers, body: "{}" });
  await assert.rejects(client.resolve(parseReference(`${registry.host}/acme/app:1`)), couldNotLook("digest-mismatch"));
});

test("a page for people under a tag is no image", async (t) => {
  const { registry, client } = await start(t);
  registry.fail(/manifests\//, { status: 200, headers: { "content-type": "text/html" }, body: "<html>Log in</html>" });
  await assert.rejects(client.resolve(parseReference(`${registry.host}/acme/app:1`)), couldNotLook("server-error"));
});

test("a name whose port is none is never asked", async (t) => {
  const { client } = await start(t);
  await assert.rejects(
    client.resolve(parseReference("registry.example:99999/acme/app:1")),
    couldNotLook("address-refused"),
  );
});
