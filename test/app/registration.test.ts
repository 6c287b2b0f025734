import assert from "node:assert/strict";
import { test } from "node:test";
import { EnvFileError } from "../../src/app/env-file.ts";
import { type Begun, Registration } from "../../src/app/registration.ts";
import type { RegisteredApp } from "../../src/github/app-manifest.ts";

const GITHUB = "https://github.com";
const ORIGIN = "https://builds.example";
const app: RegisteredApp = {
  id: 7,
  slug: "tb",
  url: "https://github.com/apps/tb",
  privateKey: "PEM",
  webhookSecret: "0123456789abcdef",
  clientId: "c",
  clientSecret: "s",
};

function started(publicUrl?: string) {
  const tokens: string[] = [];
  const codes: string[] = [];
  const kept: Readonly<Record<string, string>>[] = [];
  const world = { now: 0, isTaken: false, answer: app as RegisteredApp | undefined };
  const registration = new Registration(
    {
      now: () => new Date(world.now),
      showToken: (token) => tokens.push(token),
      exchange: async (code) => {
        codes.push(code);
        return world.answer;
      },
      check: () => {
        if (world.isTaken) throw new EnvFileError("taken");
      },
      keep: (variables) => kept.push(variables),
    },
    GITHUB,
    publicUrl,
  );
  const begin = (given: { token?: string; organisation?: string; publicUrl?: string } = {}) =>
    registration.begin(
      { token: tokens.at(-1) ?? "", organisation: "", publicUrl: ORIGIN, writes: false, ...given },
      ORIGIN,
    );
  return { registration, tokens, codes, kept, world, begin };
}

function begun(result: Begun) {
  if (result.kind !== "begun") throw new Error(result.faults.join());
  return { ...result, state: new URL(result.action).searchParams.get("state") ?? "" };
}

test("keeps what GitHub tells of the app, with the address that was entered", async () => {
  const { registration, kept, begin } = started();
  const { cookie, state, action, manifest } = begun(
    begin({ organisation: "acme", publicUrl: "https://builds.example/a/" }),
  );
  assert.ok(action.startsWith("https://github.com/organizations/acme/settings/apps/new?state="));
  assert.equal(manifest.hook_attributes.url, "https://builds.example/a/api/github/webhooks");
  assert.equal(manifest.redirect_url, "https://builds.example/setup/callback");
  assert.deepEqual(await registration.finish("code", state, cookie), { kind: "registered", app });
  assert.deepEqual(kept, [
    { APP_ID: "7", PRIVATE_KEY: "UEVN", WEBHOOK_SECRET: app.webhookSecret, PUBLIC_URL: "https://builds.example/a" },
  ]);
});

test("the address that is configured is the one, whatever was entered, and isn't written again", async () => {
  const { registration, kept, begin } = started("https://other.example");
  const { cookie, state, manifest } = begun(begin());
  assert.equal(manifest.hook_attributes.url, "https://other.example/api/github/webhooks");
  await registration.finish("code", state, cookie);
  assert.deepEqual(Object.keys(kept[0] ?? {}), ["APP_ID", "PRIVATE_KEY", "WEBHOOK_SECRET"]);
});

test("a stranger who has no token, or one that served, begins nothing", () => {
  const { tokens, begin } = started();
  const [first = ""] = tokens;
  assert.match(first, /^[\w-]{32}$/);
  for (const token of ["", "x".repeat(32), first.slice(1), `${first}a`]) assert.equal(begin({ token }).kind, "refused");
  assert.deepEqual(tokens, [first]);
  assert.equal(begin({ token: ` ${first}\n` }).kind, "begun");
  assert.equal(tokens.length, 2);
  assert.equal(begin({ token: first }).kind, "refused");
});

test("a token isn't spent on what has to be entered anew", () => {
  const { tokens, begin } = started();
  for (const organisation of ["a/b", "../x", "a b", "x?y"]) assert.equal(begin({ organisation }).kind, "refused");
  for (const publicUrl of [
    "",
    "builds.example",
    "ftp://a",
    "https://a;b",
    "https://u:p@a",
    "https://a/?b",
    "https://a/b c",
  ])
    assert.equal(begin({ publicUrl }).kind, "refused", publicUrl);
  assert.equal(tokens.length, 1);
});

test("an address can't be more than one line of the file", async () => {
  const { registration, kept, begin } = started();
  const { cookie, state } = begun(begin({ publicUrl: "https://builds.exa\nmple" }));
  await registration.finish("code", state, cookie);
  assert.equal(kept[0]?.PUBLIC_URL, "https://builds.example");
});

test("neither another's state, nor another browser, nor both of a begin that was replaced, bring a code; and they end nothing", async () => {
  const { registration, codes, begin } = started();
  const old = begun(begin());
  const { cookie, state } = begun(begin());
  for (const [s, c] of [
    [state, ""],
    [state, old.cookie],
    ["", cookie],
    [old.state, cookie],
    [old.state, old.cookie],
    [cookie, state],
  ] as const)
    assert.deepEqual(await registration.finish("code", s, c), { kind: "stranger" });
  assert.deepEqual(codes, []);
  assert.equal((await registration.finish("code", state, cookie)).kind, "registered");
});

test("a state serves once, even where GitHub knows no such code, and for an hour", async () => {
  const { registration, codes, world, begin } = started();
  world.answer = undefined;
  const first = begun(begin());
  const both = await Promise.all([1, 2].map(() => registration.finish("code", first.state, first.cookie)));
  assert.deepEqual(both.map(({ kind }) => kind).sort(), ["no-code", "stranger"]);
  assert.equal(codes.length, 1);
  const late = begun(begin());
  world.now += 3_600_000;
  assert.deepEqual(await registration.finish("code", late.state, late.cookie), { kind: "stranger" });
  assert.equal(codes.length, 1);
});

test("once there is an app nothing begins, and no code is taken", async () => {
  const { registration, codes, world, begin } = started();
  const before = begun(begin());
  world.isTaken = true;
  await assert.rejects(registration.finish("code", before.state, before.cookie), EnvFileError);
  assert.throws(() => begin(), EnvFileError);
  assert.deepEqual(codes, []);
  world.isTaken = false;
  const { state, cookie } = begun(begin());
  await registration.finish("code", state, cookie);
  assert.equal(begin().kind, "refused");
  assert.deepEqual(await registration.finish("code", state, cookie), { kind: "stranger" });
});

test("says where GitHub can't reach the address", () => {
  const { begin } = started();
  for (const publicUrl of ["http://localhost:3000", "http://127.1.2.3", "http://[::1]:1"])
    assert.equal(begun(begin({ publicUrl })).isLoopback, true, publicUrl);
  assert.equal(begun(begin({ publicUrl: "https://127.0.0.1.example" })).isLoopback, false);
});
