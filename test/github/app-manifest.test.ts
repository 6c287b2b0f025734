import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { inspect } from "node:util";
import { exchangeManifestCode } from "../../src/github/app-manifest.ts";
import { createGitHubClient } from "../../src/github/client.ts";
import { GitHubError } from "../../src/github/error.ts";
import { startGithub } from "../world/github/github.ts";
import { octokitOfApp } from "../world/github/octokit.ts";
import { couldNotLook, startApi } from "./api.ts";

const CODE = "a180b1a3d263c81bc6441d7b990bae27d4c10679";
const ROUTE = `POST /app-manifests/${CODE}/conversions`;
const PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----\n";
const registered = {
  id: 4711,
  slug: "trusted-builds-acme",
  html_url: "https://github.com/apps/trusted-builds-acme",
  pem: PEM,
  webhook_secret: "whs-e340154128314309424b7c8e90325147d99fdafa",
  client_id: "Iv23liabc",
  client_secret: "cls-19c5c1d5b1d5c1d5b1d5",
};

test("exchanges the code for the app and its secrets", async (t) => {
  const api = startApi(t);
  api.answer(ROUTE, 201, registered);
  assert.deepEqual(await exchangeManifestCode(api.octokit, CODE), {
    id: 4711,
    slug: "trusted-builds-acme",
    url: "https://github.com/apps/trusted-builds-acme",
    privateKey: PEM,
    webhookSecret: registered.webhook_secret,
    clientId: "Iv23liabc",
    clientSecret: registered.client_secret,
  });
});

for (const status of [404, 422]) {
  test(`a code that GitHub answers with ${status} is used up, too old or nobody's`, async (t) => {
    const api = startApi(t);
    api.answer(ROUTE, status);
    assert.equal(await exchangeManifestCode(api.octokit, CODE), undefined);
  });
}

test("sends no code that could be a path of its own", async (t) => {
  const api = startApi(t);
  for (const code of ["", "..", "a/b", "a%2fb", "a?b", "a b", "é", "x".repeat(201)])
    assert.equal(await exchangeManifestCode(api.octokit, code), undefined);
  assert.deepEqual(api.asked, []);
});

for (const [what, changes] of [
  ["without a webhook secret", { webhook_secret: null }],
  ["with an empty webhook secret", { webhook_secret: "" }],
  ["with a secret of several lines", { webhook_secret: "a\nAPP_ID=1" }],
  ["with something else for a key", { pem: "hunter2" }],
  ["with a key and more", { pem: `${PEM}PUBLIC_URL=https://evil.example\n` }],
  ["with a slug that leads elsewhere", { slug: "../evil" }],
  ["with a page that is no page", { html_url: "javascript:alert(1)" }],
] as const) {
  test(`takes no app ${what}, and tells none of its secrets`, async (t) => {
    const api = startApi(t);
    api.answer(ROUTE, 201, { ...registered, ...changes });
    const error = await couldNotLook("server-error", exchangeManifestCode(api.octokit, CODE));
    assert.ok(error instanceof GitHubError);
    const told = inspect(error, { depth: 10 });
    for (const secret of [PEM, "hunter2", registered.webhook_secret, registered.client_secret, CODE])
      assert.ok(!told.includes(secret), told);
  });
}

test("could not look when the answer gets lost", async (t) => {
  const api = startApi(t);
  api.drop(ROUTE);
  const error = await couldNotLook("network", exchangeManifestCode(api.octokit, CODE));
  assert.ok(!inspect(error, { depth: 10 }).includes(CODE));
});

async function start(t: TestContext, now?: () => Date) {
  const github = await startGithub(now && { now });
  t.after(async () => {
    await github.close();
    assert.deepEqual(github.violations, []);
  });
  return github;
}

const manifest = {
  name: "trusted-builds-acme",
  url: "https://builds.example",
  redirect_url: "https://builds.example/setup/callback?from=github",
  hook_attributes: { url: "https://builds.example/api/github/webhooks" },
  default_permissions: { contents: "read", checks: "write" },
  default_events: ["push"],
};

function post(url: string, given: unknown): Promise<Response> {
  return fetch(url, {
    method: "POST",
    redirect: "manual",
    body: new URLSearchParams({ manifest: typeof given === "string" ? given : JSON.stringify(given) }),
  });
}

async function codeOf(url: string): Promise<string> {
  const { headers } = await post(`${url}/settings/apps/new?state=s-1`, manifest);
  return new URL(headers.get("location") ?? "").searchParams.get("code") ?? "";
}

test("a GitHub that is sent a manifest sends back a code and the state, and the code gives an app that can speak", async (t) => {
  const github = await start(t);
  const answer = await post(`${github.url}/organizations/acme/settings/apps/new?state=s-1`, manifest);
  const back = new URL(answer.headers.get("location") ?? "");
  assert.deepEqual(
    [answer.status, back.origin, back.pathname, back.searchParams.get("from"), back.searchParams.get("state")],
    [302, "https://builds.example", "/setup/callback", "github", "s-1"],
  );
  const octokit = createGitHubClient(github.apiUrl);
  const code = back.searchParams.get("code") ?? "";
  const app = await exchangeManifestCode(octokit, code);
  assert.equal(app?.id, github.app.id);
  assert.equal(app?.privateKey, github.app.privateKey);
  assert.equal(app?.webhookSecret, github.app.webhookSecret);
  assert.deepEqual(github.manifests, [manifest]);
  const { data } = await (await octokitOfApp(github)).rest.apps.getAuthenticated();
  assert.deepEqual(data?.permissions, { metadata: "read", contents: "read", checks: "write" });
  // Once only.
  assert.equal(await exchangeManifestCode(octokit, code), undefined);
});

test("a code is nobody's after an hour, and a form that is no manifest gets none", async (t) => {
  let now = Date.now();
  const github = await start(t, () => new Date(now));
  const code = await codeOf(github.url);
  const late = await codeOf(github.url);
  now += 3_599_000;
  const octokit = createGitHubClient(github.apiUrl);
  assert.ok(await exchangeManifestCode(octokit, code));
  now += 1000;
  assert.equal(await exchangeManifestCode(octokit, late), undefined);
  for (const bad of ["{", "null", { ...manifest, redirect_url: "/setup" }, { ...manifest, hook_attributes: {} }])
    assert.equal((await post(`${github.url}/settings/apps/new`, bad)).status, 422);
  assert.equal((await post(`${github.url}/settings/other`, manifest)).status, 404);
});
