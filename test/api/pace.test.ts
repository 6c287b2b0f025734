import assert from "node:assert/strict";
import { test } from "node:test";
import { clientKey, createPace } from "../../src/api/pace.ts";

const QUOTAS = [{ name: "a", requests: 3, seconds: 30 }];

test("what is used comes back with time, and no more than there was", () => {
  const pace = createPace(QUOTAS);
  for (let i = 0; i < 3; i++) assert.ok(pace.take("x", 1, 0).allowed);
  assert.deepEqual(pace.take("x", 1, 0), { allowed: false, retryAfter: 10, remaining: '"a";r=0;t=30' });
  assert.ok(pace.take("x", 1, 10_000).allowed);
  assert.ok(!pace.take("x", 1, 10_000).allowed);
  for (let i = 0; i < 3; i++) assert.ok(pace.take("x", 1, 9_000_000).allowed);
  assert.ok(!pace.take("x", 1, 9_000_000).allowed);
});

test("what isn't allowed costs nothing, and what costs more than there is at most isn't refused for ever", () => {
  const pace = createPace(QUOTAS);
  assert.ok(pace.take("x", 2, 0).allowed);
  for (let i = 0; i < 5; i++) assert.ok(!pace.take("x", 2, 0).allowed);
  assert.ok(pace.take("x", 1, 0).allowed);
  assert.ok(pace.take("y", 100, 0).allowed);
});

test("what was had already is paid for, also beyond what is left", () => {
  const pace = createPace(QUOTAS);
  assert.ok(pace.take("x", 1, 0).allowed);
  assert.deepEqual(pace.charge("x", 4, 0), { allowed: false, retryAfter: 20, remaining: '"a";r=0;t=50' });
  assert.ok(!pace.take("x", 0, 19_999).allowed);
  assert.ok(pace.take("x", 0, 20_000).allowed);
  assert.ok(!pace.take("x", 1, 29_999).allowed);
  assert.ok(pace.take("x", 1, 30_000).allowed);
  assert.ok(pace.take("y", 3, 0).allowed, "others don't pay for it");
});

test("the tighter of two quotas decides, and is the one that is told", () => {
  const pace = createPace([
    { name: "short", requests: 2, seconds: 2 },
    { name: "long", requests: 3, seconds: 3000 },
  ]);
  assert.match(pace.take("x", 1, 0).remaining, /^"short";r=1/);
  pace.take("x", 1, 0);
  assert.match(pace.take("x", 1, 10_000).remaining, /^"long";r=0/);
  assert.ok(!pace.take("x", 1, 20_000).allowed);
});

test("so many clients are known and no more; whoever was longest not seen is forgotten", () => {
  const pace = createPace([{ name: "a", requests: 1, seconds: 60 }], 2);
  for (const client of ["a", "b"]) pace.take(client, 1, 0);
  assert.ok(!pace.take("a", 1, 0).allowed);
  pace.take("c", 1, 0);
  assert.ok(!pace.take("a", 1, 0).allowed, "seen lately");
  assert.ok(pace.take("b", 1, 0).allowed, "forgotten");
});

test("one household's IPv6 addresses are one client, however they are written", () => {
  for (const address of [
    "2001:db8:0:1::1",
    "2001:DB8:0:1:ffff::",
    "2001:0db8:0000:0001:1:2:3:4",
    "2001:db8:0:1::1%eth0",
  ])
    assert.equal(clientKey(address), "2001:db8:0:1::/64");
  assert.equal(clientKey("::1"), "0:0:0:0::/64");
  assert.equal(clientKey("2001:db8:0:2::1"), "2001:db8:0:2::/64");
  assert.equal(clientKey("64:ff9b::192.0.2.1"), "64:ff9b:0:0::/64");
  assert.equal(clientKey("::ffff:192.0.2.1"), "192.0.2.1");
  assert.equal(clientKey("192.0.2.1"), "192.0.2.1");
});
