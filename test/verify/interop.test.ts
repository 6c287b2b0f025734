import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { parseReference, pin } from "../../src/image/reference.ts";
import { createRegistryClient } from "../../src/registry/client.ts";
import { publish } from "../world/chain.ts";
import { githubClaims } from "../world/github-claims.ts";
import { startOciRegistry } from "../world/oci-registry.ts";
import { GITHUB_ISSUER } from "../world/sigstore.ts";
import type { Toolchain } from "../world/toolchain.ts";
import { told } from "./command.ts";
import { once, scene } from "./scene.ts";

const stage = await scene();
/** A registry with the referrers API; the world's has the fallback tag alone. */
const withApi = await startOciRegistry();
after(() => withApi.close());
const root = stage.write("trusted_root.json", JSON.stringify(stage.sigstore.trustedRoot));
const files = { Dockerfile: "FROM scratch\nCOPY file /file\n", file: "content\n" };

const unsigned = once(async (world) => {
  const namespace = `acme-${randomBytes(4).toString("hex")}`;
  const registries = [world.registry, withApi.host];
  return { namespace, registries, policy: stage.policy(world, namespace, { registries }) };
});

type Unsigned = NonNullable<Awaited<ReturnType<typeof unsigned>>>;

/** An image without any attestation, and the provenance that BuildKit put beside it. */
async function image({ world, namespace }: Unsigned, name: string, registry = world.registry) {
  const where = { toolchain: world, sigstore: stage.sigstore, git: stage.git, namespace, registry };
  const attach = { platformProvenance: false, indexStatement: false };
  const published = await publish(where, { name, files, attach });
  const [platform] = published.platforms;
  assert.ok(platform?.provenance);
  return { ...published, ...platform, provenance: platform.provenance };
}

for (const [registry, at] of [
  ["a registry with fallback tags", (made: Unsigned) => made.world.registry],
  ["a registry with the referrers API", () => withApi.host],
] as const) {
  for (const rekor of [1, 2] as const) {
    test(`trusts what cosign attests in ${registry} (Rekor v${rekor}), and refuses it under another identity`, async (t) => {
      const made = await unsigned(t);
      if (!made) return;
      const { world, policy } = made;
      const host = at(made);
      const { claims, manifest, provenance, image: name } = await image(made, `attested-${rekor}`, host);
      const before = await stage.verify(name, policy);
      assert.deepEqual([before.exit, told(before.verdict)], [1, [`unattested: attested-${rekor}`]]);

      const { predicate } = JSON.parse(Buffer.from(provenance).toString());
      await attest(world, { subject: `${name.replace(/:[^:/]*$/, "")}@${manifest}`, predicate, claims, rekor });
      const trusted = await stage.verify(name, policy);
      assert.deepEqual([trusted.exit, told(trusted.verdict)], [0, []]);

      const workflow = `${made.namespace}/{repo}/.github/workflows/other.yml@refs/tags/v*`;
      const other = stage.policy(world, made.namespace, { registries: made.registries, workflow });
      const refused = await stage.verify(name, other);
      assert.deepEqual([refused.exit, told(refused.verdict)], [1, [`workflow: attested-${rekor}`]]);
    });
  }

  test(`cosign verifies what the product attaches in ${registry}, and refuses it under another identity`, async (t) => {
    const made = await unsigned(t);
    if (!made) return;
    const { world } = made;
    const host = at(made);
    const { claims, manifest, provenance, image: name } = await image(made, "attached", host);
    const client = createRegistryClient({ allowHosts: [host] });
    t.after(() => client.close());
    const bundle = await stage.sigstore.sign(provenance, claims);
    await client.attachReferrer(pin(parseReference(name), manifest), {
      artifactType: bundle.mediaType,
      mediaType: bundle.mediaType,
      bytes: Buffer.from(JSON.stringify(bundle)),
      annotations: { "dev.sigstore.bundle.predicateType": "https://slsa.dev/provenance/v1" },
    });
    const verifies = (identity: string) =>
      world.run("cosign", [
        ...["verify-attestation", "--type", "slsaprovenance1", "--trusted-root", root],
        ...["--certificate-oidc-issuer", GITHUB_ISSUER, "--certificate-identity", identity],
        `${name.replace(/:[^:/]*$/, "")}@${manifest}`,
      ]);
    const identity = `${stage.git.url}/${claims.job_workflow_ref}`;
    await verifies(identity);
    await assert.rejects(verifies(identity.replace("release.yml", "other.yml")));
    assert.equal((await stage.verify(name, made.policy)).exit, 0);
  });
}

test("R11 trusts provenance beside an image where cosign signed its manifest with a publisher's key, and no other key", async (t) => {
  const made = await unsigned(t);
  if (!made) return;
  const { world, namespace } = made;
  const { manifest, provenance, image: name } = await image(made, "hardened", withApi.host);
  const client = createRegistryClient({ allowHosts: [withApi.host] });
  t.after(() => client.close());
  const held = await client.attachReferrer(pin(parseReference(name), manifest), {
    artifactType: "application/vnd.in-toto+json",
    mediaType: "application/vnd.in-toto+json",
    bytes: provenance,
    annotations: {},
  });
  const folder = dirname(stage.write("keys", ""));
  const cosign = (...args: readonly string[]) =>
    world.run("cosign", args, { cwd: folder, env: { COSIGN_PASSWORD: "", COSIGN_EXPERIMENTAL: "1" } });
  const policies: string[] = [];
  for (const key of ["publisher", "stranger"]) {
    await cosign("generate-key-pair", "--output-key-prefix", key);
    const pem = JSON.stringify(readFileSync(join(folder, `${key}.pub`), "utf8"));
    const entry = `images: ["${withApi.host}/${namespace}/{repo}"], builds: true, key: { pem: ${pem}, log: optional }`;
    policies.push(stage.write(`${key}.yml`, `version: 1\ntrust:\n  builders: [{ ${entry} }]\n`));
  }
  const [publisher = "", stranger = ""] = policies;
  const before = await stage.verify(name, publisher);
  assert.deepEqual([before.exit, told(before.verdict)], [1, ["malformed-attestation: hardened"]]);
  await cosign(
    ...["sign", "--yes", "--key", "publisher.key", "--tlog-upload=false", "--registry-referrers-mode=oci-1-1"],
    ...["--new-bundle-format=false", "--use-signing-config=false", `${name.replace(/:[^:/]*$/, "")}@${held}`],
  );
  const trusted = await stage.verify(name, publisher);
  assert.deepEqual([trusted.exit, told(trusted.verdict)], [0, []]);
  const refused = await stage.verify(name, stranger);
  assert.deepEqual([refused.exit, told(refused.verdict)], [1, ["signature: hardened"]]);
});

test("R13 doesn't take what cosign attests about another image", async (t) => {
  const made = await unsigned(t);
  if (!made) return;
  const { world, policy, namespace } = made;
  const { image: name, manifest, provenance } = await image(made, "elsewhere");
  const claims = githubClaims({ repository: `${namespace}/elsewhere`, ref: "refs/tags/v1.0.0" });
  const other = await image(made, "another");
  const { predicate } = JSON.parse(Buffer.from(provenance).toString());
  await attest(world, { subject: other.reference, predicate, claims, rekor: 1 });
  assert.notEqual(other.index, manifest);
  const { exit, verdict } = await stage.verify(name, policy);
  assert.deepEqual([exit, told(verdict)], [1, ["unattested: elsewhere"]]);
});

async function attest(
  world: Toolchain,
  options: {
    readonly subject: string;
    readonly predicate: unknown;
    readonly claims: Parameters<typeof stage.sigstore.idToken>[0] & {};
    readonly rekor: 1 | 2;
  },
): Promise<void> {
  await world.run("cosign", [
    // By its URI: under the name slsaprovenance1 cosign would leave out every field of BuildKit's own.
    ...["attest", "--yes", "--type", "https://slsa.dev/provenance/v1"],
    ...["--predicate", stage.write("predicate.json", JSON.stringify(options.predicate))],
    ...["--identity-token", await stage.sigstore.idToken(options.claims)],
    ...["--signing-config", stage.write("signing.json", JSON.stringify(stage.sigstore.signingConfig(options.rekor)))],
    ...["--trusted-root", root],
    options.subject,
  ]);
}
