import assert from "node:assert/strict";
import { request } from "node:http";
import { connect } from "node:net";
import { test } from "node:test";
import { keysSchema } from "../../src/api/signing-keys.ts";
import { CouldNotLook } from "../../src/trust/ports.ts";
import { answerOn, PUBLISHED } from "./answers.ts";
import { assertProblem, serveApi } from "./scene.ts";

const scene = await serveApi();
const { ask, world } = scene;
world.answers.push(answerOn({ image: "ghcr.io/acme/app:1" }));
const APP = "/v1/images/ghcr.io/acme/app:1";

test("HEAD is GET without a body", async () => {
  const get = await ask(APP);
  const head = await ask(APP, { method: "HEAD" });
  assert.equal(head.status, 200);
  assert.equal(head.headers["content-length"], String(get.body.length));
  assert.equal(head.headers.etag, get.headers.etag);
});

test("whoever has the bytes already is told so, from memory and without", async () => {
  for (const forget of [false, true]) {
    const { headers } = await ask(APP);
    const etag = String(headers.etag);
    if (forget) scene.forget();
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const again = await ask(APP, { headers: { "if-none-match": known } });
      assert.equal(again.status, 304);
      assert.equal(again.headers.etag, etag);
      assert.equal(again.headers["cache-control"], headers["cache-control"]);
    }
    assert.equal((await ask(APP, { headers: { "if-none-match": '"other"' } })).status, 200);
  }
});

test("another site's script may read what everyone may, and may send a token of its own", async () => {
  const { headers } = await ask(APP);
  assert.equal(headers["access-control-allow-origin"], "*");
  assert.match(headers["access-control-expose-headers"] ?? "", /ETag.*X-Request-Id/);
  const preflight = await ask(APP, { method: "OPTIONS", headers: { origin: "https://elsewhere.example" } });
  assert.equal(preflight.status, 204);
  assert.match(preflight.headers["access-control-allow-headers"] ?? "", /Authorization/);
  assert.equal(preflight.headers["access-control-allow-credentials"], undefined);
});

test("a method that an address doesn't have is refused with those that it has", async () => {
  const answered = await ask(APP, { method: "DELETE" });
  assertProblem(answered, 405, "method-not-allowed");
  assert.equal(answered.headers.allow, "GET, HEAD, OPTIONS");
  assertProblem(await ask("/v1/nothing/here"), 404, "no-such-address");
});

test("what isn't the API's is left to others", async () => {
  assert.equal((await ask("/api/github/webhooks", { method: "POST" })).headers["x-elsewhere"], "yes");
  assert.equal((await ask("/builds/x")).headers["x-elsewhere"], "yes");
});

test("a request keeps the id that it comes with, if it may stand in a log", async () => {
  const id = async (given: string) => (await ask(APP, { headers: { "x-request-id": given } })).headers["x-request-id"];
  assert.equal(await id("abc-1.2_3"), "abc-1.2_3");
  for (const given of ["a b", "x".repeat(65), '"', ""]) assert.match(String(await id(given)), /^id-\d+$/);
});

test("a body without a length is read to its limit, and no further", async () => {
  const { port } = new URL(scene.url);
  const status = (chunks: readonly string[]) =>
    new Promise<number | undefined>((resolve, reject) => {
      const headers = { "content-type": "application/json" };
      const asking = request({ port, path: "/v1/verdicts", method: "POST", headers, agent: false }, (response) => {
        response.resume().on("end", () => resolve(response.statusCode));
      });
      asking.on("error", reject);
      for (const chunk of chunks) asking.write(chunk);
      asking.end();
    });
  assert.equal(await status(['{"digests":', `["${PUBLISHED}"]}`]), 200);
  assert.equal(await status(["x".repeat(20_000), "x".repeat(20_000)]), 413);
});

test("a body that is too long by its own word is refused before it comes", { timeout: 60_000 }, async () => {
  const { port } = new URL(scene.url);
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": "40000" };
    const asking = request({ port, path: "/v1/verdicts", method: "POST", headers, agent: false }, (response) => {
      resolve(response.statusCode);
      asking.destroy();
    });
    asking.on("error", reject);
    asking.flushHeaders();
  });
  assert.equal(status, 413);
});

test("what is left of a body that was refused isn't taken for the next request", async () => {
  const { port } = new URL(scene.url);
  const smuggled = "GET /v1/openapi.json HTTP/1.1\r\nhost: x\r\n\r\n";
  const text = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(port), "127.0.0.1");
    let all = "";
    socket.on("data", (chunk) => {
      all += chunk;
    });
    socket.on("close", () => resolve(all));
    socket.on("error", reject);
    socket.write(`DELETE ${APP} HTTP/1.1\r\nhost: x\r\ncontent-length: ${smuggled.length + 1}\r\n\r\n${smuggled}`);
  });
  assert.equal(text.match(/HTTP\/1\.1 /g)?.length, 1);
  assert.match(text, /^HTTP\/1\.1 405 /);
  assert.match(text, /connection: close/i);
});

test("could not look is 503, and no word on the image", async () => {
  world.fault = new CouldNotLook("network", "asked GitHub with ghp_secret: no route");
  const answered = await ask("/v1/images/ghcr.io/acme/unseen:1");
  world.fault = undefined;
  assertProblem(answered, 503, "could-not-look");
  assert.doesNotMatch(answered.text, /secret|trusted"/);
});

test("a fault of ours is told by its request's id alone, and logged", async () => {
  world.fault = new Error("password=hunter2");
  const answered = await ask("/v1/images/ghcr.io/acme/unseen:1", { headers: { "x-request-id": "mine" } });
  world.fault = undefined;
  assertProblem(answered, 500, "internal");
  assert.match(answered.text, /"mine"/);
  assert.doesNotMatch(answered.text, /hunter2/);
  assert.equal(scene.faults.length, 1);
});

test("no answer may be shown in a frame, sniffed, or run", async () => {
  const { headers } = await ask(APP);
  assert.equal(headers["content-security-policy"], "default-src 'none'; frame-ancestors 'none'");
  assert.equal(headers["x-content-type-options"], "nosniff");
});

test("keys, policies and the meaning of codes are served", async () => {
  assert.equal((await ask("/.well-known/trusted-builds/keys.json")).as(keysSchema).keys.length, 1);
  const policy = await ask(`/v1/policies/${PUBLISHED}`);
  assert.equal(policy.headers["content-type"], "application/yaml");
  assertProblem(await ask(`/v1/policies/sha256:${"0".repeat(64)}`), 404, "nothing");
  assert.equal((await ask("/v1/problems/nothing")).status, 200);
  assertProblem(await ask("/v1/problems/toString"), 404, "no-such-address");
});

test("an address that is too long is refused", async () => {
  assertProblem(await ask(`/v1/images/${"a".repeat(9000)}`), 400, "malformed-request");
});
