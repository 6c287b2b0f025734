import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readConfig } from "../../src/app/config.ts";
import { openWalks } from "../../src/app/walk.ts";
import { digestOf } from "../../src/image/digest.ts";
import { parseReference } from "../../src/image/reference.ts";
import type { ContentStore } from "../../src/registry/content-cache.ts";
import { CouldNotLook } from "../../src/trust/ports.ts";
import { putImage } from "../registry/image-fixture.ts";
import { startOciRegistry } from "../world/oci-registry.ts";

const repository = { id: 1, ownerId: 2, owner: "acme", name: "app", installation: 3, isPrivate: false };
const nobody = async () => assert.fail("nobody is asked");

test("the server connects to no address of its own network because a policy names an image there", async (t) => {
  const registry = await startOciRegistry();
  t.after(() => registry.close());
  const asked = parseReference(`${registry.host}/acme/app:v1`);
  const closed = openWalks(readConfig({}), nobody).forRepository(repository, asked);
  t.after(() => closed.close());
  await assert.rejects(
    closed.resolve(asked),
    (error) => error instanceof CouldNotLook && error.code === "address-refused",
  );
  assert.deepEqual(registry.requests, []);

  const open = openWalks(readConfig({ TRUSTED_BUILDS_ALLOW_HOSTS: registry.host }), nobody).forRepository(
    repository,
    asked,
  );
  t.after(() => open.close());
  assert.equal(await open.resolve(asked), undefined, "allowed, it is asked");
});

test("R32 the server fetches no feed of roots from its own network because a policy names one there, and keeps what it fetched", async (t) => {
  const registry = await startOciRegistry();
  t.after(() => registry.close());
  const asked = parseReference(`${registry.host}/acme/app:v1`);
  const closed = openWalks(readConfig({}), nobody).forRepository(repository, asked);
  t.after(() => closed.close());
  const code = "address-refused";
  await assert.rejects(async () => closed.feeds?.source.fetchFeed(`http://${registry.host}/feed.json`, 1000), { code });
  await assert.rejects(async () => closed.feeds?.source.fetchFeed("https://169.254.169.254/feed.json", 1000), { code });
  assert.deepEqual(registry.requests, []);

  const open = openWalks(readConfig({ TRUSTED_BUILDS_ALLOW_HOSTS: registry.host }), nobody).forRepository;
  const [one, other] = [open(repository, asked), open(repository, asked)];
  for (const walk of [one, other]) t.after(() => walk.close());
  await assert.rejects(
    async () => one.feeds?.source.fetchFeed(`http://${registry.host}/feed.json`, 1000),
    CouldNotLook,
  );
  assert.equal(registry.requests.length, 1);
  const key = digestOf(Buffer.from("a feed"));
  await one.feeds?.shelf.keepFeed(key, Buffer.from("a feed"));
  assert.deepEqual(await other.feeds?.shelf.readFeed(key), Buffer.from("a feed"));
});

test("the person's own registry credentials aren't used for images that others name, unless the operator gives some", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "walk-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const registry = await startOciRegistry({ auth: { kind: "basic", username: "ada", password: "hunter2" } });
  t.after(() => registry.close());
  const auth = Buffer.from("ada:hunter2").toString("base64");
  writeFileSync(join(folder, "config.json"), JSON.stringify({ auths: { [registry.host]: { auth } } }));
  const asked = parseReference(`${registry.host}/acme/app:v1`);
  const allowed = { TRUSTED_BUILDS_ALLOW_HOSTS: registry.host };

  const without = openWalks(readConfig(allowed), nobody).forRepository(repository, asked);
  t.after(() => without.close());
  await assert.rejects(
    without.resolve(asked),
    (error) => error instanceof CouldNotLook && error.code === "credentials-refused",
  );
  assert.ok(registry.requests.every(({ headers }) => headers.authorization === undefined));

  const given = openWalks(readConfig({ ...allowed, REGISTRY_CREDENTIALS: folder }), nobody).forRepository(
    repository,
    asked,
  );
  t.after(() => given.close());
  await given.resolve(asked).catch(() => {}); // there is no such image
  assert.ok(registry.requests.some(({ headers }) => headers.authorization === `Basic ${auth}`));
});

test("R15 what the operator's credentials showed is kept for nobody, and what anyone may read is kept once", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "walk-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const hidden = await startOciRegistry({ auth: { kind: "basic", username: "ada", password: "hunter2" } });
  const open = await startOciRegistry();
  for (const registry of [hidden, open]) t.after(() => registry.close());
  const auth = Buffer.from("ada:hunter2").toString("base64");
  writeFileSync(join(folder, "config.json"), JSON.stringify({ auths: { [hidden.host]: { auth } } }));
  const kept = new Map<string, Uint8Array>();
  const content: ContentStore = {
    readContent: async (key) => kept.get(JSON.stringify(key)),
    keepContent: async (key, bytes) => void kept.set(JSON.stringify(key), bytes),
  };
  const env = { TRUSTED_BUILDS_ALLOW_HOSTS: `${hidden.host} ${open.host}` };
  const digest = digestOf(Buffer.from("a config"));
  /** Reads the config of an image in a walk of its own. */
  const read = async (registry: typeof open, above: Readonly<Record<string, string>>) => {
    const walk = openWalks(readConfig({ ...env, ...above }), nobody, undefined, { content }).forRepository(
      repository,
      putImage(registry),
    );
    try {
      registry.putBlob("acme/app", Buffer.from("a config"));
      const pinned = await walk.resolve(parseReference(`${registry.host}/acme/app:1.0.0`));
      assert.ok(pinned);
      return await walk.images.readBlob(pinned, digest, 100);
    } finally {
      await walk.close();
    }
  };
  assert.ok(await read(hidden, { REGISTRY_CREDENTIALS: folder }));
  assert.equal(kept.size, 0);
  await assert.rejects(read(hidden, {}), { code: "credentials-refused" });
  assert.ok(await read(open, { CACHE_MIB: "0" }));
  assert.equal(kept.size, 0);
  for (let walk = 0; walk < 2; walk++) assert.ok(await read(open, {}));
  assert.ok(kept.size > 0);
  assert.equal(open.requests.filter(({ path }) => path.includes("/blobs/")).length, 2);
});
