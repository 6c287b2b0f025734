import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, IncomingMessage, ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { after, test } from "node:test";
import { setImmediate as soon } from "node:timers/promises";
import type { Route } from "../../src/api/exchange.ts";
import { createSlowReaders } from "../../src/api/slow-readers.ts";
import { serveApi } from "./scene.ts";

const MIB = 1024 * 1024;
// More than a system takes from us for somebody who doesn't read.
const BODY = Buffer.alloc(12 * MIB);
/** A minute's grace, looked at every ten seconds, and one more look. */
const LOOKS = 7;

/** The passing of ten seconds, as long as somebody is waited for. */
let pass: (() => void) | undefined;
let places = 0;
const readers = createSlowReaders((_ms, look) => {
  pass = look;
  places += 1;
  return () => {
    pass = undefined;
  };
});
const http = createServer((request, response) => {
  const body = request.url === "/small" ? BODY.subarray(0, 1000) : BODY;
  response.writeHead(200, { "content-length": body.length });
  readers.send(body, request, response);
});
http.listen(0, "127.0.0.1");
await once(http, "listening");
const { port } = http.address() as AddressInfo;
after(() => http.close());

/** Asks, and reads nothing unless it is told to. */
async function asking(paths: readonly string[] = ["/"]) {
  const connected = once(http, "connection") as Promise<[Socket]>;
  const asked = once(http, "request");
  const client = connect(port, "127.0.0.1");
  let got = 0;
  let wanted = 0;
  let enough = () => {};
  const look = () => {
    if (got < wanted && !client.destroyed) return;
    client.pause();
    enough();
  };
  client.on("data", ({ length }) => {
    got += length;
    look();
  });
  client.on("error", () => {});
  client.on("close", look);
  client.pause();
  client.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`).join(""));
  const [[server]] = await Promise.all([connected, asked]);
  return {
    client,
    server,
    /** Reads so much more, heads too, or to the end. @returns how much was read in all. */
    read: async (bytes: number) => {
      wanted += bytes;
      if (got >= wanted || client.destroyed) return got;
      await new Promise<void>((resolve) => {
        enough = resolve;
        client.resume();
      });
      return got;
    },
  };
}

async function closed(server: Socket): Promise<void> {
  if (!server.destroyed) await once(server, "close");
}

test("whoever takes nothing is left after a minute, and not before", { timeout: 60_000 }, async () => {
  const { client, server } = await asking(["/", "/"]);
  for (let i = 1; i < LOOKS; i++) pass?.();
  assert.ok(!server.destroyed);
  pass?.();
  await closed(server);
  client.destroy();
});

/** A connection that takes from us what it is told to: a real one's system takes some, and then much at once. */
class Narrow extends Duplex {
  #taken: (() => void) | undefined;

  override _read(): void {}

  override _write(_piece: Buffer, _encoding: string, taken: () => void): void {
    this.#taken = taken;
  }

  async took(pieces: number): Promise<void> {
    for (let i = 0; i < pieces; i++) {
      this.#taken?.();
      await soon();
    }
  }
}

/** For how many looks a body is sent to somebody who takes so many times 64 KiB between two of them. */
async function looksWhile(pieces: number, most: number): Promise<number> {
  const narrow = new Narrow();
  // A response writes to it, and destroys it, as to any stream.
  const socket = narrow as unknown as Socket;
  const request = new IncomingMessage(socket);
  const response = new ServerResponse(request);
  response.assignSocket(socket);
  response.writeHead(200, { "content-length": BODY.length });
  readers.send(BODY, request, response);
  await soon();
  await narrow.took(1);
  let looks = 0;
  for (; !narrow.destroyed && looks < most; looks++) {
    await narrow.took(pieces);
    pass?.();
  }
  const closing = narrow.destroyed ? undefined : once(response, "close");
  response.destroy();
  await closing;
  return looks;
}

test("whoever takes a little at a time is left too, though the connection never stands still", async () => {
  assert.equal(await looksWhile(1, 30), 10);
  assert.equal(await looksWhile(2, 60), 27);
  // 19 KiB a second.
  assert.equal(await looksWhile(3, 60), 60);
});

test("whoever was fast at first has saved up no more than a minute", { timeout: 60_000 }, async () => {
  const { client, server, read } = await asking();
  await read(5 * MIB);
  for (let i = 0; i < LOOKS; i++) pass?.();
  await closed(server);
  client.destroy();
});

test("whoever reads has all of it, however long it takes, also what waited behind another", {
  timeout: 60_000,
}, async () => {
  const { client, read } = await asking(["/", "/"]);
  let got = 0;
  for (let i = 0; i < 24; i++) {
    got = await read(MIB);
    pass?.();
  }
  assert.ok(got >= 24 * MIB, `${got}`);
  client.destroy();
});

test("small bodies are the system's to hold, and nobody is looked after when all were read", {
  timeout: 60_000,
}, async () => {
  while (pass !== undefined) await soon();
  const before = places;
  const answered = await fetch(`http://127.0.0.1:${port}/small`);
  assert.equal((await answered.bytes()).length, 1000);
  assert.equal(places, before);
  const whole = await fetch(`http://127.0.0.1:${port}/`);
  assert.ok(BODY.equals(await whole.bytes()));
  assert.equal(places, before + 1);
  while (pass !== undefined) await soon();
});

test("what the API sends is sent so, whether it was made or was ready; what has no body isn't", async () => {
  const sent: number[] = [];
  const large: Route = {
    method: "GET",
    match: (path) => (path === "/large" ? [] : undefined),
    maxBody: 0,
    handle: async () => ({ status: 200, headers: {}, body: BODY.subarray(0, 100_000), shared: { ms: 10_000 } }),
  };
  const { ask } = await serveApi({
    routes: [large],
    slowReaders: {
      send: (body, _, response) => {
        sent.push(body.length);
        response.end(body);
      },
    },
  });
  for (const method of ["GET", "GET", "HEAD"]) assert.equal((await ask("/large", { method })).status, 200);
  assert.deepEqual(sent, [100_000, 100_000]);
});
