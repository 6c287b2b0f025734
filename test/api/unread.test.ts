import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { setImmediate as soon } from "node:timers/promises";
import type { Route } from "../../src/api/exchange.ts";
import { createUnread } from "../../src/api/unread.ts";
import { assertProblem, serveApi } from "./scene.ts";

const MIB = 1024 * 1024;
// More than a system takes from us for somebody who doesn't read.
const LARGE = Buffer.alloc(12 * MIB);
let held: Promise<void> | undefined;

const large: Route = {
  method: "GET",
  match: (path) => (path === "/large" ? [] : undefined),
  maxBody: 0,
  handle: async () => {
    await held;
    return { status: 200, headers: {}, body: LARGE };
  },
};

const { ask, url, world } = await serveApi({ routes: [large], unread: createUnread(40 * MIB, 25 * MIB) });

/** Lets time pass: an answer of this size counts as many requests. */
function giveBack() {
  world.now = new Date(world.now.getTime() + 60_000);
}

/** Asks, and reads nothing of the answer. */
async function askOnly(client: string, times = 1): Promise<Socket> {
  giveBack();
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.pause();
  await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
  await new Promise<void>((resolve) => {
    socket.write(`GET /large HTTP/1.1\r\nhost: x\r\nx-client: ${client}\r\n\r\n`.repeat(times), () => resolve());
  });
  return socket;
}

async function statusFor(client: string, method = "GET"): Promise<number> {
  giveBack();
  return (await ask("/large", { method, headers: { "x-client": client } })).status;
}

/** Asks until it is answered so: what is counted for a connection is until the system says that it is gone. */
async function becomes(status: number, client: string): Promise<void> {
  while ((await statusFor(client)) !== status) await soon();
}

test("who asks for much and reads nothing is told to read first; others aren't, up to what all may have", {
  timeout: 60_000,
}, async () => {
  const unreading = [await askOnly("a"), await askOnly("a")];
  await becomes(429, "a");
  const refused = await ask("/large", { headers: { "x-client": "a" } });
  assertProblem(refused, 429, "too-many-requests");
  assert.equal(refused.headers["retry-after"], "10");
  // What has no body, or a small one, is answered.
  assert.equal(await statusFor("a", "HEAD"), 200);
  assert.equal((await ask("/v1/problems/nothing", { headers: { "x-client": "a" } })).status, 200);
  assert.equal(await statusFor("b"), 200);
  unreading.push(await askOnly("c"));
  await becomes(429, "b");
  for (const socket of unreading) socket.destroy();
  await becomes(200, "a");
  await becomes(200, "b");
});

test("what was read is counted no more, also where the connection stays", { timeout: 60_000 }, async () => {
  for (let i = 0; i < 4; i++) {
    const answered = await fetch(`${url}/large`, { headers: { "x-client": "d" } });
    assert.equal((await answered.bytes()).length, LARGE.length);
  }
});

test("what nobody is there to read is counted no more, nor what waits behind it", { timeout: 60_000 }, async () => {
  const both = await askOnly("e", 2);
  await becomes(429, "e");
  both.destroy();
  await becomes(200, "e");
  // Beside one that isn't read there is room for another: neither of the two is counted still.
  const one = await askOnly("e");
  for (let i = 0; i < 3; i++) assert.equal(await statusFor("e"), 200);
  one.destroy();
  for (let i = 0; i < 3; i++) {
    let release = () => {};
    held = new Promise((resolve) => {
      release = resolve;
    });
    const gone = await askOnly("f");
    gone.destroy();
    // It is known here that he has gone, before he is answered.
    for (let turns = 0; turns < 3; turns++) await ask("/v1/problems/nothing", { headers: { "x-client": "other" } });
    held = undefined;
    release();
    await soon();
  }
  assert.equal(await statusFor("f"), 200);
});
