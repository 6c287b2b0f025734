import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { createRegistryClient } from "../../src/registry/client.ts";
import { createFeedSource } from "../../src/registry/feed-source.ts";
import { BeyondLimit } from "../../src/trust/ports.ts";

/** A server of one test, and the feeds that a client finds there. */
async function setUp(t: TestContext, pages: Readonly<Record<string, string | Buffer | { readonly location: string }>>) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    const page = pages[request.url ?? ""];
    if (page === undefined) response.writeHead(404).end();
    else if (typeof page === "object" && "location" in page) response.writeHead(302, { ...page }).end();
    else response.end(page);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const client = createRegistryClient({ allowHosts: [`127.0.0.1:${port}`], pause: async () => {} });
  t.after(async () => {
    await client.close();
    server.close();
  });
  const feeds = createFeedSource(client.download);
  return {
    asked,
    fetch: (path: string, limit = 1000) => feeds.fetchFeed(`http://127.0.0.1:${port}${path}`, limit),
    feeds,
  };
}

test("a feed is fetched as it stands, along redirects", async (t) => {
  const { fetch } = await setUp(t, { "/feed.json": "a feed", "/moved": { location: "/feed.json" } });
  for (const path of ["/feed.json", "/moved"]) assert.equal(Buffer.from(await fetch(path)).toString(), "a feed");
});

test("a feed that isn't there, and one that is too large, are told apart", async (t) => {
  const { fetch } = await setUp(t, { "/large": Buffer.alloc(1001) });
  await assert.rejects(fetch("/absent"), { code: "server-error" });
  await assert.rejects(fetch("/large"), BeyondLimit);
});

test("R32 a feed leads to no address but public ones, to no plain http, and to no place beyond a few redirects", async (t) => {
  const { asked, fetch, feeds } = await setUp(t, {
    "/metadata": { location: "http://169.254.169.254/latest/meta-data/" },
    "/inside": { location: "https://10.0.0.1/feed.json" },
    "/plain": { location: "http://roots.example/feed.json" },
    "/other-port": { location: "http://127.0.0.1:1/feed.json" },
    "/round": { location: "/round" },
  });
  for (const path of ["/metadata", "/inside", "/plain", "/other-port"])
    await assert.rejects(fetch(path), { code: "address-refused" }, path);
  await assert.rejects(fetch("/round"), { code: "server-error" });
  assert.ok(asked.length < 10, "it goes round a few times at most");
  await assert.rejects(feeds.fetchFeed("https://169.254.169.254/feed.json", 1000), { code: "address-refused" });
});
