import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { test } from "node:test";
import fc from "fast-check";
import { digestOf } from "../../src/image/digest.ts";
import { parseReference, pin } from "../../src/image/reference.ts";
import { createAddressGuard, isPublicAddress } from "../../src/registry/address-guard.ts";
import { createRegistryClient } from "../../src/registry/client.ts";
import { couldNotLook, putImage, startClient, startRegistry } from "./image-fixture.ts";

const PUBLIC = ["1.1.1.1", "140.82.112.33", "2606:4700::1", "::ffff:1.1.1.1", "64:ff9b::101:101"];

const NOT_PUBLIC = [
  ...["127.0.0.1", "127.255.0.1", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1"],
  ...[
    "169.254.169.254",
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
  ],
  ...[
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fc00::1",
    "fd00:ec2::254",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "100::1",
  ],
  // An address within an address.
  ...[
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:a9fe:a9fe",
    "::127.0.0.1",
    "::a9fe:a9fe",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
  ],
  ...[
    "64:ff9b:1::101:101",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2002:101:101::1",
    "2001:0:101:101::1",
    "::ffff:0:127.0.0.1",
  ],
  ...["5f00::1", "3fff::1", "not an address", ""],
];

for (const address of PUBLIC) {
  test(`the guard takes ${address} for public`, () => assert.equal(isPublicAddress(address), true));
}
for (const address of NOT_PUBLIC) {
  test(`the guard takes ${address || "nothing"} for not public`, () => assert.equal(isPublicAddress(address), false));
}

test("no IPv6 form of a private IPv4 address is public", () => {
  const privates = fc.oneof(
    fc.tuple(fc.constant(127), fc.nat(255), fc.nat(255), fc.nat(255)),
    fc.tuple(fc.constant(10), fc.nat(255), fc.nat(255), fc.nat(255)),
    fc.tuple(fc.constant(169), fc.constant(254), fc.nat(255), fc.nat(255)),
  );
  fc.assert(
    fc.property(privates, ([a, b, c, d]) => {
      const low = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
      for (const form of [`::ffff:${low}`, `::${low}`, `64:ff9b::${low}`, `2002:${low}::1`, `::ffff:0:${low}`]) {
        assert.equal(isPublicAddress(form), false, form);
      }
    }),
  );
});

for (const text of [
  "http://ghcr.io/",
  "ftp://ghcr.io/",
  "https://user@ghcr.io/",
  "https://127.0.0.1/",
  "https://2130706433/",
  "https://0x7f.1/",
  "https://[::1]/",
  "https://[::ffff:7f00:1]/",
  "https://169.254.169.254/latest/meta-data",
  "http://127.0.0.1:5000/",
  "http://localhost:5000/",
]) {
  test(`the guard refuses ${text} where nothing is allowed`, () => {
    assert.throws(() => createAddressGuard([]).check(new URL(text)), couldNotLook("address-refused"));
  });
}

test("an allowed host opens its own port alone", () => {
  const guard = createAddressGuard(["10.0.0.1:8443", "[::1]:5000", "127.0.0.1"]);
  for (const open of ["https://10.0.0.1:8443/", "http://[::1]:5000/", "https://127.0.0.1/", "http://127.0.0.1/"]) {
    guard.check(new URL(open));
  }
  for (const shut of ["https://10.0.0.1/", "https://10.0.0.2:8443/", "http://[::1]:5001/", "http://127.0.0.1:8080/"]) {
    assert.throws(() => guard.check(new URL(shut)), couldNotLook("address-refused"), shut);
  }
});

test("an allowed host that isn't loopback is never spoken to in plain http", () => {
  const guard = createAddressGuard(["10.0.0.1:80", "registry.internal:80"]);
  assert.throws(() => guard.check(new URL("http://10.0.0.1/")), couldNotLook("address-refused"));
  assert.throws(() => guard.check(new URL("http://registry.internal/")), couldNotLook("address-refused"));
  assert.equal(guard.isPlain("10.0.0.1:80"), false);
});

for (const entry of ["", "a b:1", "host:99999", "http://host", "host:port", "user@host:1", "host/path"]) {
  test(`the allowed host ${JSON.stringify(entry)} is refused`, () => {
    assert.throws(() => createAddressGuard([entry]), { code: "malformed-allowed-host" });
  });
}

test("a name is refused if any of its addresses is not public", async () => {
  const lookup = async () => [
    { address: "1.1.1.1", family: 4 },
    { address: "10.0.0.1", family: 4 },
  ];
  const url = new URL("https://registry.example/");
  await assert.rejects(createAddressGuard([], lookup).resolve(url), couldNotLook("address-refused"));
  assert.equal((await createAddressGuard(["registry.example:443"], lookup).resolve(url)).length, 2);
});

test("localhost is refused in plain http where it resolves to another machine", async () => {
  const at = (address: string) => createAddressGuard(["localhost:5000"], async () => [{ address, family: 4 }]);
  const url = new URL("http://localhost:5000/");
  await assert.rejects(at("10.0.0.1").resolve(url), couldNotLook("address-refused"));
  assert.equal((await at("127.0.0.1").resolve(url)).length, 1);
});

/** A server on loopback that must not be reached. */
async function victim(t: TestContext): Promise<{ port: number; reached: () => number }> {
  let count = 0;
  const server = createServer((_request, response) => {
    count += 1;
    response.end("{}");
  });
  server.on("connection", () => {
    count += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => new Promise((resolve) => server.close(resolve)));
  return { port: (server.address() as AddressInfo).port, reached: () => count };
}

test("a name that resolves to loopback is not even connected to", async (t) => {
  const { port, reached } = await victim(t);
  const lookup = async () => [{ address: "127.0.0.1", family: 4 }];
  const client = createRegistryClient({ allowHosts: [], lookup, pause: async () => {} });
  t.after(() => client.close());
  await assert.rejects(
    client.resolve(parseReference(`registry.example:${port}/acme/app:1`)),
    couldNotLook("address-refused"),
  );
  assert.equal(reached(), 0);
});

test("the resolver is asked once per connection, so that what was checked is what is dialled", async (t) => {
  const { port, reached } = await victim(t);
  let asked = 0;
  const lookup = async () => {
    asked += 1;
    return [{ address: "127.0.0.1", family: 4 }];
  };
  const client = createRegistryClient({ allowHosts: [`changing.example:${port}`], lookup, pause: async () => {} });
  t.after(() => client.close());
  const image = pin(parseReference(`changing.example:${port}/acme/app`), digestOf(Buffer.from("x")));
  // It speaks TLS to a server that doesn't: each try ends after its connection.
  await assert.rejects(client.readManifest(image), couldNotLook("network"));
  assert.equal(asked, 3);
  assert.equal(reached(), 3);
});

test("a redirect to an address that isn't allowed is refused, and one that is allowed is followed", async (t) => {
  const { port, reached } = await victim(t);
  const registry = await startRegistry(t, { redirectBlobs: true });
  const image = putImage(registry);
  const blob = registry.putBlob("acme/app", Buffer.from("content"));
  const digest = digestOf(Buffer.from("content"));
  assert.equal(blob, digest);
  const client = startClient(t, registry);
  assert.equal(Buffer.from((await client.readBlob(image, digest, 100))!).toString(), "content");

  for (const location of [
    `http://127.0.0.1:${port}/x`,
    `http://localhost:${port}/x`,
    "http://169.254.169.254/",
    "file:///etc/passwd",
  ]) {
    registry.fail(/blobs\/sha256/, { status: 307, headers: { location } }, 1);
    await assert.rejects(
      startClient(t, registry).readBlob(image, digest, 100),
      couldNotLook("address-refused"),
      location,
    );
  }
  assert.equal(reached(), 0);
});
