import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { digestOf } from "../../src/image/digest.ts";
import { parseReference, pin } from "../../src/image/reference.ts";
import { createAddressGuard } from "../../src/registry/address-guard.ts";
import { createRegistryClient } from "../../src/registry/client.ts";
import { createTransport } from "../../src/registry/transport.ts";
import { asked, couldNotLook, putImage, startClient, startRegistry } from "./image-fixture.ts";

test("a broken connection is tried three times, and then told", async (t) => {
  const registry = await startRegistry(t);
  const image = putImage(registry);
  registry.fail(/manifests\//, "reset", 2);
  const client = startClient(t, registry);
  assert.ok(await client.readManifest(image));
  assert.deepEqual(client.pauses, [250, 1000]);
  registry.fail(/manifests\//, "reset");
  await assert.rejects(startClient(t, registry).readManifest(image), couldNotLook("network"));
  assert.equal(asked(registry, /manifests\//).length, 6);
});

for (const status of [500, 502, 503, 504]) {
  test(`R15 ${status} is tried again, and then a server's error`, async (t) => {
    const registry = await startRegistry(t);
    const image = putImage(registry);
    registry.fail(/manifests\//, { status }, 2);
    assert.ok(await startClient(t, registry).readManifest(image));
    registry.fail(/manifests\//, { status });
    await assert.rejects(startClient(t, registry).readManifest(image), couldNotLook("server-error"));
  });
}

test("R15 429 is waited for as long as it asks, and then told", async (t) => {
  const registry = await startRegistry(t);
  const image = putImage(registry);
  registry.fail(/manifests\//, { status: 429, headers: { "retry-after": "7" } }, 1);
  registry.fail(/manifests\//, { status: 429 }, 1);
  const client = startClient(t, registry);
  assert.ok(await client.readManifest(image));
  assert.deepEqual(client.pauses, [7000, 2000]);
  registry.fail(/manifests\//, { status: 429, headers: { "retry-after": "0" } });
  await assert.rejects(startClient(t, registry).readManifest(image), couldNotLook("rate-limited"));
  assert.equal(asked(registry, /manifests\//).length, 3 + 4);
});

test("429 is understood with a date, too", async (t) => {
  const registry = await startRegistry(t);
  const image = putImage(registry);
  const date = new Date(Date.now() - 60_000).toUTCString();
  registry.fail(/manifests\//, { status: 429, headers: { "retry-after": date } }, 1);
  const client = startClient(t, registry);
  assert.ok(await client.readManifest(image));
  assert.deepEqual(client.pauses, [0]);
});

for (const [name, after] of [
  ["an hour", "3600"],
  ["a day, by date", new Date(Date.now() + 86_400_000).toUTCString()],
] as const) {
  test(`429 that asks for ${name} is not waited for`, async (t) => {
    const registry = await startRegistry(t);
    const image = putImage(registry);
    registry.fail(/manifests\//, { status: 429, headers: { "retry-after": after } });
    const client = startClient(t, registry);
    await assert.rejects(client.readManifest(image), couldNotLook("rate-limited"));
    assert.deepEqual(client.pauses, []);
  });
}

test("three redirects are followed, and four are not", async (t) => {
  const registry = await startRegistry(t);
  const image = putImage(registry);
  const blob = Buffer.from("content");
  registry.putBlob("acme/app", blob);
  const digest = digestOf(blob);
  const to = (location: string) => ({ status: 307, headers: { location } });
  registry.fail(/blobs\//, to("/1"), 1);
  registry.fail(/GET \/1/, to("/2"));
  registry.fail(/GET \/2/, to(`/v2/acme/app/blobs/${digest}`));
  assert.deepEqual(await startClient(t, registry).readBlob(image, digest, 100), blob);
  registry.fail(/blobs\//, to("/1"));
  const before = registry.requests.length;
  await assert.rejects(startClient(t, registry).readBlob(image, digest, 100), couldNotLook("server-error"));
  assert.equal(registry.requests.length - before, 4);
});

test("a request without an answer ends in time", async (t) => {
  const registry = await startRegistry(t);
  registry.fail(/./, "hang");
  const transport = createTransport({ guard: createAddressGuard([registry.host]), userAgent: "test" });
  t.after(() => transport.close());
  const url = new URL(`http://${registry.host}/v2/`);
  await assert.rejects(
    transport.send({ method: "GET", url, limit: 100, what: "test", timeoutMs: 500 }),
    couldNotLook("timeout"),
  );
  // On a busy machine it may have ended before it was heard; it isn't tried again.
  assert.ok(registry.requests.length <= 1);
});

test("the walk's own limit ends everything with a timeout", async (t) => {
  const registry = await startRegistry(t);
  const image = putImage(registry);
  registry.fail(/./, "hang");
  const controller = new AbortController();
  const client = startClient(t, registry, { signal: controller.signal });
  const reading = [client.readManifest(image), client.resolve({ ...image, digest: image.digest })];
  controller.abort();
  for (const each of reading) await assert.rejects(each, couldNotLook("timeout"));
  await assert.rejects(client.readBlob(image, image.digest, 100), couldNotLook("timeout"));
});

test("the walk's own limit ends a pause, too", async (t) => {
  const registry = await startRegistry(t);
  registry.fail(/./, { status: 429, headers: { "retry-after": "20" } });
  const controller = new AbortController();
  const guard = createAddressGuard([registry.host]);
  const onRequest = () => setImmediate(() => controller.abort());
  const transport = createTransport({ guard, userAgent: "test", signal: controller.signal, onRequest });
  t.after(() => transport.close());
  const url = new URL(`http://${registry.host}/v2/`);
  await assert.rejects(transport.send({ method: "GET", url, limit: 100, what: "test" }), couldNotLook("timeout"));
});

test("each answer is told, without its query", async (t) => {
  const registry = await startRegistry(t, { redirectBlobs: true });
  const image = putImage(registry);
  const blob = Buffer.from("content");
  registry.putBlob("acme/app", blob);
  const told: unknown[] = [];
  const client = startClient(t, registry, { onRequest: (request) => void told.push(request) });
  await client.readBlob(image, digestOf(blob), 100);
  assert.deepEqual(told, [
    { method: "GET", url: `http://${registry.host}/v2/acme/app/blobs/${digestOf(blob)}`, status: 307, bytes: 0 },
    { method: "GET", url: `http://${registry.storageHost}/acme/app/${digestOf(blob)}`, status: 200, bytes: 7 },
  ]);
});

/** An https server with a certificate for `registry.example`, and that certificate. */
async function secure(
  t: TestContext,
  body: string,
): Promise<{ port: number; authority: string; names: string[] } | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "tls-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = (name: string) => join(folder, name);
  const name = "registry.example";
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  const out = [
    "-keyout",
    path("key.pem"),
    "-out",
    path("cert.pem"),
    "-subj",
    `/CN=${name}`,
    "-addext",
    `subjectAltName=DNS:${name}`,
  ];
  try {
    execFileSync("openssl", ["req", "-x509", ...curve, ...out], { stdio: "ignore" });
  } catch {
    if (process.env.CI) throw new Error("openssl is missing");
    t.skip("openssl is missing");
    return undefined;
  }
  const authority = readFileSync(path("cert.pem"), "utf8");
  const names: string[] = [];
  const server = createServer({ key: readFileSync(path("key.pem")), cert: authority }, (request, response) => {
    names.push((request.socket as unknown as { servername: string }).servername);
    response.writeHead(200, { "content-type": "application/json" });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, authority, names };
}

test("a checked address is dialled under the name that was asked for, and its certificate must be that name's", async (t) => {
  const body = '{"schemaVersion":2}';
  const server = await secure(t, body);
  if (server === undefined) return;
  const { port, authority, names } = server;
  const lookup = async () => [{ address: "127.0.0.1", family: 4 }];
  const read = async (host: string, authorities?: string) => {
    const client = createRegistryClient({
      allowHosts: [host],
      lookup,
      pause: async () => {},
      ...(authorities === undefined ? {} : { authorities }),
    });
    t.after(() => client.close());
    return client.readManifest(pin(parseReference(`${host}/acme/app`), digestOf(Buffer.from(body))));
  };
  assert.ok(await read(`registry.example:${port}`, authority));
  assert.deepEqual(names, ["registry.example"]);
  await assert.rejects(read(`other.example:${port}`, authority), couldNotLook("network"));
  await assert.rejects(read(`registry.example:${port}`), couldNotLook("network"));
  assert.equal(names.length, 1);
});
