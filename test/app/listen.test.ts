import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { answering, closed, listen } from "../../src/app/listen.ts";

test("a connection whose client reads nothing ends, and one whose client reads doesn't", {
  timeout: 60_000,
}, async (t) => {
  // More than a system takes from us for somebody who doesn't read.
  const body = Buffer.alloc(12 * 1024 * 1024);
  const http = createServer((_, response) => void response.writeHead(200, { "content-length": body.length }).end(body));
  t.after(() => http.closeAllConnections());
  const url = await listen(http, { host: "127.0.0.1", port: 0, stalledMs: 1500 });
  try {
    const connected = once(http, "connection") as Promise<[Socket]>;
    const client = connect(Number(new URL(url).port), "127.0.0.1");
    client.pause();
    client.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    const [socket] = await connected;
    const read = await fetch(url);
    assert.equal((await read.bytes()).length, body.length);
    if (!socket.destroyed) await once(socket, "close");
    client.destroy();
  } finally {
    await closed(http);
  }
});

test("a fault of the program is answered and logged, and what was begun ends", async (t) => {
  const logged: string[] = [];
  const log = (_: object, message: string) => void logged.push(message);
  const http = answering({ info: log, warn: log, error: log }, async (request, response) => {
    if (request.url === "/begun") response.writeHead(200, { "content-length": 9 }).write("half");
    throw new TypeError("a fault of the program");
  });
  t.after(() => http.closeAllConnections());
  const url = await listen(http, { host: "127.0.0.1", port: 0 });
  const answer = await fetch(url);
  assert.deepEqual([answer.status, await answer.text()], [500, ""]);
  await assert.rejects(fetch(`${url}/begun`).then((begun) => begun.text()));
  assert.equal(logged.length, 2);
  await closed(http);
});
