import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { PinnedImage } from "../../src/image/reference.ts";
import { parseTrustedKey } from "../../src/sigstore/trusted-key.ts";
import { parseTrustedRoot } from "../../src/sigstore/trusted-root.ts";
import { createBundleVerifier } from "../../src/sigstore/verifier.ts";
import { isAbout } from "../../src/trust/evidence.ts";
import type { BundleVerifier } from "../../src/trust/ports.ts";
import { githubClaims } from "../world/github-claims.ts";
import { startSigstore } from "../world/sigstore.ts";
import { type Toolchain, toolchain } from "../world/toolchain.ts";
import { putImage, startClient, startRegistry } from "./image-fixture.ts";

/** As cosign signed before its version 3. */
const LEGACY = ["--new-bundle-format=false", "--use-signing-config=false"];
const AS_REFERRER = ["--registry-referrers-mode=oci-1-1"];

async function start(t: TestContext, world: Toolchain) {
  const folder = mkdtempSync(join(tmpdir(), "cosign-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const registry = await startRegistry(t);
  const client = startClient(t, registry);
  const image = putImage(registry);
  const env = { COSIGN_PASSWORD: "", COSIGN_YES: "true", COSIGN_EXPERIMENTAL: "1" };
  const cosign = (...args: readonly string[]) => world.run("cosign", args, { cwd: folder, env });
  const sign = (...args: readonly string[]) =>
    cosign("sign", ...args, `${image.registry}/${image.repository}@${image.digest}`);
  const bytes = (await client.readManifest(image))?.bytes ?? new Uint8Array();
  /** Who signed, by the verifier's word, at each place where something was found; what it signs is compared with the image. */
  const found = async (verifier: BundleVerifier, about: PinnedImage = image) => {
    const { candidates, failures } = await client.listAttestations(about);
    assert.deepEqual(failures, []);
    const read = await Promise.all(
      candidates.map(async (candidate) => {
        const [item] = await candidate.read();
        assert.ok(item?.kind === "bundle");
        const outcome = await verifier.verifyBundle(item);
        if (outcome.kind === "rejected") return `rejected: ${outcome.code}`;
        assert.equal(outcome.statement.predicateType, "https://sigstore.dev/cosign/sign/v1");
        assert.ok(isAbout(outcome.statement, bytes));
        return `signed by ${outcome.identity.kind}`;
      }),
    );
    return read.sort();
  };
  const keyOf = async (name: string) => {
    await cosign("generate-key-pair", "--output-key-prefix", name);
    return parseTrustedKey(readFileSync(join(folder, `${name}.pub`), "utf8"), name, "optional");
  };
  return { folder, sign, found, keyOf };
}

test("what cosign signs with a key is found and verified in each of its forms, and by that key alone", async (t) => {
  const world = await toolchain(t, ["cosign"]);
  if (world === undefined) return;
  const { folder, sign, found, keyOf } = await start(t, world);
  const [ours, other] = [await keyOf("ours"), await keyOf("other")];
  const unlogged = [...LEGACY, "--tlog-upload=false", "--key", "ours.key"];
  await sign(...unlogged);
  await sign(...unlogged, ...AS_REFERRER);
  writeFileSync(
    join(folder, "signing.json"),
    JSON.stringify({ mediaType: "application/vnd.dev.sigstore.signingconfig.v0.2+json" }),
  );
  await sign("--key", "ours.key", "--signing-config", "signing.json");
  const three = (outcome: string) => Array.from({ length: 3 }, () => outcome);
  assert.deepEqual(await found(createBundleVerifier({ roots: [], keys: [ours] })), three("signed by key"));
  assert.deepEqual(await found(createBundleVerifier({ roots: [], keys: [other] })), three("rejected: signature"));
  assert.deepEqual(await found(createBundleVerifier({ roots: [] })), three("rejected: key"));
});

test("what cosign signs without a key is found under .sig, and verified with its log entry", async (t) => {
  const world = await toolchain(t, ["cosign"]);
  if (world === undefined) return;
  const [sigstore, elsewhere] = [await startSigstore(), await startSigstore()];
  t.after(() => Promise.all([sigstore.close(), elsewhere.close()]));
  const { sign, found } = await start(t, world);
  const token = await sigstore.idToken(githubClaims({ repository: "acme/app", ref: "refs/tags/v1.0.0" }));
  await sign(...LEGACY, "--identity-token", token, "--fulcio-url", sigstore.url, "--rekor-url", sigstore.url);
  const rootOf = ({ trustedRoot }: { readonly trustedRoot: unknown }) =>
    parseTrustedRoot(Buffer.from(JSON.stringify(trustedRoot)), "test");
  assert.deepEqual(await found(createBundleVerifier({ roots: [rootOf(sigstore)] })), ["signed by certificate"]);
  const [refused = ""] = await found(createBundleVerifier({ roots: [rootOf(elsewhere)] }));
  assert.match(refused, /^rejected: /);
});
