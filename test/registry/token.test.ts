import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { digestOf } from "../../src/image/digest.ts";
import type { Credential } from "../../src/registry/credentials.ts";
import type { OciRegistry } from "../world/oci-registry.ts";
import { asked, couldNotLook, NAME, putImage, startClient, startRegistry } from "./image-fixture.ts";

const ANN = { kind: "basic", username: "ann", password: "pä:ss€" } as const;
const known = (credential: Credential | undefined) => async () => credential;
const BLOB = Buffer.from("content");
const DIGEST = digestOf(BLOB);

/** Everything that was sent to a server as its `Authorization`. */
function sentTo(registry: OciRegistry, server: "registry" | "realm" | "storage"): readonly (string | undefined)[] {
  return registry.requests.filter((each) => each.server === server).map(({ headers }) => headers.authorization);
}

async function bearer(t: TestContext, more: Parameters<typeof startRegistry>[1] = {}) {
  const registry = await startRegistry(t, {
    auth: { kind: "bearer", username: "ann", password: ANN.password, identityToken: "refresh", anonymous: "pull" },
    ...more,
  });
  registry.putBlob(NAME, BLOB);
  return { registry, image: putImage(registry) };
}

test("R32 a password goes to a registry that asks for one, in UTF-8", async (t) => {
  const registry = await startRegistry(t, { auth: { kind: "basic", username: "ann", password: ANN.password } });
  const image = putImage(registry);
  const client = startClient(t, registry, { credentials: known(ANN) });
  assert.ok(await client.readManifest(image));
  assert.equal(sentTo(registry, "registry")[0], undefined);
});

test("R15 a wrong password is refused credentials, and so is none", async (t) => {
  const registry = await startRegistry(t, { auth: { kind: "basic", username: "ann", password: ANN.password } });
  const image = putImage(registry);
  for (const credential of [undefined, { ...ANN, password: "wrong" }]) {
    const client = startClient(t, registry, { credentials: known(credential) });
    await assert.rejects(client.readManifest(image), couldNotLook("credentials-refused"));
  }
});

test("an anonymous token is fetched where the realm gives one", async (t) => {
  const { registry, image } = await bearer(t);
  assert.ok(await startClient(t, registry).readManifest(image));
  assert.deepEqual(sentTo(registry, "realm"), [undefined]);
});

test("R32 the password goes to the realm alone, and only the token to the registry", async (t) => {
  const { registry, image } = await bearer(t);
  assert.ok(await startClient(t, registry, { credentials: known(ANN) }).readManifest(image));
  assert.ok(sentTo(registry, "realm").every((header) => header?.startsWith("Basic ")));
  assert.ok(sentTo(registry, "registry").every((header) => header === undefined || header.startsWith("Bearer ")));
});

test("R32 an identity token is exchanged by POST, and goes nowhere else", async (t) => {
  const { registry, image } = await bearer(t);
  const credential: Credential = { kind: "identity-token", token: "refresh" };
  assert.ok(await startClient(t, registry, { credentials: known(credential) }).readManifest(image));
  const [exchange] = asked(registry, /^POST \/token/);
  assert.equal(new URLSearchParams(exchange?.body).get("grant_type"), "refresh_token");
  assert.equal(new URLSearchParams(exchange?.body).get("service"), "stand-in");
  assert.ok(
    registry.requests.every(({ server, path, body }) => server === "realm" || !`${path}${body}`.includes("refresh")),
  );
});

test("R32 no authorization follows a redirect to another origin", async (t) => {
  const { registry, image } = await bearer(t, { redirectBlobs: true });
  const client = startClient(t, registry, { credentials: known(ANN) });
  assert.deepEqual(await client.readBlob(image, DIGEST, 100), BLOB);
  assert.deepEqual(sentTo(registry, "storage"), [undefined]);
});

test("R32 authorization is not taken up again on the way back to its origin", async (t) => {
  const { registry, image } = await bearer(t);
  const elsewhere = registry.host.replace("127.0.0.1", "localhost");
  const allowHosts = [registry.host, registry.realmHost, elsewhere];
  const client = startClient(t, registry, { credentials: known(ANN), allowHosts });
  await client.resolve({ ...image, tag: "1.0.0" });
  registry.fail(/GET \/v2\/.*\/blobs/, { status: 307, headers: { location: `http://${elsewhere}/away` } });
  registry.fail(/GET \/away/, { status: 302, headers: { location: `http://${registry.host}/v2/back` } });
  const before = registry.requests.length;
  await assert.rejects(client.readBlob(image, DIGEST, 100), couldNotLook("server-error"));
  const [first, ...others] = registry.requests.slice(before).map(({ path, headers }) => [path, headers.authorization]);
  assert.ok(first?.[1]?.startsWith("Bearer "));
  assert.deepEqual(others, [
    ["/away", undefined],
    ["/v2/back", undefined],
  ]);
});

test("R32 a realm in plain http that isn't an allowed loopback host gets nothing", async (t) => {
  const { registry, image } = await bearer(t);
  for (const realm of [
    `http://${registry.realmHost}/token`,
    "http://auth.example/token",
    "https://169.254.169.254/token",
  ]) {
    registry.heal();
    registry.fail(/\/manifests\//, { status: 401, headers: { "www-authenticate": `Bearer realm="${realm}"` } });
    const client = startClient(t, registry, { credentials: known(ANN), allowHosts: [registry.host] });
    await assert.rejects(client.readManifest(image), couldNotLook("address-refused"), realm);
  }
  assert.deepEqual(sentTo(registry, "realm"), []);
});

test("R32 a realm's redirect is not followed", async (t) => {
  const { registry, image } = await bearer(t);
  registry.fail(/\/token/, { status: 307, headers: { location: `http://${registry.storageHost}/token` } });
  await assert.rejects(
    startClient(t, registry, { credentials: known(ANN) }).readManifest(image),
    couldNotLook("server-error"),
  );
  assert.deepEqual(sentTo(registry, "storage"), []);
});

test("R32 a login is asked for with the name of the registry that the image names", async (t) => {
  const { registry, image } = await bearer(t);
  const names: string[] = [];
  const credentials = async (name: string, repository: string) => {
    names.push(`${name}/${repository}`);
    return ANN;
  };
  await startClient(t, registry, { credentials }).readManifest(image);
  assert.deepEqual(names, [`${registry.host}/${NAME}`]);
});

test("one token is fetched for all requests that wait for it, and kept", async (t) => {
  const { registry, image } = await bearer(t);
  const client = startClient(t, registry);
  await Promise.all([client.readManifest(image), client.readBlob(image, DIGEST, 100), client.listAttestations(image)]);
  await client.resolve(image);
  assert.equal(asked(registry, /\/token/).length, 1);
});

test("each repository gets a token of its own", async (t) => {
  const { registry, image } = await bearer(t);
  const other = putImage(registry, "1.0.0", "acme/other");
  const client = startClient(t, registry);
  await client.readManifest(image);
  await client.readManifest(other);
  const scopes = asked(registry, /\/token/).map(({ path }) => new URL(path, "http://x").searchParams.get("scope"));
  assert.deepEqual(scopes, ["repository:acme/app:pull", "repository:acme/other:pull"]);
});

test("a token that is refused is fetched anew, once", async (t) => {
  const { registry, image } = await bearer(t);
  const client = startClient(t, registry);
  await client.readManifest(image);
  const challenge = `Bearer realm="http://${registry.realmHost}/token",service="stand-in"`;
  registry.fail(/\/blobs\//, { status: 401, headers: { "www-authenticate": challenge } }, 1);
  assert.deepEqual(await client.readBlob(image, DIGEST, 100), BLOB);
  assert.equal(asked(registry, /\/token/).length, 2);
});

test("R15 a realm that refuses is refused credentials", async (t) => {
  const { registry, image } = await bearer(t, { auth: { kind: "bearer", anonymous: "refused" } });
  await assert.rejects(startClient(t, registry).readManifest(image), couldNotLook("credentials-refused"));
});

test("R15 a token for nothing is refused credentials", async (t) => {
  const { registry, image } = await bearer(t, { auth: { kind: "bearer", anonymous: "nothing" } });
  await assert.rejects(startClient(t, registry).readManifest(image), couldNotLook("credentials-refused"));
});

for (const answer of ["no json", "{}", '{"token":""}', '{"token":"a\\r\\nX-Evil: 1"}', '{"token":7}']) {
  test(`the token answer ${JSON.stringify(answer)} is no token`, async (t) => {
    const { registry, image } = await bearer(t);
    registry.fail(/\/token/, { status: 200, body: answer });
    await assert.rejects(startClient(t, registry).readManifest(image), couldNotLook("server-error"));
  });
}

test("no message holds a password or a token", async (t) => {
  const { registry, image } = await bearer(t);
  for (const pattern of [/\/token/, /\/manifests\//]) {
    for (const status of [400, 401, 403, 429, 500]) {
      registry.heal();
      registry.fail(pattern, { status, body: '{"errors":[{"code":"DENIED","message":"no\\u001b[31m"}]}' });
      const client = startClient(t, registry, { credentials: known(ANN) });
      await assert.rejects(client.readManifest(image), (error: Error) => {
        const text = `${error.message} ${JSON.stringify(error)}`;
        assert.ok(!/pä|Bearer |Basic |signature=/.test(text), text);
        assert.ok(!text.includes("\u001b"), text);
        return true;
      });
    }
  }
});
