import { randomBytes } from "node:crypto";
import type { SerializedBundle } from "@sigstore/bundle";
import { z } from "zod";
import { type Digest, hexOf, parseDigest } from "../../src/image/digest.ts";
import { type PinnedImage, parseReference } from "../../src/image/reference.ts";
import { type BuildOptions, build, HOST_PLATFORM, rootfs } from "./build.ts";
import type { Files, GitServer, GitSource } from "./git-server.ts";
import { type Claims, type GithubRun, githubClaims } from "./github-claims.ts";
import { type Attachment, type TestRepository, testRepository } from "./registry.ts";
import type { SignOptions, Sigstore } from "./sigstore.ts";
import type { Toolchain } from "./toolchain.ts";

const COSIGN_SIGN = "https://sigstore.dev/cosign/sign/v1";

/** Which statement of a step something is about. */
export type StatementKind = "platform-provenance" | "index-statement";

/** Where a chain is made. */
export interface ChainWorld {
  readonly toolchain: Toolchain;
  /** Its server URL should be the git server's, as with GitHub. */
  readonly sigstore: Sigstore;
  readonly git: GitServer;
  /** Default: the registry without password. */
  readonly registry?: string;
  /** Who attaches: the product's client, say. Default: as cosign does it. */
  readonly client?: { attachReferrer(subject: PinnedImage, artifact: Attachment): Promise<Digest> };
  /**
   * The images' path below the registry and the owner of the repositories, as on ghcr.io. Default: one that no other test has, since
   * all share the registry.
   */
  readonly namespace?: string;
}

/** One repository, its build, and what is signed about it. */
export interface Step {
  /** The repository is `NAMESPACE/NAME`, the image `REGISTRY/NAMESPACE/NAME`. */
  readonly name: string;
  readonly files: Files;
  /** The git tag is `vVERSION`, the image's tag VERSION. Default 1.0.0. */
  readonly version?: string;
  readonly build?: Partial<Omit<BuildOptions, "toolchain">>;
  /** What the signer's token says otherwise than the truth. */
  readonly run?: GithubRun;
  readonly sign?: SignOptions;
  /** Who signs. Default: the world's. */
  readonly sigstore?: Sigstore;
  /** Default: both. */
  readonly attach?: { readonly platformProvenance?: boolean; readonly indexStatement?: boolean };
  /** Changes a statement before it is signed; `subject` stays what it is attached to. */
  readonly statement?: (payload: Uint8Array, kind: StatementKind, subject: Digest) => Uint8Array;
  /** Between the push and the signatures. */
  readonly pushed?: (image: PushedImage, repository: TestRepository) => Promise<void>;
}

/** A platform's manifest and the provenance that BuildKit put beside it, unsigned. */
export interface PushedPlatform {
  readonly platform: string;
  readonly manifest: Digest;
  readonly attestationManifest?: Digest;
  /** The in-toto statement as BuildKit wrote it. */
  readonly provenance?: Uint8Array;
}

/** What the registry holds after the push. */
export interface PushedImage {
  /** With tag. */
  readonly image: string;
  /** With digest, without tag. */
  readonly reference: string;
  readonly index: Digest;
  readonly platforms: readonly PushedPlatform[];
}

/** A bundle that hangs on `subject`. */
export interface Attached {
  readonly kind: StatementKind;
  readonly subject: Digest;
  readonly bundle: SerializedBundle;
  /** The digest of the manifest that carries it. */
  readonly referrer: Digest;
}

/** A step that was taken. */
export interface Published extends PushedImage {
  readonly name: string;
  /** `owner/name` on the git server. */
  readonly repository: string;
  readonly source: GitSource;
  /** The run that built it, as `builder.id` has it. */
  readonly runUrl: string;
  readonly claims: Claims;
  readonly attached: readonly Attached[];
}

/** base → runtime → app. */
export interface Chain {
  readonly namespace: string;
  readonly base: Published;
  readonly runtime: Published;
  readonly app: Published;
}

/** How a chain differs from the good one. */
export interface ChainOptions extends ChainWorld {
  /** For every step. Where there is another than the host's, nothing is RUN. */
  readonly platforms?: readonly string[];
  /** A step with something spoilt; `files` replace the default ones of the same path. */
  readonly spoil?: Readonly<Partial<Record<"base" | "runtime" | "app", Partial<Omit<Step, "name">>>>>;
}

/**
 * Three repositories with a tag each; three images, each built from git at the tag's commit by the real BuildKit, and signed as a
 * workflow of its repository would. The app has a stage of its own and copies from it and from base.
 */
export async function chain(options: ChainOptions): Promise<Chain> {
  const { namespace = `acme-${randomBytes(4).toString("hex")}`, platforms = [HOST_PLATFORM], spoil = {} } = options;
  const world = { ...options, namespace };
  const at = `${options.registry ?? options.toolchain.registry}/${namespace}`;
  const runs = platforms.every((platform) => platform === HOST_PLATFORM);
  const step = (name: "base" | "runtime" | "app", files: Files) => {
    const { files: other = {}, build: built = {}, ...rest } = spoil[name] ?? {};
    return publish(world, { name, files: { ...files, ...other }, build: { platforms, ...built }, ...rest });
  };
  const base = await step("base", {
    // The platforms have to differ, and so have chains that are built at the same time: BuildKit's layer map leaves out steps that are
    // the same for two platforms, or for two builds that one daemon runs at once (see README.md).
    Dockerfile: 'FROM scratch\nADD rootfs.tar.gz /\nARG TARGETARCH\nCOPY arch/$TARGETARCH /etc/arch\nCMD ["/bin/sh"]\n',
    "rootfs.tar.gz": await rootfs(options.toolchain),
    ...Object.fromEntries(platforms.map((platform) => [`arch/${platform.split("/")[1]}`, `${platform} ${namespace}`])),
  });
  const runtime = await step("runtime", {
    Dockerfile: `FROM ${at}/base:1.0.0\n${runs ? "RUN echo runtime > /runtime" : "COPY runtime /runtime"}\n`,
    runtime: "runtime\n",
  });
  const app = await step("app", {
    Dockerfile: [
      `FROM ${at}/runtime:1.0.0 AS build`,
      "COPY app.sh /out/app",
      ...(runs ? ["RUN echo built >> /out/app"] : []),
      `FROM ${at}/runtime:1.0.0`,
      "COPY --from=build /out/app /app",
      `COPY --from=${at}/base:1.0.0 /bin/busybox /usr/bin/tool`,
      'CMD ["/app"]',
      "",
    ].join("\n"),
    "app.sh": "#!/bin/sh\necho app\n",
  });
  return { namespace, base, runtime, app };
}

/** Commits, builds, pushes, signs and attaches one image. Repository ids are made from the name, the owner's is always 77. */
export async function publish(world: ChainWorld & { readonly namespace: string }, step: Step): Promise<Published> {
  const { toolchain, git } = world;
  const { name, version = "1.0.0" } = step;
  const repository = `${world.namespace}/${name}`;
  const image = `${world.registry ?? toolchain.registry}/${world.namespace}/${name}:${version}`;
  const source = await git.repository(repository, step.files, { tag: `v${version}` });
  const runId = 1000 + randomBytes(3).readUIntBE(0, 3);
  const runUrl = `${git.url}/${repository}/actions/runs/${runId}/attempts/1`;
  const built = await build({ toolchain, image, source, builderId: runUrl, ...step.build });
  const store = testRepository(toolchain, image);
  const pushed = { image, ...built, platforms: await readPlatforms(store, built.index) };
  await step.pushed?.(pushed, store);
  const claims = githubClaims({
    repository,
    ref: `refs/tags/v${version}`,
    sha: source.commit,
    runId,
    repositoryId: repositoryIdOf(name),
    ...step.run,
  });
  const { client } = world;
  const attach = async (subject: Digest, attachment: Attachment) => {
    if (client === undefined) return store.attach(subject, attachment);
    const { registry, repository: path } = parseReference(image);
    return client.attachReferrer({ registry, repository: path, digest: subject }, attachment);
  };
  const attached: Attached[] = [];
  for (const { kind, subject, payload } of statementsOf(pushed, step)) {
    const bundle = await (step.sigstore ?? world.sigstore).sign(payload, claims, step.sign);
    attached.push({ kind, subject, bundle, referrer: await attach(subject, bundleAttachment(bundle, payload)) });
  }
  return { ...pushed, name, repository, source, runUrl, claims, attached };
}

/** The numeric id that the stand-in gives to a repository of that name: stable, and another for another name. */
export function repositoryIdOf(name: string): number {
  return 4200 + [...name].reduce((sum, character) => sum * 7 + character.charCodeAt(0), 0);
}

/** A bundle as cosign attaches it, with the annotations that say what is in it. */
export function bundleAttachment(bundle: SerializedBundle, payload: Uint8Array): Attachment {
  return {
    artifactType: bundle.mediaType,
    mediaType: bundle.mediaType,
    bytes: Buffer.from(JSON.stringify(bundle)),
    annotations: {
      "dev.sigstore.bundle.content": "dsse-envelope",
      "dev.sigstore.bundle.predicateType": predicateTypeOf(payload),
      "org.opencontainers.image.created": "2026-01-02T03:04:05Z",
    },
  };
}

function predicateTypeOf(payload: Uint8Array): string {
  try {
    const { predicateType } = JSON.parse(Buffer.from(payload).toString());
    return typeof predicateType === "string" ? predicateType : "";
  } catch {
    return ""; // a spoilt statement
  }
}

function statementsOf(pushed: PushedImage, step: Step) {
  const { platformProvenance = true, indexStatement = true } = step.attach ?? {};
  const change = step.statement ?? ((payload: Uint8Array) => payload);
  const statements: { kind: StatementKind; subject: Digest; payload: Uint8Array }[] = [];
  for (const { manifest, provenance } of platformProvenance ? pushed.platforms : []) {
    if (provenance !== undefined)
      statements.push({ kind: "platform-provenance", subject: manifest, payload: provenance });
  }
  if (indexStatement) {
    const payload = Buffer.from(JSON.stringify(signStatement(pushed.index)));
    statements.push({ kind: "index-statement", subject: pushed.index, payload });
  }
  return statements.map(({ kind, subject, payload }) => ({ kind, subject, payload: change(payload, kind, subject) }));
}

/** What `cosign sign` says about a digest: that it was signed, and no more (there is no predicate). */
export function signStatement(subject: Digest) {
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ digest: { sha256: hexOf(subject) } }],
    predicateType: COSIGN_SIGN,
  };
}

const Index = z.object({
  manifests: z.array(
    z.object({
      digest: z.string(),
      platform: z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() }),
      annotations: z.record(z.string(), z.string()).optional(),
    }),
  ),
});
const AttestationManifest = z.object({ layers: z.array(z.object({ digest: z.string() })).min(1) });

/** The platforms of an index; a bare manifest has none. */
async function readPlatforms(store: TestRepository, digest: Digest): Promise<PushedPlatform[]> {
  const read = async (reference: string): Promise<unknown> => {
    const bytes = await store.readManifest(reference);
    if (bytes === undefined) throw new Error(`what was just pushed is not there: ${reference}`);
    return JSON.parse(Buffer.from(bytes).toString());
  };
  const index = Index.safeParse(await read(digest));
  if (!index.success) return [];
  const { manifests } = index.data;
  const isAttestation = (entry: (typeof manifests)[number]) =>
    entry.annotations?.["vnd.docker.reference.type"] === "attestation-manifest";
  return Promise.all(
    manifests
      .filter((entry) => !isAttestation(entry))
      .map(async ({ digest: text, platform: { os, architecture, variant } }) => {
        const manifest = parseDigest(text);
        const platform = [os, architecture, ...(variant === undefined ? [] : [variant])].join("/");
        const beside = manifests.find(
          (entry) => isAttestation(entry) && entry.annotations?.["vnd.docker.reference.digest"] === manifest,
        );
        if (beside === undefined) return { platform, manifest };
        const { layers } = AttestationManifest.parse(await read(beside.digest));
        const provenance = await store.readBlob(layers[0]?.digest ?? "");
        return { platform, manifest, attestationManifest: parseDigest(beside.digest), provenance };
      }),
  );
}
