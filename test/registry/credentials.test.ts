import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { CredentialSource } from "../../src/registry/credentials.ts";
import { dockerCredentials } from "../../src/registry/credentials.ts";
import { couldNotLook } from "./image-fixture.ts";

/** The logins of a made-up `config.json`, with made-up helpers on the PATH. */
async function source(
  t: TestContext,
  config: unknown,
  helpers: Readonly<Record<string, string>> = {},
): Promise<CredentialSource> {
  const directory = await mkdtemp(join(tmpdir(), "credentials-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  await writeFile(join(directory, "config.json"), typeof config === "string" ? config : JSON.stringify(config));
  await mkdir(join(directory, "bin"));
  for (const [name, script] of Object.entries(helpers)) {
    const path = join(directory, "bin", `docker-credential-${name}`);
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
  }
  return dockerCredentials({
    configDirectory: directory,
    environment: { PATH: `${join(directory, "bin")}:/usr/bin:/bin` },
  });
}

const auth = (text: string) => ({ auth: Buffer.from(text, "utf8").toString("base64") });
const basic = (username: string, password: string) => ({ kind: "basic", username, password });

const FOUND: readonly (readonly [
  name: string,
  auths: Readonly<Record<string, unknown>>,
  registry: string,
  repository: string,
  expected: unknown,
])[] = [
  ["by host and port", { "127.0.0.1:5000": auth("ann:word") }, "127.0.0.1:5000", "a/b", basic("ann", "word")],
  [
    "with colons and umlauts in the password",
    { "ghcr.io": auth("ann:pä:ss") },
    "ghcr.io",
    "a/b",
    basic("ann", "pä:ss"),
  ],
  ["with zero bytes behind the password", { "ghcr.io": auth("ann:word\0\0") }, "ghcr.io", "a/b", basic("ann", "word")],
  [
    "by Docker Hub's old key",
    { "https://index.docker.io/v1/": auth("ann:word") },
    "docker.io",
    "library/alpine",
    basic("ann", "word"),
  ],
  ["by an address", { "https://ghcr.io/v2/": auth("ann:word") }, "ghcr.io", "a/b", basic("ann", "word")],
  ["in plain fields", { "ghcr.io": { username: "ann", password: "word" } }, "ghcr.io", "a/b", basic("ann", "word")],
  [
    "as an identity token",
    { "ghcr.io": { ...auth("ann:"), identitytoken: "refresh" } },
    "ghcr.io",
    "a/b",
    { kind: "identity-token", token: "refresh" },
  ],
  [
    "by the longest path",
    { "ghcr.io": auth("ann:host"), "ghcr.io/acme": auth("ann:path"), "ghcr.io/acme/app": auth("ann:app") },
    "ghcr.io",
    "acme/app",
    basic("ann", "app"),
  ],
  [
    "by the host where another path has one",
    { "ghcr.io": auth("ann:host"), "ghcr.io/other": auth("ann:path") },
    "ghcr.io",
    "acme/app",
    basic("ann", "host"),
  ],
  [
    "of nobody where only another path has one",
    { "ghcr.io/other": auth("ann:path") },
    "ghcr.io",
    "acme/app",
    undefined,
  ],
  [
    "of nobody where only another host has one",
    { "ghcr.io": auth("ann:word"), "xghcr.io": auth("eve:word") },
    "ghcr.io.example",
    "a/b",
    undefined,
  ],
  ["of nobody at another port", { "ghcr.io": auth("ann:word") }, "ghcr.io:8443", "a/b", undefined],
  ["of nobody where the entry is empty", { "ghcr.io": {} }, "ghcr.io", "a/b", undefined],
];

for (const [name, auths, registry, repository, expected] of FOUND) {
  test(`R32 the login is found ${name}`, async (t) => {
    assert.deepEqual(await (await source(t, { auths }))(registry, repository), expected);
  });
}

test("there are no logins where there is no file", async () => {
  assert.equal(await dockerCredentials({ configDirectory: join(tmpdir(), "not-there") })("ghcr.io", "a/b"), undefined);
});

for (const config of [
  "not json",
  '{"auths": 1}',
  '{"auths": {"ghcr.io": {"auth": "bm9jb2xvbg=="}}}',
  '{"credsStore": "../../tmp/evil"}',
]) {
  test(`a broken file ${JSON.stringify(config)} is told, without what stands in it`, async (t) => {
    const look = await source(t, config);
    await assert.rejects(look("ghcr.io", "a/b"), (error: Error) => {
      assert.ok(couldNotLook("credentials-refused")(error));
      assert.ok(!error.message.includes("nocolon") && !error.message.includes("bm9"));
      return true;
    });
  });
}

test("a credential helper is asked by name, and its answer taken", async (t) => {
  const config = { credHelpers: { "ghcr.io": "one" }, credsStore: "all", auths: { "ghcr.io": auth("file:word") } };
  const look = await source(t, config, {
    one: `read server; echo "{\\"ServerURL\\":\\"$server\\",\\"Username\\":\\"$server\\",\\"Secret\\":\\"$1\\"}"`,
    all: `read server; echo "{\\"Username\\":\\"<token>\\",\\"Secret\\":\\"$server\\"}"`,
  });
  assert.deepEqual(await look("ghcr.io", "a/b"), basic("ghcr.io", "get"));
  assert.deepEqual(await look("docker.io", "library/alpine"), {
    kind: "identity-token",
    token: "https://index.docker.io/v1/",
  });
});

test("a helper that knows nobody leaves the word to the file", async (t) => {
  const config = { credsStore: "all", auths: { "ghcr.io": auth("ann:word") } };
  const look = await source(t, config, { all: "echo credentials not found in native keychain; exit 1" });
  assert.deepEqual(await look("ghcr.io", "a/b"), basic("ann", "word"));
  assert.equal(await look("quay.io", "a/b"), undefined);
});

for (const [name, script] of [
  ["fails", "echo secret; exit 3"],
  ["prints no JSON", "echo secret"],
  ["prints another document", 'echo "{\\"secret\\":1}"'],
  ["prints too much", `printf '{"Username":"secret","Secret":"%0100000d"}' 1`],
] as const) {
  test(`a helper that ${name} is told, without what it printed`, async (t) => {
    const look = await source(t, { credsStore: "all" }, { all: script });
    await assert.rejects(look("ghcr.io", "a/b"), (error: Error) => {
      assert.ok(couldNotLook("credentials-refused")(error));
      assert.ok(!error.message.includes("secret"));
      return true;
    });
  });
}

test("a helper that isn't installed is told", async (t) => {
  await assert.rejects(
    (await source(t, { credsStore: "absent" }))("ghcr.io", "a/b"),
    couldNotLook("credentials-refused"),
  );
});

test("a helper whose name isn't plain is not run", async (t) => {
  const answer = 'echo "{\\"Username\\":\\"ann\\",\\"Secret\\":\\"word\\"}"';
  const helpers = { "a-b": answer, "a b": answer };
  assert.deepEqual(await (await source(t, { credsStore: "a-b" }, helpers))("ghcr.io", "a/b"), basic("ann", "word"));
  await assert.rejects(
    (await source(t, { credsStore: "a b" }, helpers))("ghcr.io", "a/b"),
    couldNotLook("credentials-refused"),
  );
});
