import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";
import { clientsBehind, ProxyError } from "../../src/api/client-address.ts";

const from = (remoteAddress: string, forwarded?: string): IncomingMessage =>
  // The parts that are read.
  ({ socket: { remoteAddress }, headers: { "x-forwarded-for": forwarded } }) as unknown as IncomingMessage;

test("what a client says of its own address counts only from a trusted proxy", () => {
  assert.equal(clientsBehind([])(from("192.0.2.1", "198.51.100.1")), "192.0.2.1");
  assert.equal(clientsBehind(["10.0.0.0/8"])(from("192.0.2.1", "198.51.100.1")), "192.0.2.1");
  assert.equal(clientsBehind(["10.0.0.0/8"])(from("10.0.0.1", "198.51.100.1")), "198.51.100.1");
});

test("of several addresses the rightmost that no trusted proxy has is the client's; those before it are its own word", () => {
  const clientOf = clientsBehind(["10.0.0.0/8", "2001:db8::/32"]);
  assert.equal(clientOf(from("10.0.0.1", "203.0.113.9, 198.51.100.1, 10.0.0.2")), "198.51.100.1");
  assert.equal(clientOf(from("2001:db8::1", "203.0.113.9,198.51.100.1,2001:db8::7")), "198.51.100.1");
  assert.equal(clientOf(from("10.0.0.1", "203.0.113.9, nonsense")), "10.0.0.1");
  assert.equal(clientOf(from("10.0.0.1", "10.0.0.3, 10.0.0.2")), "10.0.0.1");
  assert.equal(clientOf(from("::ffff:10.0.0.1", "198.51.100.1")), "198.51.100.1");
  assert.equal(clientOf(from("10.0.0.1", `198.51.100.1,${" ".repeat(5000)}`)), "10.0.0.1");
});

test("what is no address or network is refused", () => {
  for (const each of ["proxy", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8/8", "::/129", ""])
    assert.throws(() => clientsBehind([each]), ProxyError);
});
