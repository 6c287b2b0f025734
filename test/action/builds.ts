import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { z } from "zod";
import { type Digest, digestOf, parseDigest } from "../../src/image/digest.ts";
import { once, type Scene, scene } from "../verify/scene.ts";
import { rootfs } from "../world/build.ts";
import { repositoryIdOf } from "../world/chain.ts";
import type { Files, GitSource } from "../world/git-server.ts";
import { type Claims, type GithubRun, githubClaims } from "../world/github-claims.ts";
import { type TestRepository, testRepository } from "../world/registry.ts";
import type { Toolchain } from "../world/toolchain.ts";
import { type Ended, type Job, runJob } from "./job.ts";

/** The reusable workflow, as the certificate names it below the server. */
export const BUILDER = "trusted-builds/trusted-builds/.github/workflows/build.yml@refs/tags/v1";
/** The git tag and the image's. */
export const TAG = "v1.0.0";

/** Where the images of one test file are. */
export interface Place {
  readonly world: Toolchain;
  /** Below the registry, and the owner of the repositories. */
  readonly namespace: string;
  readonly rootfs: Uint8Array;
}

/** From scratch, and different for each platform. */
export const FILES: Files = {
  Dockerfile: "FROM scratch\nARG TARGETARCH\nARG VERSION=none\nCOPY file /$VERSION-$TARGETARCH\n",
  file: "content\n",
};

/** How a build differs from the plain one. */
export interface Asked {
  readonly files?: Files;
  readonly inputs?: Readonly<Record<string, string>>;
  readonly run?: GithubRun;
  readonly registry?: string;
  readonly job?: Partial<Job>;
}

/** A build that ended, and where its image would be. */
export interface Built extends Ended {
  /** registry/repository */
  readonly image: string;
  readonly claims: Claims;
  readonly source: GitSource;
  readonly store: TestRepository;
}

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

/** A platform's manifest, and BuildKit's statement beside it. */
export interface PushedPlatform {
  readonly digest: Digest;
  readonly provenance: Uint8Array;
}

/** The index under the tag, and each platform with what BuildKit put beside it. */
export async function pushed({ store }: Built): Promise<{ index: Digest; platforms: readonly PushedPlatform[] }> {
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
export async function attached({ store }: Built, digest: string) {
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

/** What the tests of one file share: the scene, and builds in it. */
export interface Builds {
  readonly stage: Scene;
  readonly place: ReturnType<typeof once<Omit<Place, "world">>>;
  /** Commits and tags the files, and runs the action in a job at that tag, as the reusable workflow does. */
  build(place: Place, name: string, asked?: Asked): Promise<Built>;
  /** The path of a policy that accepts the builder for the namespace, with what it says of the image's build. */
  policy(place: Place, build?: readonly string[], registry?: string): string;
}

/** Starts the servers for the tests of a file; they are gone after them. */
export async function builds(): Promise<Builds> {
  const stage = await scene();
  return {
    stage,
    place: once(async (world) => {
      return { namespace: `acme-${randomBytes(4).toString("hex")}`, rootfs: await rootfs(world) };
    }),
    build: (place, name, asked) => build(stage, place, name, asked),
    policy: (place, build, registry) => policy(stage, place, build, registry),
  };
}

async function build(stage: Scene, { world, namespace }: Place, name: string, asked: Asked = {}): Promise<Built> {
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

function policy(
  stage: Scene,
  { world, namespace }: Place,
  build: readonly string[] = [],
  registry = world.registry,
): string {
  const workflow = BUILDER.replace(/v1$/, "v*");
  const text = readFileSync(stage.policy(world, namespace, { registries: [registry], workflow }), "utf8");
  const builds = build.length === 0 ? "" : `builds:\n  - ${build.join("\n    ")}\n`;
  return stage.write("policy.yml", `${text}${builds}`);
}
