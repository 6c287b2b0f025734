import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { z } from "zod";
import { digestOf, hexOf, parseDigest } from "../../src/image/digest.ts";
import { told } from "../verify/command.ts";
import { once, scene } from "../verify/scene.ts";
import { rootfs } from "../world/build.ts";
import { repositoryIdOf } from "../world/chain.ts";
import type { Files } from "../world/git-server.ts";
import { type GithubRun, githubClaims } from "../world/github-claims.ts";
import { startOciRegistry } from "../world/oci-registry.ts";
import { testRepository } from "../world/registry.ts";
import { GITHUB_ISSUER } from "../world/sigstore.ts";
import { type Job, runJob } from "./job.ts";

const BUILDER = "trusted-builds/trusted-builds/.github/workflows/build.yml@refs/tags/v1";
const TAG = "v1.0.0";
const TWO_PLATFORMS = "linux/amd64,linux/arm64";

const stage = await scene();
/** A registry with the referrers API; the world's has the fallback tag alone. */
const withApi = await startOciRegistry();
after(() => withApi.close());
const root = stage.write("trusted_root.json", JSON.stringify(stage.sigstore.trustedRoot));

const place = once(async (world) => {
  const namespace = `acme-${randomBytes(4).toString("hex")}`;
  return { namespace, rootfs: await rootfs(world) };
});
type Place = NonNullable<Awaited<ReturnType<typeof place>>>;

/** From scratch, and different for each platform. */
const FILES: Files = {
  Dockerfile: "FROM scratch\nARG TARGETARCH\nARG VERSION=none\nCOPY file /$VERSION-$TARGETARCH\n",
  file: "content\n",
};

interface Asked {
  readonly files?: Files;
  readonly inputs?: Readonly<Record<string, string>>;
  readonly run?: GithubRun;
  readonly registry?: string;
  readonly job?: Partial<Job>;
}

/** Commits and tags the files, and runs the action in a job at that tag, as the reusable workflow does. */
async function build({ world, namespace }: Place, name: string, asked: Asked = {}) {
  const repository = `${namespace}/${name}`;
  const registry = asked.registry ?? world.registry;
  const source = await stage.git.repository(repository, asked.files ?? FILES, { tag: TAG });
  const claims = githubClaims({
    repository,
    ref: `refs/tags/${TAG}`,
    sha: source.commit,
    runId: 1000 + randomBytes(3).readUIntBE(0, 3),
    repositoryId: repositoryIdOf(name),
    jobWorkflowRef: BUILDER,
    event: "workflow_dispatch",
    ...asked.run,
  });
  const image = `${registry}/${repository}`;
  const ended = await runJob({
    inputs: {
      image,
      tags: TAG,
      "github-token": "ghs_token",
      "fulcio-url": stage.sigstore.url,
      "rekor-url": stage.sigstore.url,
      "rekor-version": "1",
      ...asked.inputs,
    },
    claims,
    sigstore: stage.sigstore,
    serverUrl: stage.git.url,
    ...asked.job,
    env: { ...world.env, ...asked.job?.env },
  });
  return { ...ended, image, claims, source, store: testRepository(world, image) };
}

type Built = Awaited<ReturnType<typeof build>>;

const Index = z.object({
  manifests: z.array(z.object({ digest: z.string(), annotations: z.record(z.string(), z.string()).default({}) })),
});
const Manifest = z.object({
  layers: z.array(z.object({ digest: z.string() })),
  artifactType: z.string().optional(),
  annotations: z.record(z.string(), z.string()).default({}),
});
const Bundle = z.object({ dsseEnvelope: z.object({ payload: z.base64(), payloadType: z.string() }) });

function json<T>(schema: z.ZodType<T>, bytes: Uint8Array | undefined): T {
  assert.ok(bytes, "the registry doesn't have it");
  return schema.parse(JSON.parse(Buffer.from(bytes).toString()));
}

/** The index under the tag, and each platform with what BuildKit put beside it. */
async function pushed({ store }: Built) {
  const bytes = await store.readManifest(TAG);
  const { manifests } = json(Index, bytes);
  const platforms = await Promise.all(
    manifests
      .filter(({ annotations }) => annotations["vnd.docker.reference.type"] === undefined)
      .map(async ({ digest }) => {
        const beside = manifests.find(({ annotations }) => annotations["vnd.docker.reference.digest"] === digest);
        const [layer] = json(Manifest, await store.readManifest(beside?.digest ?? "")).layers;
        return { digest: parseDigest(digest), provenance: await store.readBlob(layer?.digest ?? "") };
      }),
  );
  return { index: digestOf(bytes ?? Buffer.alloc(0)), platforms };
}

/** What hangs on a digest by the fallback tag: the payloads of the bundles. */
async function attached({ store }: Built, digest: string) {
  const { manifests } = json(Index, await store.readManifest(digest.replace(":", "-")));
  return Promise.all(
    manifests.map(async (entry) => {
      const manifest = json(Manifest, await store.readManifest(entry.digest));
      const bundle = json(Bundle, await store.readBlob(manifest.layers[0]?.digest ?? ""));
      assert.equal(bundle.dsseEnvelope.payloadType, "application/vnd.in-toto+json");
      return { ...manifest, payload: Buffer.from(bundle.dsseEnvelope.payload, "base64") };
    }),
  );
}

/** A policy that accepts the builder for the namespace, with what it says of the image's build. */
function policy({ world, namespace }: Place, build: readonly string[] = [], registry = world.registry): string {
  const workflow = BUILDER.replace(/v1$/, "v*");
  const text = readFileSync(stage.policy(world, namespace, { registries: [registry], workflow }), "utf8");
  const builds = build.length === 0 ? "" : `builds:\n  - ${build.join("\n    ")}\n`;
  return stage.write("policy.yml", `${text}${builds}`);
}

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

test("no tag moves where the signature fails, and the error names the service", async (t) => {
  const at = await place(t);
  if (!at) return;
  const made = await build(at, "unsigned", { inputs: { "fulcio-url": `${stage.sigstore.url}/nowhere` } });
  assert.equal(made.exit, 1, made.log);
  assert.match(made.errors.join(), /\/nowhere for a certificate/);
  assert.equal(await made.store.readManifest(TAG), undefined);
  assert.deepEqual([made.outputs, made.posted], [{}, []]);
});

test("no tag moves where the bundles can't be attached", async (t) => {
  const at = await place(t);
  if (!at) return;
  const registry = await startOciRegistry({ auth: { kind: "basic", username: "ann", password: "word" } });
  t.after(() => registry.close());
  const auths = { [registry.host]: { auth: Buffer.from("ann:word").toString("base64") } };
  const config = stage.write("config.json", JSON.stringify({ auths }));
  // Three manifests of the image come first: the platform's, the attestation's, the index.
  registry.fail(/^PUT .*\/manifests\/sha256/, { status: 403 });
  const made = await build(at, "unattached", { registry: registry.host, job: { env: { DOCKER_CONFIG: config } } });
  assert.equal(made.exit, 1, made.log);
  assert.equal(registry.readTag(`${at.namespace}/unattached`, TAG), undefined);
});

test("a job without permission to identify itself builds nothing, and is told which permission it lacks", async (t) => {
  const at = await place(t);
  if (!at) return;
  const made = await build(at, "anonymous", { job: { mayIdentify: false } });
  assert.equal(made.exit, 1);
  assert.match(made.errors.join(), /id-token: write/);
  assert.doesNotMatch(made.log, /buildx build/);
});

test("inputs that can't be used end the step with all their faults, and nothing is built", async (t) => {
  const at = await place(t);
  if (!at) return;
  const made = await build(at, "malformed", { inputs: { tags: "a/b", dockerfile: "/etc/passwd" } });
  assert.equal(made.exit, 1);
  assert.equal(made.errors.length, 1);
  assert.match(made.errors[0] ?? "", /^2 inputs can't be used:\ntags: .*\ndockerfile: /);
  assert.doesNotMatch(made.log, /buildx build/);
});

test("a secret reaches the step that mounts it, and neither the log nor the provenance", async (t) => {
  const at = await place(t);
  if (!at) return;
  const value = `hush-${randomBytes(8).toString("hex")}`;
  const other = `other-${randomBytes(8).toString("hex")}`;
  const mounts = "--mount=type=secret,id=npm-token --mount=type=secret,id=other";
  const made = await build(at, "secretive", {
    files: {
      Dockerfile:
        `FROM scratch\nADD rootfs.tar.gz /\nRUN ${mounts} [ ! -e /run/secrets/other ] && cat /run/secrets/npm-token | wc -c > /length\n`.replace(
          "| wc -c > /length",
          `> /tmp/x && [ -s /tmp/x ] && echo > /tmp/x`,
        ),
      "rootfs.tar.gz": at.rootfs,
    },
    inputs: { secrets: "npm-token", "secret-values": `npm-token=${value}\nother=${other}` },
  });
  assert.equal(made.exit, 0, made.log);
  assert.deepEqual([made.masked.includes(value), made.masked.includes(other)], [true, true]);
  const shown = made.log.replaceAll(/^::add-mask::.*$/gm, "");
  const { platforms } = await pushed(made);
  const said = platforms.map(({ provenance }) => Buffer.from(provenance).toString()).join();
  assert.match(said, /"npm-token"/);
  for (const secret of [value, other, "ghs_token"]) {
    for (const where of [shown, said, made.summary]) assert.ok(!where.includes(secret));
  }
});

test("a git tag that moved since the builder saw it still builds", async (t) => {
  const at = await place(t);
  if (!at) return;
  // A commit that BuildKit has from another repository it would not fetch again.
  const first = await build(at, "moving", { files: { ...FILES, file: at.namespace } });
  assert.equal(first.exit, 0, first.log);
  const second = await build(at, "moving", { files: { ...FILES, file: "other content\n" } });
  assert.equal(second.exit, 0, second.log);
  assert.match(second.log, /would clobber existing tag/);
  assert.notEqual(second.source.commit, first.source.commit);
  assert.equal((await pushed(second)).index, second.outputs.digest);
});

test("what a build prints is no command to the runner", async (t) => {
  const at = await place(t);
  if (!at) return;
  const command = "::set-output name=digest::sha256:0";
  const made = await build(at, "talkative", {
    files: {
      Dockerfile: `FROM scratch\nADD rootfs.tar.gz /\nRUN echo && echo "${command}" && exit 3\n`,
      "rootfs.tar.gz": at.rootfs,
    },
  });
  assert.equal(made.exit, 1);
  const [, end = ""] = /^::stop-commands::(\S+)$/m.exec(made.log) ?? [];
  const [from, to] = [made.log.indexOf("::stop-commands::"), made.log.indexOf(`\n::${end}::`)];
  const outside = made.log.slice(0, from) + made.log.slice(to);
  assert.ok(made.log.slice(from, to).includes(command));
  assert.doesNotMatch(outside, /^\s*::set-output/m);
  assert.match(made.errors.join(), /docker buildx build of \S+ at [0-9a-f]{40} ended with 1/);
});

test("the environment changes nothing in the build that the provenance doesn't say", async (t) => {
  const at = await place(t);
  if (!at) return;
  const policyFile = stage.write(
    "source-policy.json",
    JSON.stringify({ rules: [{ action: "DENY", selector: { identifier: "*" } }] }),
  );
  const made = await build(at, "sheltered", {
    job: {
      env: {
        SOURCE_DATE_EPOCH: "0",
        EXPERIMENTAL_BUILDKIT_SOURCE_POLICY: policyFile,
        BUILDX_NO_DEFAULT_ATTESTATIONS: "1",
      },
    },
  });
  assert.equal(made.exit, 0, made.log);
  const [platform] = (await pushed(made)).platforms;
  assert.doesNotMatch(Buffer.from(platform?.provenance ?? []).toString(), /SOURCE_DATE_EPOCH/);
});

for (const status of [403, 404, 422]) {
  test(`a server that doesn't take attestations (${status}) is a warning in log and summary, and the tag moves`, async (t) => {
    const at = await place(t);
    if (!at) return;
    const made = await build(at, `unstored-${status}`, { job: { attestationStatus: status } });
    assert.equal(made.exit, 0, made.log);
    assert.match(made.warnings.join(), new RegExp(`status ${status}: `));
    assert.match(made.summary, new RegExp(`warning: .*status ${status}`));
    assert.ok(await made.store.readManifest(TAG));
  });
}

test("a token of another commit than the runner's is refused before anything is built", async (t) => {
  const at = await place(t);
  if (!at) return;
  const tokenClaims = githubClaims({ repository: `${at.namespace}/other-commit`, sha: "c".repeat(40) });
  const made = await build(at, "other-commit", { job: { tokenClaims } });
  assert.equal(made.exit, 1);
  assert.match(made.errors.join(), /identity token's commit is c+/);
  assert.doesNotMatch(made.log, /buildx build/);
});
