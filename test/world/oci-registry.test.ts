import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { OciRegistry, OciRegistryOptions } from "./oci-registry.ts";
import { startOciRegistry } from "./oci-registry.ts";
import { toolchain } from "./toolchain.ts";

// The stand-in is what the registry client's tests stand on, so the tools that people use must take it for a registry.

const BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json";

async function start(t: TestContext, options: OciRegistryOptions = {}): Promise<OciRegistry> {
  const registry = await startOciRegistry(options);
  t.after(() => registry.close());
  return registry;
}

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "oci-registry-"));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** A Docker configuration with one login, for tools that are to log in. */
async function login(t: TestContext, host: string, text: string): Promise<{ DOCKER_CONFIG: string }> {
  const path = await folder(t);
  const auth = Buffer.from(text).toString("base64");
  await writeFile(join(path, "config.json"), JSON.stringify({ auths: { [host]: { auth } } }));
  return { DOCKER_CONFIG: path };
}

/** A file system of one file, as crane appends it. */
async function layer(
  t: TestContext,
  tools: { run: (c: string, a: readonly string[]) => Promise<unknown> },
): Promise<string> {
  const path = await folder(t);
  await writeFile(join(path, "hello"), "hello\n");
  await tools.run("tar", ["-C", path, "-cf", join(path, "layer.tar"), "hello"]);
  return join(path, "layer.tar");
}

const KINDS: readonly (readonly [string, OciRegistryOptions, string | undefined])[] = [
  ["without credentials", {}, undefined],
  ["with a password", { auth: { kind: "basic", username: "ann", password: "pä:ss" } }, "ann:pä:ss"],
  [
    "with tokens from a realm",
    { auth: { kind: "bearer", username: "ann", password: "word", anonymous: "refused" } },
    "ann:word",
  ],
  ["that redirects blobs", { redirectBlobs: true }, undefined],
];

for (const [kind, options, credentials] of KINDS) {
  test(`crane pushes to the registry ${kind}, copies, lists, pulls and deletes`, async (t) => {
    const tools = await toolchain(t, ["crane"]);
    if (tools === undefined) return;
    const registry = await start(t, options);
    const env = credentials === undefined ? {} : await login(t, registry.host, credentials);
    const crane = async (...args: string[]) => (await tools.run("crane", args, { env })).stdout.trim();
    const image = `${registry.host}/acme/app`;

    await crane("append", "--new_layer", await layer(t, tools), "--new_tag", `${image}:1.0.0`);
    const digest = await crane("digest", `${image}:1.0.0`);
    assert.equal(digest, registry.readTag("acme/app", "1.0.0"));
    await crane("tag", `${image}:1.0.0`, "latest");
    await crane("copy", `${image}:1.0.0`, `${registry.host}/acme/copy:1.0.0`);
    assert.equal(await crane("digest", `${registry.host}/acme/copy:1.0.0`), digest);
    assert.equal(await crane("ls", image), "1.0.0\nlatest");
    assert.equal(await crane("export", `${image}:1.0.0`, "-").then((tar) => tar.includes("hello")), true);
    await crane("validate", "--remote", `${image}:1.0.0`);
    await crane("delete", `${image}@${digest}`);
    await assert.rejects(crane("digest", `${image}:1.0.0`));
  });
}

for (const referrers of [true, false]) {
  test(`oras attaches to the registry ${referrers ? "with" : "without"} the referrers API, and finds it again`, async (t) => {
    const tools = await toolchain(t, ["oras", "crane"]);
    if (tools === undefined) return;
    const registry = await start(t, { referrers, pageSize: 1 });
    const work = await folder(t);
    await writeFile(join(work, "sbom.json"), "{}");
    await writeFile(join(work, "note.txt"), "a note");
    const image = `${registry.host}/acme/app:1.0.0`;
    const oras = async (...args: string[]) => (await tools.run("oras", args, { cwd: work })).stdout;

    await oras("push", "--plain-http", image, "note.txt:text/plain");
    await oras(
      "attach",
      "--plain-http",
      "--artifact-type",
      "application/vnd.test.sbom",
      image,
      "sbom.json:application/json",
    );
    await oras("attach", "--plain-http", "--artifact-type", "application/vnd.test.note", image, "note.txt:text/plain");
    const found = JSON.parse(await oras("discover", "--plain-http", "--format", "json", image)) as {
      referrers: { artifactType: string }[];
    };
    assert.deepEqual(found.referrers.map(({ artifactType }) => artifactType).sort(), [
      "application/vnd.test.note",
      "application/vnd.test.sbom",
    ]);
    const tag = registry.readTag("acme/app", registry.readTag("acme/app", "1.0.0")!.replace(":", "-"));
    assert.equal(tag === undefined, referrers);
    await oras("pull", "--plain-http", "-o", join(work, "out"), image);
    assert.equal(await readFile(join(work, "out", "note.txt"), "utf8"), "a note");
  });

  test(`cosign attests in the registry ${referrers ? "with" : "without"} the referrers API, and verifies it again`, async (t) => {
    const tools = await toolchain(t, ["cosign", "crane"]);
    if (tools === undefined) return;
    const registry = await start(t, { referrers });
    const work = await folder(t);
    const env = { COSIGN_PASSWORD: "", HOME: work };
    const cosign = (...args: string[]) => tools.run("cosign", args, { cwd: work, env });
    const image = `${registry.host}/acme/app`;
    await tools.run("crane", ["append", "--new_layer", await layer(t, tools), "--new_tag", `${image}:1.0.0`]);
    const digest = registry.readTag("acme/app", "1.0.0")!;
    await writeFile(
      join(work, "predicate.json"),
      JSON.stringify({
        buildDefinition: { buildType: "https://example.test/t" },
        runDetails: { builder: { id: "https://example.test/b" } },
      }),
    );

    await cosign("generate-key-pair");
    await cosign("signing-config", "create", "--out", "sc.json");
    await cosign("trusted-root", "create", "--out", "tr.json");
    await cosign(
      "attest",
      "--key",
      "cosign.key",
      "--signing-config",
      "sc.json",
      "--type",
      "slsaprovenance1",
      "--predicate",
      "predicate.json",
      "--yes",
      `${image}@${digest}`,
    );
    const verify = [
      "verify-attestation",
      "--key",
      "cosign.pub",
      "--trusted-root",
      "tr.json",
      "--insecure-ignore-tlog",
      "--type",
      "slsaprovenance1",
    ];
    await cosign(...verify, `${image}@${digest}`);
    const pushed = registry.requests.some(
      ({ method, path }) => method === "PUT" && path.includes(`/manifests/${digest.replace(":", "-")}`),
    );
    assert.equal(pushed, !referrers);
    const stored = registry.requests.filter(({ method, body }) => method === "PUT" && body.includes(BUNDLE));
    assert.ok(stored.length > 0);

    await tools.run("crane", ["copy", `${image}@${digest}`, `${registry.host}/acme/unsigned:1.0.0`]);
    await assert.rejects(cosign(...verify, `${registry.host}/acme/unsigned@${digest}`));
  });
}
