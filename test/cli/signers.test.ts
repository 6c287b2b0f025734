import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fingerprintOf } from "../../src/attestation/public-key.ts";
import { parseReference } from "../../src/image/reference.ts";
import { createRegistryClient } from "../../src/registry/client.ts";
import { parseTrustedRoot } from "../../src/sigstore/trusted-root.ts";
import { createBundleVerifier } from "../../src/sigstore/verifier.ts";
import { walkAncestry } from "../../src/trust/ancestry.ts";
import { type Policy, parsePolicy } from "../../src/trust/policy.ts";
import { judge } from "../../src/trust/verdict.ts";
import { type Built, makeImage } from "../faults/ancestry.ts";
import type { Document } from "../faults/document.ts";
import { told, verify } from "../verify/command.ts";
import { temporaryFiles } from "../verify/temporary-files.ts";
import type { KeyPair } from "../world/merkle-rekor.ts";
import { startOciRegistry } from "../world/oci-registry.ts";
import { startSigstore } from "../world/sigstore.ts";
import { toolchain } from "../world/toolchain.ts";

const write = temporaryFiles();
const registry = await startOciRegistry();
const sigstore = await startSigstore();
after(async () => {
  await registry.close();
  await sigstore.close();
});

const newKey = (): KeyPair => generateKeyPairSync("ec", { namedCurve: "prime256v1" });
const pemOf = ({ publicKey }: KeyPair) => publicKey.export({ format: "pem", type: "spki" }).toString();
const publisher = newKey();

let logged: Built;
let unlogged: Built;
before(async () => {
  const signed = (namespace: string, options: Parameters<typeof sigstore.signWithKey>[3]) =>
    makeImage(
      { registry, namespace, sigstore, stranger: sigstore },
      "base",
      {},
      {
        bundle: async (_, { payload }) =>
          (await sigstore.signWithKey(payload, publisher, "publisher", options)) as unknown as Document,
      },
    );
  logged = await signed("logged", {});
  unlogged = await signed("mirror", { rekor: false, tsa: false });
});

const root = write("trusted_root.json", JSON.stringify(sigstore.trustedRoot));

/** What the command answers where policy names this key for images of the namespace. */
async function judged({ repository }: Built, namespace: string, key: Document) {
  const entry = { images: [`${registry.host}/${namespace}/*`], level: 2, builds: true, key };
  const policy = write("policy.yml", JSON.stringify({ version: 1, trust: { builders: [entry] } }));
  const { exit, verdict } = await verify(`${repository}:1.0.0`, ["--policy", policy, "--trusted-root", root]);
  return [exit, verdict.level, ...told(verdict)];
}

test("R4 an image whose provenance a key signed is trusted where policy names that key, by its log and source", async () => {
  const pem = pemOf(publisher);
  const source = "https://github.com/acme/base";
  assert.deepEqual(await judged(logged, "logged", { pem, source }), [0, 2]);
  assert.deepEqual(await judged(logged, "logged", { pem: pemOf(newKey()) }), [1, 0, "signature: base"]);
  assert.deepEqual(await judged(unlogged, "mirror", { pem }), [1, 0, "log-entry: base"]);
  assert.deepEqual(await judged(unlogged, "mirror", { pem, log: "optional" }), [0, 1]);
});

test("R4 provenance that cosign attests with a key is found and trusted, by that key alone", async (t) => {
  const world = await toolchain(t, ["cosign"]);
  if (world === undefined) return;
  const place = { registry, namespace: "attested", sigstore, stranger: sigstore };
  const built = await makeImage(place, "base", {}, { attached: false, inIndex: false });
  const predicate = write("predicate.json", JSON.stringify(built.statement.predicate));
  const config = write("signing.json", JSON.stringify(sigstore.signingConfig(1)));
  const directory = dirname(predicate);
  const cosign = (...args: readonly string[]) =>
    world.run("cosign", args, { cwd: directory, env: { COSIGN_PASSWORD: "", COSIGN_YES: "true" } });
  await cosign("generate-key-pair", "--output-key-prefix", "ours");
  const pem = readFileSync(join(directory, "ours.pub"), "utf8");
  const source = "https://github.com/acme/base";
  await cosign(
    ...["attest", "--key", "ours.key", "--type", "https://slsa.dev/provenance/v1", "--predicate", predicate],
    ...["--signing-config", config, "--trusted-root", root, `${built.repository}@${built.manifest.digest}`],
  );
  assert.deepEqual(await judged(built, "attested", { pem, source }), [0, 2]);
  assert.deepEqual(await judged(built, "attested", { pem: pemOf(publisher), source }), [1, 0, "signature: base"]);
});

/** The policy with another key in the place of the preset's: the one that belongs to it signs nothing here. */
function withKey(policy: Policy, pair: KeyPair): Policy {
  const pem = pemOf(pair);
  const exchanged = <Key extends { readonly pem: string; readonly fingerprint: string }>(key: Key): Key => ({
    ...key,
    pem,
    fingerprint: fingerprintOf(pem),
  });
  return {
    ...policy,
    keys: policy.keys.map(exchanged),
    builders: policy.builders.map((each) => (each.kind === "key" ? { ...each, key: exchanged(each.key) } : each)),
  };
}

test("R4 a mirror of a hardened image is trusted by the publisher's preset, under its key and its name", async (context) => {
  const client = createRegistryClient({ allowHosts: [registry.host] });
  context.after(client.close);
  const ports = {
    images: client,
    attestations: client,
    layers: client,
    verifier: createBundleVerifier({
      roots: [parseTrustedRoot(Buffer.from(JSON.stringify(sigstore.trustedRoot)), "x")],
    }),
  };
  const found = await client.resolve(parseReference(`${unlogged.repository}:1.0.0`));
  assert.ok(found);
  const outcome = async (of: string, pair?: KeyPair) => {
    const trust = {
      publishers: ["docker-hardened-images"],
      mirrors: [{ images: `${registry.host}/mirror/{name}`, of }],
    };
    const parsed = parsePolicy(Buffer.from(JSON.stringify({ version: 1, trust })), "policy.yml");
    const policy = pair === undefined ? parsed : withKey(parsed, pair);
    const asOf = new Date();
    const ancestry = await walkAncestry(ports, policy, found.pinned, "every", asOf);
    const { outcome, level, faults } = judge(ancestry, policy, found.pinned, asOf);
    return [outcome, level, ...faults.map(({ code }) => code)];
  };
  assert.deepEqual(await outcome("dhi.io/{name}", publisher), ["trusted", 1]);
  assert.deepEqual(await outcome("dhi.io/{name}"), ["untrusted", 0, "signature"]);
  assert.deepEqual(await outcome("dhi.io/{name}", newKey()), ["untrusted", 0, "signature"]);
  assert.deepEqual(await outcome("docker.io/library/{name}", publisher), ["untrusted", 0, "no-builder"]);
});
