import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { after, test } from "node:test";
import { parseStatement } from "../../src/attestation/statement.ts";
import { parseVsa } from "../../src/attestation/vsa.ts";
import { digestOf, hexOf } from "../../src/image/digest.ts";
import { parseReference, pin } from "../../src/image/reference.ts";
import { createRegistryClient } from "../../src/registry/client.ts";
import { BUNDLE_TYPE } from "../../src/signer/key-bundle.ts";
import { putImage } from "../registry/image-fixture.ts";
import { trustedBuilds } from "../verify/command.ts";
import { temporaryFiles } from "../verify/temporary-files.ts";
import { startOciRegistry } from "../world/oci-registry.ts";
import { startSigstore } from "../world/sigstore.ts";

const write = temporaryFiles();
const registry = await startOciRegistry();
const sigstore = await startSigstore();
after(async () => {
  await registry.close();
  await sigstore.close();
});
const { digest } = putImage(registry);
const image = `${registry.host}/acme/app:1.0.0`;
const policyText = `version: 1\ntrust:\n  roots: [{ image: "${registry.host}/acme/app@${digest}", reason: looked at, expires: 2099-01-01 }]\n`;
const policy = write("policy.yml", policyText);
const root = write("trusted_root.json", JSON.stringify(sigstore.trustedRoot));
const pair = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
const key = write("key.pem", pair.privateKey.export({ format: "pem", type: "pkcs8" }));
const pem = pair.publicKey.export({ format: "pem", type: "spki" }).toString();
const ID = "https://verifier.example/team";
const TSA = ["--vsa-tsa", `${sigstore.url}/api/v1/timestamp`];
const target = () => write("out.jsonl", "");

test("R28 writes the verdict as a signed summary, which another's policy takes in the place of a walk", async () => {
  const file = target();
  const args = ["--vsa", file, "--vsa-key", key, "--vsa-id", ID, ...TSA];
  const { exit, stderr } = await trustedBuilds(["verify", "--policy", policy, ...args, image]);
  assert.equal(exit, 0);
  assert.ok(stderr.includes(file), stderr);
  const [line = "", ...more] = readFileSync(file, "utf8").trimEnd().split("\n");
  assert.deepEqual(more, []);
  const bundle = Buffer.from(line);
  const statement = parseStatement(Buffer.from(JSON.parse(line).dsseEnvelope.payload, "base64"));
  const summary = parseVsa(statement);
  assert.deepEqual(
    [summary.verifier.id, summary.verificationResult, summary.verifiedLevels, summary.policy.digest],
    [ID, "PASSED", ["SLSA_BUILD_LEVEL_0"], { sha256: hexOf(digestOf(Buffer.from(policyText))) }],
  );

  const accepting = (id: string) =>
    write(
      "accepting.yml",
      `version: 1\ntrust:\n  verifiers: [{ id: "${id}", key: { pem: ${JSON.stringify(pem)} }, policy: "${digestOf(Buffer.from(policyText))}", max-age: 1h, minimum: SLSA_BUILD_LEVEL_0 }]\n`,
    );
  const judge = async (id: string) => {
    const found = await trustedBuilds([
      ...["verify", "--policy", accepting(id), "--trusted-root", root, "--output", "json", image],
    ]);
    return [found.exit, JSON.parse(found.stdout).nodes[0].finding.kind];
  };
  assert.deepEqual(await judge(ID), [1, "unattested"]);
  const client = createRegistryClient({ allowHosts: [registry.host] });
  await client.attachReferrer(pin(parseReference(image), digest), {
    artifactType: BUNDLE_TYPE,
    mediaType: BUNDLE_TYPE,
    bytes: bundle,
  });
  await client.close();
  assert.deepEqual(await judge(ID), [0, "summarised"]);
  assert.deepEqual(await judge(`${ID}s`), [1, "refused"]);
});

test("R28 writes FAILED for an untrusted image, and nothing where it could not look", async () => {
  const nobody = write("nobody.yml", "version: 1\n");
  const file = target();
  const args = ["--policy", nobody, "--vsa", file, "--vsa-key", key, "--vsa-id", ID];
  assert.equal((await trustedBuilds(["verify", ...args, image])).exit, 1);
  const { payload } = JSON.parse(readFileSync(file, "utf8")).dsseEnvelope;
  assert.equal(parseVsa(parseStatement(Buffer.from(payload, "base64"))).verificationResult, "FAILED");
  const absent = `${file}.absent`;
  registry.fail(/\/manifests\//, { status: 500 });
  const undetermined = await trustedBuilds(["verify", ...args, "--vsa", absent, image]);
  registry.heal();
  assert.deepEqual([undetermined.exit, existsSync(absent)], [3, false]);
});

test("exits with 2 for a summary that can't be signed or written, and asks nothing for one that can't be signed", async () => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "pem", type: "pkcs8" });
  const before = registry.requests.length;
  for (const args of [
    ["--vsa", target()],
    ["--vsa-key", key, "--vsa-id", ID],
    ["--vsa", target(), "--vsa-key", "absent.pem", "--vsa-id", ID],
    ["--vsa", target(), "--vsa-key", write("rsa.pem", rsa), "--vsa-id", ID],
    ["--vsa", target(), "--vsa-key", write("public.pem", pem), "--vsa-id", ID],
    ["--vsa", target(), "--vsa-key", key, "--vsa-id", "me"],
    ["--vsa", target(), "--vsa-key", key, "--vsa-id", ID, "--vsa-tsa", "tsa"],
  ]) {
    const { exit, stdout, stderr } = await trustedBuilds(["verify", "--policy", policy, ...args, image]);
    assert.deepEqual([exit, stdout], [2, ""], args.join(" "));
    assert.ok(!stderr.includes("PRIVATE KEY"), stderr);
  }
  assert.equal(registry.requests.length, before);
  for (const args of [
    ["--vsa", "/absent/out.jsonl"],
    ["--vsa", target(), "--vsa-tsa", `${sigstore.url}/nothing`],
  ])
    assert.equal(
      (await trustedBuilds(["verify", "--policy", policy, ...args, "--vsa-key", key, "--vsa-id", ID, image])).exit,
      2,
      args.join(" "),
    );
});
