import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { parseBundle } from "../../src/attestation/bundle.ts";
import { type PinnedImage, parseReference, pin } from "../../src/image/reference.ts";
import { createRegistryClient } from "../../src/registry/client.ts";
import { BUNDLE_TYPE, type KeyBundle } from "../../src/signer/key-bundle.ts";
import { keptSigningKey } from "../../src/signer/signing-key.ts";
import { createSummarySigner } from "../../src/signer/summary-signer.ts";
import { timestamped } from "../../src/signer/timestamp.ts";
import { parseTrustedRoot } from "../../src/sigstore/trusted-root.ts";
import { createBundleVerifier } from "../../src/sigstore/verifier.ts";
import { walkAncestry } from "../../src/trust/ancestry.ts";
import { parsePolicy } from "../../src/trust/policy.ts";
import { judge } from "../../src/trust/verdict.ts";
import { putImage } from "../registry/image-fixture.ts";
import { policyOf, told, World } from "../trust/world.ts";
import { temporaryFiles } from "../verify/temporary-files.ts";
import { startOciRegistry } from "../world/oci-registry.ts";
import { startSigstore } from "../world/sigstore.ts";
import { toolchain } from "../world/toolchain.ts";

const write = temporaryFiles();
const sigstore = await startSigstore();
after(() => sigstore.close());
const tsa = `${sigstore.url}/api/v1/timestamp`;
const rootBytes = Buffer.from(JSON.stringify(sigstore.trustedRoot));
const verifier = createBundleVerifier({ roots: [parseTrustedRoot(rootBytes, "test")] });
const key = await keptSigningKey(write("mark", "").replace(/[^/]*$/, "key.pem"));
const log: unknown[] = [];
const signer = createSummarySigner(key, (signed) => log.push(signed));
const AUTHOR = {
  verifier: "https://builds.example/verifiers/7",
  version: { "trusted-builds": "1" },
  policyUri: "urn:x",
};

/** A policy that takes this signer's summaries. */
function accepting(policyDigest: string) {
  const pem = JSON.stringify(key.publicKey.pem);
  const entry = `{ id: "${AUTHOR.verifier}", key: { pem: ${pem} }, policy: "${policyDigest}", max-age: 1d, minimum: SLSA_BUILD_LEVEL_1 }`;
  return policyOf({ trust: `  verifiers: [${entry}]` });
}

/** A world whose base is attested for those who believe its signer, and the summary of that. */
async function judged() {
  const world = new World();
  const base = world.build("base");
  const now = new Date();
  const verdict = await world.judge(base.image, { asOf: now });
  const [signed] = signer.signVerdict(verdict, AUTHOR);
  assert.ok(signed);
  return { base, verdict, now, bundle: signed.bundle };
}

const proven = (bundle: KeyBundle, policy = accepting(`sha256:${"0".repeat(64)}`)) =>
  verifier.verifyBundle(parseBundle(Buffer.from(JSON.stringify(bundle))), policy.keys);

test("R28, R33 what the server signs and an authority timestamps ends another's walk, and without timestamp it doesn't", async () => {
  const { base, verdict, now, bundle } = await judged();
  const outcome = async (offered: KeyBundle) => {
    const policy = accepting(verdict.policy.digest);
    const statement = proven(offered, policy);
    assert.equal(statement.kind, "verified");
    const other = new World();
    const same = other.build("base", { signed: "nothing" });
    assert.equal(same.manifest.digest, base.manifest.digest);
    const app = other.build("app", { base: same });
    const parsed = parseBundle(Buffer.from(JSON.stringify(offered)));
    other.verified.set(parsed.digest, statement);
    other.post(same.manifest, parsed);
    return told(await other.judge(app.image, { policy, asOf: new Date(now.getTime() + 60_000) }));
  };
  assert.equal(await outcome(bundle), "untrusted vsa-time");
  assert.equal(await outcome(await timestamped(bundle, tsa)), "trusted");
});

test("R33 every signature is told of before it is given away, and a verdict that is none signs nothing", async () => {
  const world = new World();
  const app = world.build("app");
  const before = log.length;
  const trusted = await world.judge(app.image);
  assert.equal(signer.signVerdict(trusted, AUTHOR).length, 1);
  assert.deepEqual(log.slice(before), [
    {
      image: { ...app.image, digest: app.manifest.digest },
      platform: app.platform,
      result: "PASSED",
      verifier: AUTHOR.verifier,
      key: key.publicKey.fingerprint,
    },
  ]);
  world.hide(app.image);
  assert.deepEqual(signer.signVerdict(await world.judge(app.image), AUTHOR), []);
  assert.equal(log.length, before + 1);
  const refusing = createSummarySigner(key, () => assert.fail("no log, no signature"));
  assert.throws(() => refusing.signVerdict(trusted, AUTHOR));
});

test("R12 another bundle's timestamp, and one of a stranger, give a key no time", async () => {
  const { bundle } = await judged();
  const stamped = await timestamped(bundle, tsa);
  const verified = proven(stamped);
  assert.ok(verified.kind === "verified" && verified.times.length === 1);
  const other = await judged();
  const { timestampVerificationData = assert.fail() } = stamped.verificationMaterial;
  const moved = {
    ...other.bundle,
    verificationMaterial: { ...other.bundle.verificationMaterial, timestampVerificationData },
  };
  const stranger = await startSigstore();
  try {
    for (const wrong of [moved, await timestamped(bundle, `${stranger.url}/api/v1/timestamp`)]) {
      const outcome = proven(wrong);
      assert.deepEqual([outcome.kind, outcome.kind === "verified" && outcome.times], ["verified", []]);
    }
  } finally {
    await stranger.close();
  }
});

test("a timestamp authority that fails, lies or floods gives no timestamp, and says so", async (t) => {
  const { bundle } = await judged();
  const answers: Readonly<Record<string, [number, Uint8Array]>> = {
    "/500": [500, Buffer.from("no")],
    "/other": [200, Buffer.from("another's token")],
    "/flood": [200, Buffer.alloc(70_000)],
  };
  const server = createServer(({ url = "" }, response) => {
    const [status, body] = answers[url] ?? [302, Buffer.of()];
    response.writeHead(status, { location: tsa }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const path of [...Object.keys(answers), "/moved"])
    await assert.rejects(timestamped(bundle, `${at}${path}`), { code: "no-timestamp" }, path);
});

test("cosign verifies what the product attaches, and refuses it with another key", async (t) => {
  const world = await toolchain(t);
  if (world === undefined) return;
  const registry = await startOciRegistry();
  t.after(() => registry.close());
  const { digest } = putImage(registry);
  const image: PinnedImage = pin(parseReference(`${registry.host}/acme/app`), digest);
  const client = createRegistryClient({ allowHosts: [registry.host] });
  t.after(() => client.close());
  const verdict = await verdictOf(image);
  const [signed] = signer.signVerdict(verdict, AUTHOR);
  assert.ok(signed);
  const bundle = await timestamped(signed.bundle, tsa);
  const artifact = { artifactType: BUNDLE_TYPE, mediaType: BUNDLE_TYPE, bytes: Buffer.from(JSON.stringify(bundle)) };
  const first = await client.attachReferrer(image, artifact);
  assert.equal(await client.attachReferrer(image, artifact), first, "attaching twice makes nothing new");
  const verifies = (pem: string) =>
    world.run("cosign", [
      ...["verify-attestation", "--type", "https://slsa.dev/verification_summary/v1", "--key", write("key.pub", pem)],
      ...["--trusted-root", write("root.json", rootBytes), "--insecure-ignore-tlog=true", "--use-signed-timestamps"],
      `${image.registry}/${image.repository}@${digest}`,
    ]);
  await verifies(key.publicKey.pem);
  const other = await keptSigningKey(write("mark", "").replace(/[^/]*$/, "other.pem"));
  await assert.rejects(verifies(other.publicKey.pem));

  /** The verdict on an image of the registry that policy names as a root. */
  async function verdictOf(of: PinnedImage) {
    const root = `{ image: "${of.registry}/${of.repository}@${of.digest}", reason: x, expires: 2099-01-01 }`;
    const policy = parsePolicy(Buffer.from(`version: 1\ntrust: { roots: [${root}] }\n`), "policy.yml");
    const now = new Date();
    const ports = { images: client, attestations: client, verifier };
    return judge(await walkAncestry(ports, policy, of, "every", now), policy, of, now);
  }
});
