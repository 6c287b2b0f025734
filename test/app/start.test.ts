import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { sql } from "kysely";
import { openDatabase } from "../../src/store/database.ts";
import { type Github, startGithub } from "../world/github/github.ts";
import { freePort, type ServerProcess, StartFailed, startServer } from "./server-process.ts";

const COMMAND_LINE = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "start-"));
const running: ServerProcess[] = [];
let github: Github;
/** Of a server with an app; it listens where nobody else does. */
let env: Readonly<Record<string, string>>;

before(async () => {
  github = await startGithub();
  env = {
    APP_ID: String(github.app.id),
    PRIVATE_KEY: github.app.privateKey,
    WEBHOOK_SECRET: github.app.webhookSecret,
    GHE_HOST: new URL(github.url).host,
    GHE_PROTOCOL: "http",
    GITHUB_THROTTLE: "off",
    LOG_LEVEL: "warn",
    DATA_DIR: join(directory, "data"),
    PORT: String(await freePort()),
  };
});

after(async () => {
  for (const each of running) await each.kill();
  await github.close();
  rmSync(directory, { recursive: true, force: true });
});

async function start(above: Readonly<Record<string, string>> = {}, program?: readonly string[]) {
  const server = await startServer({ ...env, ...above }, program);
  running.push(server);
  return server;
}

/** What a server that can't start says, and its exit code. */
async function failure(env: Readonly<Record<string, string>>, program?: readonly string[]): Promise<StartFailed> {
  try {
    running.push(await startServer(env, program));
  } catch (error) {
    if (error instanceof StartFailed) return error;
    throw error;
  }
  throw new Error("it started");
}

/** It says what is wrong in a sentence, and ends: no trace of its stack. */
function assertSays(failed: StartFailed, what: RegExp): void {
  assert.match(failed.output, what);
  assert.match(failed.output, /^trusted-builds: /);
  assert.doesNotMatch(failed.output, /^\s+at .*:\d+/m);
  assert.equal(failed.exit, 1);
}

test("without an app the server says what to do, is not ready, and stores nothing", async () => {
  const DATA_DIR = join(directory, "never");
  const server = await startServer({ PORT: String(await freePort()), DATA_DIR });
  running.push(server);
  const get = (path: string) => fetch(`${server.url}${path}`);
  const { hostname, port } = new URL(server.url);
  const raw = await new Promise<number | undefined>((resolve, reject) => {
    request({ hostname, port, path: "//" }, (response) => resolve(response.resume().statusCode))
      .on("error", reject)
      .end();
  });
  assert.equal(raw, 404);

  const page = await get("/");
  const text = await page.text();
  assert.equal(page.status, 200);
  assert.match(text, /Not set up yet/);
  for (const name of ["APP_ID", "PRIVATE_KEY", "WEBHOOK_SECRET", "app.yml", "/api/github/webhooks"])
    assert.ok(text.includes(name), name);
  assert.equal((await get("/healthz")).status, 200);
  const ready = await get("/readyz");
  assert.equal(ready.status, 503);
  assert.match(await ready.text(), /set-up mode/);
  assert.equal((await get("/builds/00000000-0000-4000-8000-000000000000")).status, 404);
  assert.equal((await fetch(`${server.url}/api/github/webhooks`, { method: "POST", body: "{}" })).status, 404);
  assert.match(server.output(), /no app is registered yet/);

  assert.equal(await server.stop("SIGINT"), 0);
  assert.ok(!existsSync(DATA_DIR));
});

test("with one variable of the app all that is missing is told at once, and no value", async () => {
  const secret = "a-secret-that-nobody-else-knows";
  const failed = await failure({ WEBHOOK_SECRET: secret, PORT: "many", DATA_DIR: join(directory, "never") });
  assertSays(failed, /APP_ID.*\n.*PRIVATE_KEY or PRIVATE_KEY_PATH.*\n.*PORT/);
  assert.doesNotMatch(failed.output, new RegExp(`${secret}|many`));
  assert.ok(!existsSync(join(directory, "never")));
});

test("trusted roots and hosts that can't be used are told before anything is stored", async () => {
  const DATA_DIR = join(directory, "never");
  const TRUSTED_ROOTS = join(directory, "nowhere.json");
  const failed = await failure({ ...env, DATA_DIR, TRUSTED_ROOTS, TRUSTED_BUILDS_ALLOW_HOSTS: "https://registry" });
  assertSays(failed, /TRUSTED_ROOTS: .*nowhere\.json.*\n.*TRUSTED_BUILDS_ALLOW_HOSTS: /);
  assert.ok(!existsSync(DATA_DIR));
});

test("one process has a directory: a second one names its pid and ends, and a third takes over when it was killed", async () => {
  const first = await start();
  const second = await failure({ ...env, PORT: "0" });
  assertSays(second, new RegExp(`in use by process ${first.pid}\\b`));
  assert.equal((await fetch(`${first.url}/readyz`)).status, 200);

  await first.kill();
  const third = await start();
  assert.equal((await fetch(`${third.url}/readyz`)).status, 200);

  // Given back, not abandoned: the next one finds nobody.
  assert.equal(await third.stop("SIGTERM"), 0);
  const fourth = await start();
  assert.equal(await fourth.stop("SIGINT"), 0);
});

test("a port that is taken is told in a sentence, and the directory is given back", async (t) => {
  const other = createServer();
  t.after(() => other.close());
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as AddressInfo;
  assertSays(await failure({ ...env, PORT: String(port) }), new RegExp(`EADDRINUSE.*${port}`));
  assertSays(await failure({ ...env, PORT: String(port) }, [COMMAND_LINE, "serve"]), /EADDRINUSE/);
  assertSays(await failure({ PORT: String(port) }), /EADDRINUSE/);
});

test("trusted-builds serve is the same server", async () => {
  const server = await start({}, [COMMAND_LINE, "serve"]);
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
  assert.equal(await server.stop("SIGTERM"), 0);
  assertSays(await failure({ APP_ID: "1" }, [COMMAND_LINE, "serve"]), /WEBHOOK_SECRET/);
});

test("a database of a newer program is refused", async () => {
  const { db, close } = await openDatabase({ kind: "directory", path: env.DATA_DIR ?? "", process }, () => {});
  await sql`insert into migrations (number, name) values (99, 'from the future')`.execute(db);
  await close();
  assertSays(await failure(env), /newer program/);
});
