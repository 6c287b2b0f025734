import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, test } from "node:test";
import type { CheckRun } from "../world/github/check-runs.ts";
import { completed } from "./eventually.ts";
import { CALLER, policyText, type Scene, startScene } from "./scene.ts";

const SOURCES = { Dockerfile: "FROM scratch\nCOPY Dockerfile /\n" };
const NOBODYS = "0b5e1c2a-9d3f-4c6b-8a7e-1f2d3c4b5a69";

let scene: Scene;

let finish = () => {};
const finished = new Promise<"success">((resolve) => {
  finish = () => resolve("success");
});

before(async () => {
  scene = await startScene({ hasRunner: false });
  scene.github.onDispatch((job) => {
    job.start();
    return finished;
  });
});
after(() => {
  finish();
  return scene?.close();
});

const isRunning = ({ status }: CheckRun): boolean => status === "in_progress";

/** An answer: its body, and its headers without those that every answer has of its own. */
interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** As it stands: `fetch` would tidy the path up. */
function ask(path: string, method = "GET", body = ""): Promise<Answer> {
  const { hostname, port } = new URL(scene.server.url);
  const length = method === "GET" || method === "HEAD" ? {} : { "content-length": Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path, method, headers: length, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const { date: _, ...headers } = response.headers;
        resolve({ status: response.statusCode, headers, body: Buffer.concat(chunks).toString() });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** Pushes a tag, and waits for its check run. @returns the path of the build's page. */
async function pushed(name: string, files: Readonly<Record<string, string>> = SOURCES): Promise<string> {
  await scene.repository(name, files);
  await scene.github.tag(`acme/${name}`, "v1.0.0");
  const { externalId } = await scene.checkRun(name, isRunning);
  return `/builds/${externalId}`;
}

test("a private repository's build looks like none at all, to the byte", async () => {
  const { github } = scene;
  await github.repository("acme/hidden", { private: true });
  await github.commit("acme/hidden", {
    ...SOURCES,
    ".github/trusted-builds.yml": policyText(scene, "hidden"),
    ".github/workflows/trusted-builds.yml": CALLER,
  });
  await github.tag("acme/hidden", "v1.0.0");
  const { externalId, detailsUrl } = await scene.checkRun("hidden", isRunning);
  assert.doesNotMatch(detailsUrl ?? "", /\/builds\//);

  const missing = await ask(`/builds/${NOBODYS}`);
  assert.equal(missing.status, 404);
  for (const path of [`/builds/${externalId}`, "/builds/nonsense", "/builds/", `/builds/${NOBODYS}/`, "/nowhere"])
    assert.deepEqual(await ask(path), missing, path);
  assert.ok(!missing.body.includes("acme"));
});

test("HEAD is answered as GET is, without the page", async () => {
  const path = await pushed("headed");
  for (const each of [path, `/builds/${NOBODYS}`, "/healthz", "/readyz"]) {
    const [head, get] = await Promise.all([ask(each, "HEAD"), ask(each)]);
    assert.deepEqual(
      { status: head.status, headers: head.headers },
      { status: get.status, headers: get.headers },
      each,
    );
    assert.equal(head.body, "");
    assert.notEqual(get.body, "");
  }
});

test("nothing else is answered, and no answer tells of the inside", async () => {
  const path = await pushed("probed");
  const odd = [
    "//",
    "/%",
    "/builds/%00",
    `/builds/${"x".repeat(8000)}`,
    "/../../etc/passwd",
    "/?a=%ff",
    "/probot",
    "/ping",
  ];
  const answers = [
    ...(await Promise.all(odd.map((each) => ask(each)))),
    ...(await Promise.all(["POST", "PUT", "PATCH", "DELETE", "OPTIONS"].map((method) => ask(path, method, "{}")))),
    await ask("/api/github/webhooks"),
    await ask("/api/github/webhooks", "POST", "{"),
    await ask("/api/github/webhooks", "DELETE"),
  ];
  for (const { status = 0, body } of answers) {
    assert.ok(status >= 400 && status < 500, `${status} ${body.slice(0, 200)}`);
    assert.doesNotMatch(body, /\bat .*:\d+:\d+|node_modules|\/src\/|Error:/);
  }
  assert.equal((await ask(path)).status, 200);
  // What anyone can send is no fault of the program.
  assert.doesNotMatch(scene.server.output(), /"level":[56]0/);
});

test("a build has a page from its beginning to its verdict, without script and kept by nobody", async () => {
  const path = await pushed("shown");
  const running = await ask(path);
  finish();
  const [checkRun] = await completed(scene, "acme/shown", 1);
  const judged = await ask(path);

  assert.equal(checkRun?.detailsUrl, `${scene.server.url}${path}`);
  for (const { status, headers, body } of [running, judged]) {
    assert.equal(status, 200);
    assert.match(String(headers["content-type"]), /^text\/html; charset=utf-8$/);
    assert.match(String(headers["content-security-policy"]), /default-src 'none'.*frame-ancestors 'none'/);
    assert.equal(headers["cache-control"], "no-store");
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal(headers["referrer-policy"], "no-referrer");
    assert.doesNotMatch(body, /<script|javascript:/i);
    assert.ok(body.includes(`${scene.image("shown")}:v1.0.0`));
  }
  assert.match(running.body, /http-equiv="refresh"/i);
  assert.doesNotMatch(judged.body, /http-equiv="refresh"/i);
  assert.match(judged.body, /<title>Untrusted/i);
  assert.match(judged.body, /tag-not-found/);
});

test("it is alive and ready while its database answers", async () => {
  assert.deepEqual([(await ask("/healthz")).status, (await ask("/readyz")).status], [200, 200]);
  assert.deepEqual(scene.github.violations, []);
});
