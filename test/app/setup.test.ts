import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { readEnvFile } from "../../src/app/env-file.ts";
import { type Github, startGithub } from "../world/github/github.ts";
import { eventually } from "./eventually.ts";
import { freePort, type ServerProcess, startServer } from "./server-process.ts";

const directory = mkdtempSync(join(tmpdir(), "setup-"));
const running: ServerProcess[] = [];
const githubs: Github[] = [];
let github: Github;
let file: string;
let n = 0;

beforeEach(async () => {
  github = await startGithub();
  githubs.push(github);
  n += 1;
  file = join(directory, `${n}.env`);
});
after(async () => {
  for (const each of running) await each.kill();
  for (const each of githubs) await each.close();
  rmSync(directory, { recursive: true, force: true });
});

/** A server without an app, but with a file. */
async function start(env: Readonly<Record<string, string>> = {}) {
  const server = await startServer({
    GHE_HOST: new URL(github.url).host,
    GHE_PROTOCOL: "http",
    GITHUB_THROTTLE: "off",
    LOG_LEVEL: "warn",
    DATA_DIR: join(directory, `${n}.data`),
    PORT: String(await freePort()),
    ENV_FILE: file,
    ...env,
  });
  running.push(server);
  return server;
}

function tokenOf(server: ServerProcess): string {
  return [...server.output().matchAll(/serves once: (\S+)/g)].at(-1)?.[1] ?? "";
}

/** As a browser sends it. */
function enter(server: ServerProcess, fields: Readonly<Record<string, string>>): Promise<Response> {
  return fetch(`${server.url}/setup`, {
    method: "POST",
    headers: { origin: server.url },
    body: new URLSearchParams({ "public-url": server.url, organisation: "", ...fields }),
  });
}

/** What stands in the page's form for GitHub. */
async function formIn(page: Response) {
  const text = (await page.text()).replaceAll("&quot;", '"').replaceAll("&amp;", "&");
  return {
    action: /<form [^>]*action="([^"]+)"/.exec(text)?.[1] ?? "",
    manifest: /name="manifest" value="(.*?)">/.exec(text)?.[1] ?? "",
    cookie: page.headers.get("set-cookie")?.split(";")[0] ?? "",
  };
}

/** A person agrees at GitHub. @returns where they are sent. */
async function agree({ action, manifest }: { readonly action: string; readonly manifest: string }): Promise<string> {
  const answer = await fetch(action, { method: "POST", redirect: "manual", body: new URLSearchParams({ manifest }) });
  return answer.headers.get("location") ?? "";
}

const visit = (url: string, cookie: string) => fetch(url, { headers: { cookie } });

test("an app is registered from the page: its credentials are kept, the server goes on as the app, and so does the next one", async () => {
  writeFileSync(file, "# mine\nAPP_ID=\nPOLL_SECONDS=30", { mode: 0o644 });
  const server = await start();
  const page = await fetch(server.url);
  assert.match(page.headers.get("content-security-policy") ?? "", /^default-src 'none'; .*form-action 'self'; /);
  assert.match(await page.text(), /<form class="card" method="post" action="\/setup">/);

  const agreement = await enter(server, { token: tokenOf(server) });
  assert.equal(agreement.status, 200);
  assert.ok(agreement.headers.get("content-security-policy")?.includes(`form-action ${github.url} 'self';`));
  assert.match(agreement.headers.get("set-cookie") ?? "", /; Path=\/setup; HttpOnly; SameSite=Lax; Max-Age=3600$/);
  const form = await formIn(agreement);
  const back = await agree(form);
  assert.ok(back.startsWith(`${server.url}/setup/callback?code=`), back);
  const registered = await visit(back, form.cookie);
  const told = await registered.text();
  assert.equal(registered.status, 200);
  assert.match(told, /\/installations\/new"/);

  const [manifest] = github.manifests;
  assert.equal(manifest?.hook_attributes?.url, server.webhooks);
  assert.equal(manifest?.public, false);
  const kept = readFileSync(file, "utf8");
  assert.ok(kept.startsWith("# mine\nAPP_ID=\nPOLL_SECONDS=30\n"));
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const { APP_ID, PRIVATE_KEY = "", WEBHOOK_SECRET, PUBLIC_URL } = readEnvFile(file);
  assert.deepEqual([APP_ID, WEBHOOK_SECRET, PUBLIC_URL], [String(github.app.id), github.app.webhookSecret, server.url]);
  assert.equal(Buffer.from(PRIVATE_KEY, "base64").toString(), github.app.privateKey);

  const isReady = async () => (await fetch(`${server.url}/readyz`).catch(() => undefined))?.status === 200;
  await eventually("a server that is ready", isReady, server.output);
  await answersDeliveries(server);
  assert.equal((await fetch(`${server.url}/setup`, { method: "POST", body: "token=x" })).status, 404);
  assert.notEqual((await fetch(back)).status, 200);
  for (const secret of [PRIVATE_KEY, github.app.privateKey, github.app.webhookSecret]) {
    assert.ok(!server.output().includes(secret));
    assert.ok(!told.includes(secret));
  }
  assert.equal(await server.stop(), 0);

  const next = await start();
  assert.doesNotMatch(next.output(), /token/);
  await answersDeliveries(next);
  assert.equal(await next.stop(), 0);
  assert.deepEqual(github.violations, []);
});

/** It takes what GitHub signs, and nothing else. */
async function answersDeliveries(server: ServerProcess): Promise<void> {
  const body = JSON.stringify({ zen: "Keep it logically awesome.", hook_id: 1 });
  const deliver = (secret: string) =>
    fetch(server.webhooks, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "x-github-event": "ping",
        "x-github-delivery": "0b9c2d64-5a3e-4f0e-9d5b-3f1f8f1a2b3c",
        "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
      },
      body,
    });
  assert.equal((await deliver(github.app.webhookSecret)).ok, true);
  assert.equal((await deliver("another-secret-altogether")).status, 400);
}

test("without the token there is no way to GitHub, and a token that served is none", async () => {
  const server = await start();
  const token = tokenOf(server);
  for (const wrong of [{}, { token: "" }, { token: `${token}x` }] as Record<string, string>[]) {
    const answer = await enter(server, wrong);
    assert.equal(answer.status, 400);
    assert.equal(answer.headers.get("set-cookie"), null);
    assert.equal((await formIn(answer)).action, "/setup");
  }
  assert.equal((await enter(server, { token })).status, 200);
  assert.equal((await enter(server, { token })).status, 400);
  assert.notEqual(tokenOf(server), token);
  const large = await enter(server, { token: "x".repeat(10_000) }).catch(() => undefined);
  assert.ok(large === undefined || large.status === 413);
});

test("a code counts only in the browser that began, with its state, and once", async () => {
  const server = await start();
  const form = await formIn(await enter(server, { token: tokenOf(server) }));
  const back = await agree(form);
  const foreign = new URL(back);
  foreign.searchParams.set("state", "of-somebody-else");
  const callback = `${server.url}/setup/callback`;
  for (const [url, cookie] of [
    [back, ""],
    [back, "trusted-builds-setup=of-somebody-else"],
    [foreign.href, form.cookie],
    [callback, form.cookie],
    [callback, ""],
  ] as const)
    assert.equal((await visit(url, cookie)).status, 403);
  assert.deepEqual(github.manifests, []);

  const invented = new URL(back);
  invented.searchParams.set("code", "0123456789");
  assert.equal((await visit(invented.href, form.cookie)).status, 400);
  // The state is spent: GitHub's own code comes too late.
  assert.equal((await visit(back, form.cookie)).status, 403);
  assert.deepEqual(github.manifests, []);
  assert.throws(() => readFileSync(file));
});

test("an address that is configured isn't asked for, and an organisation's app is registered with the organisation", async () => {
  const server = await start({ PUBLIC_URL: "https://builds.example.org" });
  assert.doesNotMatch(await (await fetch(server.url)).text(), /name="public-url"/);
  const { action, manifest } = await formIn(
    await enter(server, {
      token: tokenOf(server),
      organisation: "acme",
      "public-url": "https://evil.example",
      writes: "yes",
    }),
  );
  assert.ok(action.startsWith(`${github.url}/organizations/acme/settings/apps/new?state=`));
  const asked = JSON.parse(manifest);
  assert.equal(asked.hook_attributes.url, "https://builds.example.org/api/github/webhooks");
  assert.equal(asked.redirect_url, `${server.url}/setup/callback`);
  assert.equal(asked.default_permissions.workflows, "write");
});

test("nobody is sent to GitHub where what it tells could not be kept", async () => {
  const server = await start({ ENV_FILE: join(directory, "nowhere", ".env") });
  const answer = await enter(server, { token: tokenOf(server) });
  assert.equal(answer.status, 500);
  assert.match(await answer.text(), /Nowhere to keep it/);
});

test("where GitHub doesn't answer the page says so, and what to do", async () => {
  const server = await start();
  const form = await formIn(await enter(server, { token: tokenOf(server) }));
  const back = await agree(form);
  await github.close();
  const answer = await visit(back, form.cookie);
  assert.equal(answer.status, 502);
  assert.match(await answer.text(), /make another on its page/);
});
