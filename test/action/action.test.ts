import assert from "node:assert/strict";
import { after, test } from "node:test";
import { digestOf, hexOf } from "../../src/image/digest.ts";
import { told } from "../verify/command.ts";
import { startOciRegistry } from "../world/oci-registry.ts";
import { GITHUB_ISSUER } from "../world/sigstore.ts";
import { attached, BUILDER, type Built, builds, type Place, pushed, TAG } from "./builds.ts";

const { stage, place, build, policy } = await builds();
/** A registry with the referrers API; the world's has the fallback tag alone. */
const withApi = await startOciRegistry();
after(() => withApi.close());
const root = stage.write("trusted_root.json", JSON.stringify(stage.sigstore.trustedRoot));
const TWO_PLATFORMS = "linux/amd64,linux/arm64";

const twoPlatforms = (() => {
  let made: Promise<Built> | undefined;
  return (at: Place): Promise<Built> => {
    made ??= build(at, "two", {
      inputs: { tags: `${TAG}\nlatest`, platforms: TWO_PLATFORMS, "build-args": '{"VERSION": "1.0"}' },
    });
    return made;
  };
})();

test("pushes the index, signs what BuildKit says of each platform and a statement over the index, and attaches them", async (t) => {
  const at = await place(t);
  if (!at) return;
  const made = await twoPlatforms(at);
  assert.deepEqual([made.exit, made.errors, made.warnings], [0, [], []], made.log);
  const { index, platforms } = await pushed(made);
  assert.equal(platforms.length, 2);
  for (const { digest, provenance } of platforms) {
    const [bundle, ...others] = await attached(made, digest);
    assert.deepEqual(bundle?.payload, Buffer.from(provenance), "not the bytes that BuildKit wrote");
    assert.equal(others.length, 0);
  }
  const [over, ...others] = await attached(made, index);
  assert.equal(others.length, 0);
  assert.equal(over?.artifactType, "application/vnd.dev.sigstore.bundle.v0.3+json");
  assert.deepEqual(
    [over.annotations["dev.sigstore.bundle.content"], over.annotations["dev.sigstore.bundle.predicateType"]],
    ["dsse-envelope", "https://slsa.dev/provenance/v1"],
  );
  assert.ok(Date.parse(over.annotations["org.opencontainers.image.created"] ?? "") > 0);
  const statement = JSON.parse(over.payload.toString());
  assert.deepEqual(statement.subject, [{ name: made.image, digest: { sha256: hexOf(index) } }]);
  assert.equal(statement.predicate.runDetails.builder.id, `${stage.git.url}/${BUILDER}`);
});

test("tells the digest, the image by digest and the tags, posts each bundle to GitHub, and writes a summary", async (t) => {
  const at = await place(t);
  if (!at) return;
  const made = await twoPlatforms(at);
  const { index } = await pushed(made);
  assert.deepEqual(made.outputs, { digest: index, image: `${made.image}@${index}`, tags: `${TAG}\nlatest` });
  assert.equal(digestOf((await made.store.readManifest("latest")) ?? Buffer.alloc(0)), index);
  assert.deepEqual(
    made.posted.map(({ authorization, path }) => [authorization, path]),
    Array(3).fill(["token ghs_token", `/repos/${at.namespace}/two/attestations`]),
  );
  assert.ok(made.summary.includes(`${made.image}@${index}`));
});

for (const rekor of [1, 2] as const) {
  test(`cosign accepts what hangs on the index with the builder's identity, and refuses another's (Rekor v${rekor})`, async (t) => {
    const at = await place(t);
    if (!at) return;
    const made =
      rekor === 1
        ? await twoPlatforms(at)
        : await build(at, "log-of-two", { inputs: { "rekor-version": "2", "tsa-url": stage.sigstore.url } });
    assert.equal(made.exit, 0, made.log);
    const { index, platforms } = await pushed(made);
    const verifies = (digest: string, identity: string) =>
      at.world.run("cosign", [
        ...["verify-attestation", "--type", "slsaprovenance1", "--trusted-root", root],
        ...["--certificate-oidc-issuer", GITHUB_ISSUER, "--certificate-identity", identity],
        `${made.image}@${digest}`,
      ]);
    const identity = `${stage.git.url}/${BUILDER}`;
    for (const digest of [index, ...platforms.map((platform) => platform.digest)]) {
      await verifies(digest, identity);
      await assert.rejects(verifies(digest, identity.replace("build.yml", "other.yml")));
    }
  });
}

test("the product trusts it under a policy whose build is what was asked for, and under no other", async (t) => {
  const at = await place(t);
  if (!at) return;
  const made = await twoPlatforms(at);
  const asked = [`image: ${made.image}`, `platforms: [${TWO_PLATFORMS}]`, "tags: [v*]"];
  const trusted = await stage.verify(
    `${made.image}:${TAG}`,
    policy(at, [...asked, 'build-args: { VERSION: "1.0" }', 'image-tags: ["{tag}", latest]']),
  );
  assert.deepEqual([trusted.exit, told(trusted.verdict)], [0, []]);
  const other = await stage.verify(`${made.image}:${TAG}`, policy(at, [...asked, 'build-args: { VERSION: "1.1" }']));
  assert.deepEqual([other.exit, told(other.verdict)], [1, ["parameters: two", "parameters: two"]]);
});

test("a chain of images that the action built is trusted to the end", async (t) => {
  const at = await place(t);
  if (!at) return;
  const base = await build(at, "base", {
    files: { Dockerfile: "FROM scratch\nADD rootfs.tar.gz /\n", "rootfs.tar.gz": at.rootfs },
  });
  assert.equal(base.exit, 0, base.log);
  const child = await build(at, "child", { files: { Dockerfile: `FROM ${base.image}:${TAG}\nRUN echo x > /x\n` } });
  assert.equal(child.exit, 0, child.log);
  const { exit, verdict } = await stage.verify(`${child.image}:${TAG}`, policy(at));
  assert.deepEqual([exit, told(verdict)], [0, []]);
  assert.ok(verdict.nodes.some(({ reference }) => reference?.includes("/base")));
});

test("in a registry with the referrers API the bundles are found by it, and the tags move after all else", async (t) => {
  const at = await place(t);
  if (!at) return;
  const made = await build(at, "listed", { registry: withApi.host, inputs: { tags: `${TAG},latest` } });
  assert.equal(made.exit, 0, made.log);
  const writes = withApi.requests.filter(({ method, path }) => method === "PUT" && path.includes("/manifests/"));
  const last = writes.map(({ path }) => path.slice(path.lastIndexOf("/") + 1));
  assert.deepEqual(last.slice(-2), [TAG, "latest"]);
  assert.ok(last.length >= 7 && last.slice(0, -2).every((reference) => reference.startsWith("sha256:")));
  const { exit, verdict } = await stage.verify(`${made.image}:${TAG}`, policy(at, [], withApi.host));
  assert.deepEqual([exit, told(verdict)], [0, []]);
});

test("logs in to a registry with a password as Docker's client does", async (t) => {
  const at = await place(t);
  if (!at) return;
  const made = await build(at, "behind-password", { registry: at.world.authRegistry });
  assert.equal(made.exit, 0, made.log);
  assert.equal((await pushed(made)).index, made.outputs.digest);
});
