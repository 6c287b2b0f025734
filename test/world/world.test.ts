import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { bundleFromJSON, type SerializedBundle } from "@sigstore/bundle";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";
import { digestOf } from "../../src/image/digest.ts";
import { createRegistryClient } from "../../src/registry/client.ts";
import { build, HOST_PLATFORM } from "./build.ts";
import { chain, type Published, signStatement } from "./chain.ts";
import { type GitServer, startGitServer } from "./git-server.ts";
import { githubClaims } from "./github-claims.ts";
import { testRepository } from "./registry.ts";
import { GITHUB_ISSUER, type Sigstore, startSigstore } from "./sigstore.ts";
import { type Toolchain, toolchain } from "./toolchain.ts";

const run = promisify(execFile);
const artifact = digestOf(Buffer.from("artifact"));
const payload = Buffer.from(JSON.stringify(signStatement(artifact)));
const identity = (sigstore: Sigstore) =>
  `${sigstore.serverUrl}/acme/app/.github/workflows/release.yml@refs/tags/v1.0.0`;

let git: GitServer;
let sigstore: Sigstore;
let directory: string;
before(async () => {
  directory = mkdtempSync(join(tmpdir(), "world-test-"));
  git = await startGitServer();
  sigstore = await startSigstore({ serverUrl: git.url });
});
after(async () => {
  await git?.close();
  await sigstore?.close();
  rmSync(directory, { recursive: true, force: true });
});

function file(name: string, value: unknown): string {
  const path = join(directory, name);
  writeFileSync(path, JSON.stringify(value));
  return path;
}

const utf8String = (text: string): Buffer => {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([0x0c, ...(bytes.length < 128 ? [bytes.length] : [0x81, bytes.length])]), bytes]);
};

function verify(bundle: SerializedBundle, root: unknown, subjectAlternativeName: string, extensions = {}) {
  const oids = Object.entries<string>(extensions).map(([arc, value]) => ({
    oid: { id: [1, 3, 6, 1, 4, 1, 57264, 1, Number(arc)] },
    value: Number(arc) < 8 ? Buffer.from(value) : utf8String(value),
  }));
  const verifier = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(root)), { tlogThreshold: 1, ctlogThreshold: 1 });
  const escaped = subjectAlternativeName.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return verifier.verify(toSignedEntity(bundleFromJSON(bundle)), {
    subjectAlternativeName: new RegExp(`^${escaped}$`) as unknown as string, // a text would match anywhere
    extensions: { issuer: GITHUB_ISSUER },
    oids,
  });
}

function cosignVerifies(world: Toolchain, bundle: SerializedBundle, root: unknown, digest = artifact) {
  return world.run("cosign", [
    "verify-blob-attestation",
    ...["--bundle", file("bundle.json", bundle), "--new-bundle-format", "--trusted-root", file("root.json", root)],
    ...["--certificate-oidc-issuer", GITHUB_ISSUER, "--certificate-identity", identity(sigstore)],
    ...["--type", "https://sigstore.dev/cosign/sign/v1", "--digest", digest.slice(7), "--digestAlg", "sha256"],
  ]);
}

for (const rekor of [1, 2] as const) {
  test(`cosign takes a bundle with an entry of Rekor v${rekor}, and refuses it for another artifact`, async (t) => {
    const world = await toolchain(t, ["cosign"]);
    if (!world) return;
    const bundle = await sigstore.sign(payload, githubClaims(), { rekor });
    await cosignVerifies(world, bundle, sigstore.trustedRoot);
    await assert.rejects(cosignVerifies(world, bundle, sigstore.trustedRoot, digestOf(Buffer.from("another"))));
  });
}

test("@sigstore/verify takes every kind of bundle under this root, and none under the root of another instance", async () => {
  const other = await startSigstore({ serverUrl: git.url });
  try {
    for (const options of [{}, { tsa: true }, { rekor: 2 }] as const) {
      const bundle = await sigstore.sign(payload, githubClaims(), options);
      verify(bundle, sigstore.trustedRoot, identity(sigstore));
      assert.throws(() => verify(bundle, other.trustedRoot, identity(sigstore)));
    }
  } finally {
    await other.close();
  }
});

test("certificates carry the server's URL wherever Fulcio writes one, and what the test alters", async () => {
  const bundle = await sigstore.sign(payload, githubClaims({ runId: 5, attempt: 2 }), {
    overrideExtensions: { 11: "x" },
  });
  const urls = {
    9: identity(sigstore),
    11: "x",
    12: `${git.url}/acme/app`,
    16: `${git.url}/acme`,
    18: identity(sigstore),
    21: `${git.url}/acme/app/actions/runs/5/attempts/2`,
  };
  verify(bundle, sigstore.trustedRoot, identity(sigstore), urls);
  assert.throws(() => verify(bundle, sigstore.trustedRoot, identity(sigstore), { 12: "https://github.com/acme/app" }));
  const without = await sigstore.sign(payload, githubClaims(), { omitExtensions: [12] });
  verify(without, sigstore.trustedRoot, identity(sigstore), { 16: urls[16] });
  assert.throws(() => verify(without, sigstore.trustedRoot, identity(sigstore), { 12: urls[12] }));
});

test("the services' clock can be set forward, and what they sign says so", async () => {
  const later = new Date(Math.floor(Date.now() / 1000) * 1000 + 40 * 24 * 3600 * 1000);
  const future = await startSigstore({ serverUrl: git.url, now: () => later });
  try {
    const bundle = await future.sign(payload, githubClaims(), { tsa: true });
    verify(bundle, future.trustedRoot, identity(sigstore));
    const [entry] = bundle.verificationMaterial.tlogEntries;
    assert.equal(entry?.integratedTime, String(later.getTime() / 1000));
  } finally {
    await future.close();
  }
});

for (const rekor of [1, 2] as const) {
  test(`a bundle by a key without certificate verifies with that key alone (Rekor v${rekor})`, async () => {
    const key = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    const bundle = await sigstore.signWithKey(payload, key, "hint", { rekor });
    const another = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    const verifyWith = ({ publicKey }: typeof key) => {
      const finder = () => ({ publicKey, validFor: () => true });
      const material = toTrustMaterial(TrustedRoot.fromJSON(sigstore.trustedRoot), finder);
      return new Verifier(material, { tlogThreshold: 1 }).verify(toSignedEntity(bundleFromJSON(bundle)));
    };
    verifyWith(key);
    assert.throws(() => verifyWith(another));
  });
}

test("the password registry refuses whoever has no password, and takes who has it", async (t) => {
  const world = await toolchain(t, ["registry"]);
  if (!world) return;
  const url = `http://${world.authRegistry}/v2/`;
  const login = (password: string) => Buffer.from(`${world.authUser}:${password}`).toString("base64");
  const statusWith = async (headers: Record<string, string>) => (await fetch(url, { headers })).status;
  assert.equal(await statusWith({}), 401);
  assert.equal(await statusWith({ authorization: `Basic ${login("wrong")}` }), 401);
  assert.equal(await statusWith({ authorization: `Basic ${login(world.authPassword)}` }), 200);
});

test("the git server gives any commit, executable bits included", async () => {
  const name = "acme/bits";
  const first = await git.repository(name, { "run.sh": "#!/bin/sh\n", text: "1" }, { tag: "v1" });
  const second = await git.repository(name, { text: "2" });
  assert.notEqual(first.commit, second.commit);
  const clone = join(directory, "bits.git");
  await run("git", ["init", "-q", "--bare", clone]);
  await run("git", ["-C", clone, "fetch", "-q", first.url, first.commit]);
  const { stdout } = await run("git", ["-C", clone, "ls-tree", first.commit]);
  assert.match(stdout, /^100755 blob [0-9a-f]+\trun\.sh\n100644 blob [0-9a-f]+\ttext\n$/);
});

interface Provenance {
  readonly subject: readonly { readonly digest: { readonly sha256: string } }[];
  readonly predicate: {
    readonly buildDefinition: {
      readonly externalParameters: { readonly configSource: { readonly uri: string } };
      readonly resolvedDependencies: readonly { readonly uri: string; readonly digest: Record<string, string> }[];
    };
    readonly runDetails: {
      readonly builder: { readonly id: string };
      readonly metadata: {
        readonly buildkit_completeness: Record<string, boolean>;
        readonly buildkit_metadata: { readonly layers: Record<string, readonly (readonly { digest: string }[])[]> };
      };
    };
  };
}

function provenancesOf({ platforms }: Published): Provenance[] {
  return platforms.map(({ provenance }) => JSON.parse(Buffer.from(provenance ?? "").toString()));
}

for (const platforms of [[HOST_PLATFORM], ["linux/amd64", "linux/arm64"]]) {
  test(`BuildKit builds base, runtime and app from git with complete provenance (${platforms})`, async (t) => {
    const world = await toolchain(t);
    if (!world) return;
    const made = await chain({ toolchain: world, sigstore, git, platforms });
    for (const image of [made.base, made.runtime, made.app]) {
      assert.deepEqual(
        image.platforms.map(({ platform }) => platform),
        platforms,
      );
      const store = testRepository(world, image.image);
      for (const [i, { subject, predicate }] of provenancesOf(image).entries()) {
        const { metadata, builder } = predicate.runDetails;
        const { configSource } = predicate.buildDefinition.externalParameters;
        assert.deepEqual(metadata.buildkit_completeness, { request: true, resolvedDependencies: true });
        assert.equal(configSource.uri, `${git.url}/${image.repository}.git#${image.source.commit}`);
        assert.equal(builder.id, image.runUrl);
        const { manifest } = image.platforms[i] as { manifest: string };
        assert.equal(`sha256:${subject[0]?.digest.sha256}`, manifest);
        const { layers } = JSON.parse(Buffer.from((await store.readManifest(manifest)) ?? "").toString());
        const digests = (list: readonly { digest: string }[]) => list.map(({ digest }) => digest).join();
        const explained = Object.values(metadata.buildkit_metadata.layers).flat().map(digests);
        assert.ok(explained.includes(digests(layers)), "the layer map explains the manifest's layers");
      }
      assert.equal(image.attached.length, platforms.length + 1);
    }
    const uris = provenancesOf(made.app).map(({ predicate }) =>
      predicate.buildDefinition.resolvedDependencies.map(({ digest }) => Object.values(digest)[0]),
    );
    for (const uri of uris) {
      const bases = [made.base.index.slice(7), made.runtime.index.slice(7)];
      assert.deepEqual(uri, [...bases, made.app.source.commit], "dependencies are the indexes, and the commit");
    }
  });
}

for (const by of ["cosign", "the product"] as const) {
  test(`cosign finds and verifies what the chain attached in the manner of ${by}`, async (t) => {
    const world = await toolchain(t);
    if (!world) return;
    const client = createRegistryClient({ allowHosts: [world.registry] });
    t.after(() => client.close());
    const { base } = await chain({ toolchain: world, sigstore, git, ...(by === "cosign" ? {} : { client }) });
    const verified = (type: string, digest: string, who: string) =>
      world.run("cosign", [
        ...["verify-attestation", "--type", type, "--trusted-root", file("root.json", sigstore.trustedRoot)],
        ...["--certificate-oidc-issuer", GITHUB_ISSUER, "--certificate-identity", who],
        `${base.image.replace(/:[^:/]+$/, "")}@${digest}`,
      ]);
    const san = `${git.url}/${base.repository}/.github/workflows/release.yml@refs/tags/v1.0.0`;
    await verified("https://sigstore.dev/cosign/sign/v1", base.index, san);
    await verified("slsaprovenance1", base.platforms[0]?.manifest ?? "", san);
    await assert.rejects(verified("slsaprovenance1", base.platforms[0]?.manifest ?? "", `${san}x`));
  });
}

test("a build from a tag that has moved since is a build of the new commit", async (t) => {
  const world = await toolchain(t);
  if (!world) return;
  const image = `${world.registry}/world/moved:1`;
  const digests: string[] = [];
  for (const x of ["1", "2"]) {
    const source = await git.repository("acme/moved", { Dockerfile: "FROM scratch\nCOPY x /x\n", x }, { tag: "v1" });
    digests.push((await build({ toolchain: world, image, source })).index);
  }
  assert.notEqual(digests[0], digests[1]);
});

test("a test without its world is skipped, and fails where CI is set", async () => {
  const { CI, TRUSTED_BUILDS_WORLD } = process.env;
  const skipped: (string | undefined)[] = [];
  const t = { skip: (message?: string) => skipped.push(message) } as unknown as TestContext;
  try {
    process.env.TRUSTED_BUILDS_WORLD = join(directory, "nowhere");
    delete process.env.CI;
    assert.equal(await toolchain(t, ["dockerd", "registry"]), undefined);
    assert.deepEqual(skipped, ["dockerd, docker-registry not running: npm run world up"]);
    process.env.CI = "1";
    await assert.rejects(toolchain(t, ["crane"]), /^Error: crane not running/);
  } finally {
    for (const [name, value] of Object.entries({ CI, TRUSTED_BUILDS_WORLD })) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
});

test("a second world stands beside the first and leaves nothing when it goes down", async (t) => {
  const world = await toolchain(t);
  if (!world) return;
  const second = join(directory, "w2");
  mkdirSync(second);
  const first = dirname(dirname(dirname(dirname(world.bin("docker")))));
  for (const unpacked of ["prefix", "postgres", "chromium", "kubectl"])
    symlinkSync(join(first, unpacked), join(second, unpacked));
  // PostgreSQL runs as nobody, who has to get at its data.
  chmodSync(directory, 0o755);
  const script = fileURLToPath(new URL("toolchain.sh", import.meta.url));
  const command = (name: string) => run(script, [name], { env: { ...process.env, TRUSTED_BUILDS_WORLD: second } });
  try {
    await Promise.all([command("up"), command("up")]);
    await command("status");
    const { registry } = JSON.parse(readFileSync(join(second, "world.json"), "utf8"));
    assert.notEqual(registry, world.registry);
    assert.equal((await fetch(`http://${registry}/v2/`)).status, 200);
    const bridge = readFileSync(join(second, "run/bridge"), "utf8").trim();
    assert.ok(existsSync(`/sys/class/net/${bridge}`));
    await command("down");
    assert.ok(!existsSync(`/sys/class/net/${bridge}`));
    assert.ok(!existsSync(join(second, "run")) && !existsSync(join(second, "world.json")));
    await assert.rejects(fetch(`http://${registry}/v2/`));
    await assert.rejects(command("status"));
  } finally {
    await command("down");
  }
});
