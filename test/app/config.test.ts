import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ConfigError, readConfig } from "../../src/app/config.ts";

const pem = (type: "rsa" | "ec") =>
  (type === "rsa"
    ? generateKeyPairSync("rsa", { modulusLength: 2048 })
    : generateKeyPairSync("ec", { namedCurve: "P-256" })
  ).privateKey.export({ type: "pkcs8", format: "pem" }) as string;
const key = pem("rsa");
const secret = "0123456789abcdef";
const app = { APP_ID: "12", PRIVATE_KEY: key, WEBHOOK_SECRET: secret };

/** The variables that are told, in their order. */
function faultsOf(env: Readonly<Record<string, string>>): readonly string[] {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.faults.map((fault) => fault.split(":")[0] ?? "");
  }
}

test("without app id, key and secret the server is in set-up mode", () => {
  assert.equal(readConfig({}).app, undefined);
  assert.equal(readConfig({ APP_ID: "", PRIVATE_KEY: " ", WEBHOOK_SECRET: "" }).app, undefined);
});

test("any of app id, key and secret asks for all of them, and tells every one that is missing", () => {
  assert.deepEqual(faultsOf({ APP_ID: "12" }), ["WEBHOOK_SECRET", "PRIVATE_KEY or PRIVATE_KEY_PATH"]);
  assert.deepEqual(faultsOf({ WEBHOOK_SECRET: secret }), ["APP_ID", "PRIVATE_KEY or PRIVATE_KEY_PATH"]);
  assert.deepEqual(faultsOf({ PRIVATE_KEY: key }), ["APP_ID", "WEBHOOK_SECRET"]);
  assert.deepEqual(faultsOf({ PRIVATE_KEY_PATH: "nowhere.pem" }), ["APP_ID", "WEBHOOK_SECRET", "PRIVATE_KEY_PATH"]);
  assert.deepEqual(faultsOf(app), []);
});

test("no secret is taken that anyone could guess", () => {
  for (const WEBHOOK_SECRET of ["development", "short", "fifteen-chars-x"])
    assert.deepEqual(faultsOf({ ...app, WEBHOOK_SECRET }), ["WEBHOOK_SECRET"]);
});

test("every fault is told at once, and none with the value that is at fault", () => {
  const env = {
    APP_ID: "acme",
    PRIVATE_KEY: "not-a-key-but-secret",
    WEBHOOK_SECRET: "tooshort",
    PORT: "http",
    GHE_HOST: "https://x",
    GHE_PROTOCOL: "ftp",
    DATABASE_URL: "mysql://user:hunter2@db",
    PUBLIC_URL: "builds",
    LOG_LEVEL: "loud",
    RETRY_SECONDS: "soon",
    GITHUB_THROTTLE: "maybe",
    CACHE_MIB: "much",
  };
  const told = faultsOf(env);
  for (const name of Object.keys(env)) assert.ok(told.includes(name), name);
  assert.throws(
    () => readConfig(env),
    ({ message }: Error) => !/not-a-key|tooshort|hunter2/.test(message),
  );
});

test("the key may be given as it is, on one line, in base64 or as a file, and must be RSA", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "config-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "key.pem");
  writeFileSync(path, key);
  const forms = [key, key.replaceAll("\n", "\\n"), Buffer.from(key).toString("base64")];
  for (const PRIVATE_KEY of forms) assert.equal(readConfig({ ...app, PRIVATE_KEY }).app?.privateKey.trim(), key.trim());
  const { PRIVATE_KEY: _, ...withoutKey } = app;
  assert.equal(readConfig({ ...withoutKey, PRIVATE_KEY_PATH: path }).app?.privateKey, key);
  assert.deepEqual(faultsOf({ ...app, PRIVATE_KEY_PATH: path }), ["PRIVATE_KEY and PRIVATE_KEY_PATH"]);
  assert.deepEqual(faultsOf({ ...app, PRIVATE_KEY: pem("ec") }), ["PRIVATE_KEY"]);
});

test("summaries are signed in the name of the server's address, with a key that is given once, and not attached unasked", (t) => {
  const { verifierId, signingKey, timestampAuthority, attachSummaries } = readConfig({});
  assert.deepEqual(
    [verifierId, signingKey, timestampAuthority, attachSummaries],
    [undefined, undefined, undefined, false],
  );
  const given = {
    PUBLIC_URL: "https://builds.example.org/",
    VSA_ATTACH: "on",
    TSA_URL: "https://tsa.example.org/stamp",
  };
  const config = readConfig(given);
  assert.deepEqual(
    [config.verifierId, config.timestampAuthority, config.attachSummaries],
    ["https://builds.example.org/verifiers", "https://tsa.example.org/stamp", true],
  );
  assert.equal(readConfig({ ...given, VERIFIER_ID: "https://example.org/us/" }).verifierId, "https://example.org/us");
  const folder = mkdtempSync(join(tmpdir(), "config-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "key.pem");
  const vsaKey = pem("ec");
  writeFileSync(path, vsaKey);
  for (const VSA_SIGNING_KEY of [vsaKey, vsaKey.replaceAll("\n", "\\n"), Buffer.from(vsaKey).toString("base64")])
    assert.equal(readConfig({ VSA_SIGNING_KEY }).signingKey?.trim(), vsaKey.trim());
  assert.equal(readConfig({ VSA_SIGNING_KEY_PATH: path }).signingKey, vsaKey);
  assert.deepEqual(faultsOf({ VSA_SIGNING_KEY: vsaKey, VSA_SIGNING_KEY_PATH: path }), [
    "VSA_SIGNING_KEY and VSA_SIGNING_KEY_PATH",
  ]);
  assert.deepEqual(faultsOf({ VSA_SIGNING_KEY_PATH: join(folder, "absent") }), ["VSA_SIGNING_KEY_PATH"]);
  assert.deepEqual(faultsOf({ VSA_ATTACH: "yes", TSA_URL: "tsa", VERIFIER_ID: "us" }), [
    "VSA_ATTACH",
    "VERIFIER_ID",
    "TSA_URL",
  ]);
});

test("github.com is meant where no other server is named", () => {
  const { server, apiUrl } = readConfig({});
  assert.deepEqual([server, apiUrl], ["https://github.com", "https://api.github.com"]);
  const own = readConfig({ GHE_HOST: "github.example.org:8443" });
  assert.deepEqual(
    [own.server, own.apiUrl],
    ["https://github.example.org:8443", "https://github.example.org:8443/api/v3"],
  );
});

test("the database is embedded unless an address is given, and never both", () => {
  assert.deepEqual(readConfig({ DATA_DIR: "/var/lib/tb" }).store, { kind: "directory", path: "/var/lib/tb" });
  assert.deepEqual(readConfig({ DATABASE_URL: "postgres://db/tb" }).store, { kind: "url", url: "postgres://db/tb" });
  assert.deepEqual(faultsOf({ DATA_DIR: "data", DATABASE_URL: "postgres://db/tb" }), ["DATABASE_URL and DATA_DIR"]);
});

test("addresses are without a slash at their end, and lists are told apart by commas or spaces", () => {
  const config = readConfig({
    PUBLIC_URL: "https://builds.example.org/",
    TRUSTED_BUILDS_ALLOW_HOSTS: "a:1, b:2 c:3",
    RETRY_SECONDS: "1 2.5",
  });
  assert.equal(config.publicUrl, "https://builds.example.org");
  assert.deepEqual(config.allowHosts, ["a:1", "b:2", "c:3"]);
  assert.deepEqual(config.retriesMs, [1000, 2500]);
});
