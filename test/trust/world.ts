import type { MalformedAttestation, UnsignedStatement } from "../../src/attestation/artifact.ts";
import type { UnverifiedBundle } from "../../src/attestation/bundle.ts";
import type { CertificateIdentity, FulcioExtensions, SignerIdentity } from "../../src/attestation/identity.ts";
import { formatDockerPurl } from "../../src/attestation/purl.ts";
import type { Statement } from "../../src/attestation/statement.ts";
import { parseStatement } from "../../src/attestation/statement.ts";
import { type Digest, digestOf, hexOf } from "../../src/image/digest.ts";
import {
  DOCKER_IMAGE_CONFIG,
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  OCI_EMPTY,
  OCI_IMAGE_CONFIG,
  OCI_IMAGE_INDEX,
  OCI_IMAGE_MANIFEST,
} from "../../src/image/media-type.ts";
import { formatPlatform, type Platform, parsePlatform } from "../../src/image/platform.ts";
import {
  formatReference,
  type ImageReference,
  imageName,
  type PinnedImage,
  parseReference,
  pin,
} from "../../src/image/reference.ts";
import { type WalkPorts, walkAncestry } from "../../src/trust/ancestry.ts";
import type { OwnBuild } from "../../src/trust/own-build.ts";
import { type Policy, parsePolicy } from "../../src/trust/policy.ts";
import {
  type AttestationCandidate,
  type BeyondLimit,
  CouldNotLook,
  type CouldNotLookCode,
  type KnownImage,
  type RejectedBundle,
  type UnpackedLayer,
  type VerifiedStatement,
} from "../../src/trust/ports.ts";
import { judge, type Verdict } from "../../src/trust/verdict.ts";

/** A value as JSON has it; tests reach into it with {@link put}. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export const SIGN = "https://sigstore.dev/cosign/sign/v1";
export const SLSA1 = "https://slsa.dev/provenance/v1";
export const SLSA02 = "https://slsa.dev/provenance/v0.2";
export const IN_TOTO = "application/vnd.in-toto+json";
export const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";
const DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip";
export const AS_OF = new Date("2026-11-21T12:00:00Z");
const GITHUB = "https://github.com";
const BUILDER = `${GITHUB}/acme/builder/.github/workflows/build.yml@refs/tags/v1`;

/** The policy of these tests: images of ghcr.io/acme, from the repository of the same name, by one workflow that builds. */
export function policyOf(
  extra: { readonly trust?: string; readonly builds?: boolean; readonly more?: string } = {},
): Policy {
  const text = `version: 1
trust:
  builders:
    - images: ["ghcr.io/acme/{repo}"]
      github: { repository: "acme/{repo}", owner-id: 1234, workflow: "acme/builder/.github/workflows/build.yml@refs/tags/v*" }
      level: 3
      builds: ${extra.builds ?? true}
${extra.more ?? ""}
${extra.trust ?? ""}
`;
  return parsePolicy(new TextEncoder().encode(text), "policy.yml");
}

/** The bytes of a document. */
export function bytesOf(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
}

/** Sets what stands at a path, `buildDefinition.resolvedDependencies.0.uri`; undefined takes it away. */
export function put(document: Json, path: string, value: Json | undefined): void {
  const keys = path.split(/(?<!\\)\./).map((key) => key.replaceAll("\\.", "."));
  const last = keys.pop() ?? "";
  let at = document as Record<string, Json>;
  for (const key of keys) at = at[key] as Record<string, Json>;
  if (value === undefined) delete at[last];
  else at[last] = value;
}

/** A layer: the digest of what is stored, and that of what is in it. */
export interface Layer {
  readonly digest: Digest;
  readonly diffId: Digest;
  /** {@link LAYER} if absent. */
  readonly mediaType?: string;
  readonly urls?: readonly string[];
}

/** Layers of the same name are the same; recompressed ones have the same content only. */
export function layerOf(name: string, compression = "gzip"): Layer {
  return { digest: digestOf(bytesOf(`${compression} ${name}`)), diffId: digestOf(bytesOf(name)) };
}

/** One platform's image, as its builder left it. */
export interface Built {
  /** What children are built from: the index where there is one. */
  readonly image: PinnedImage;
  readonly manifest: PinnedImage;
  readonly index: PinnedImage | undefined;
  readonly attestationManifest: PinnedImage | undefined;
  readonly layers: readonly Layer[];
  readonly platform: Platform;
  readonly repo: string;
  readonly provenance: Json;
}

/** What a build is asked for. */
export interface BuildOptions {
  readonly base?: Built;
  /** `COPY --from`. */
  readonly inputs?: readonly Built[];
  /** `# syntax=`. */
  readonly frontend?: Built;
  /** Named in the request by digest. */
  readonly pinned?: boolean;
  readonly layers?: readonly (string | Layer)[];
  readonly platform?: string;
  readonly version?: "v1" | "v0.2";
  readonly mode?: "max" | "min";
  /** Built from a directory of the client instead of git. */
  readonly local?: boolean;
  /** What of the four is signed; provenance is inside the index in any case but the last two. */
  readonly signed?: "provenance" | "index" | "attestation-manifest" | "nothing" | "provenance-without-index";
  /** How the attestation manifest looks: before BuildKit 0.32, and since. */
  readonly form?: "config" | "artifact";
  readonly by?: SignerIdentity;
  readonly builderId?: string;
  readonly config?: Json;
  /** Changes the predicate before anything is signed. */
  readonly edit?: (predicate: Json) => void;
  /** Layers that the build doesn't know of. */
  readonly hidden?: readonly string[];
  /** Goes into the config, so that images of the same layers differ. */
  readonly label?: string;
}

/** The certificate of a build of a repository of acme. */
export function signerOf(repo: string, changes: Partial<FulcioExtensions> = {}): CertificateIdentity {
  const signer = changes.buildSignerUri ?? BUILDER;
  return {
    kind: "certificate",
    issuer: "https://token.actions.githubusercontent.com",
    subjectAlternativeName: signer,
    extensions: {
      buildSignerUri: signer,
      buildSignerDigest: "b".repeat(40),
      runnerEnvironment: "github-hosted",
      sourceRepositoryUri: `${GITHUB}/acme/${repo}`,
      sourceRepositoryDigest: commitOf(repo),
      sourceRepositoryRef: "refs/tags/v1.0.0",
      sourceRepositoryIdentifier: "99",
      sourceRepositoryOwnerUri: `${GITHUB}/acme`,
      sourceRepositoryOwnerIdentifier: "1234",
      buildConfigUri: `${GITHUB}/acme/${repo}/.github/workflows/release.yml@refs/tags/v1.0.0`,
      buildTrigger: "push",
      runInvocationUri: `${runOf(repo)}/attempts/1`,
      sourceRepositoryVisibility: "public",
      ...changes,
    },
  };
}

/** The commit that images of a repository are built from. */
export function commitOf(repo: string): string {
  return hexOf(digestOf(bytesOf(repo))).slice(0, 40);
}

/** The URL of the run that builds a repository. */
export function runOf(repo: string): string {
  return `${GITHUB}/acme/${repo}/actions/runs/${[...repo].reduce((sum, each) => sum * 31 + (each.codePointAt(0) ?? 0), 7) % 1e9}`;
}

type Stored = { readonly bytes: Uint8Array; readonly contentType: string } | CouldNotLook | BeyondLimit;

/** An index entry as tests write it. */
export interface Entry {
  readonly image: PinnedImage;
  readonly platform?: Json;
  readonly annotations?: Record<string, string>;
  readonly size?: number;
  readonly mediaType?: string;
}

/**
 * Registries and signatures as values: what is stored has its true digest, and bundles are opaque ids that the verifier knows.
 * `arrange` puts every list that has no order of its own into another one.
 */
export class World {
  readonly manifests = new Map<string, Stored>();
  readonly blobs = new Map<string, Stored>();
  readonly candidates = new Map<string, AttestationCandidate[]>();
  readonly failures = new Map<string, CouldNotLook>();
  readonly omitted = new Map<string, number>();
  readonly verified = new Map<Digest, VerifiedStatement | RejectedBundle>();
  /** Whether images are written in Docker's media types from now on. */
  isDocker = false;
  /** The proven time of what is signed from now on. */
  signedAt = new Date("2026-11-20T00:00:00Z");
  /** What looking into a layer finds, by the digest of what is stored; undefined: nobody looks into layers in this world. */
  layers: Map<Digest, UnpackedLayer | CouldNotLook | BeyondLimit> | undefined;
  /** What somebody remembers who is asked; undefined: nobody is. */
  known: KnownImage[] | undefined;
  /** Every manifest that was asked for. */
  readonly reads: string[] = [];
  /** Every layer that was looked into, and how many bytes of content were allowed. */
  readonly unpacked: { readonly digest: Digest; readonly limit: number }[] = [];
  arrange: <T>(list: readonly T[]) => readonly T[] = (list) => list;

  /** Stores a manifest or index. */
  manifest(repo: string, document: Json | Uint8Array, contentType?: string): PinnedImage {
    const bytes = document instanceof Uint8Array ? document : bytesOf(document);
    const type = contentType ?? (document as { mediaType?: string }).mediaType ?? "";
    const image = pin(parseReference(`ghcr.io/acme/${repo}`), digestOf(bytes));
    this.manifests.set(keyOf(image), { bytes, contentType: type });
    return image;
  }

  /** Stores a blob. */
  blob(content: Json | Uint8Array): Digest {
    const bytes = content instanceof Uint8Array ? content : bytesOf(content);
    const digest = digestOf(bytes);
    this.blobs.set(digest, { bytes, contentType: "" });
    return digest;
  }

  /** The bytes of a manifest. */
  bytes(image: PinnedImage): Uint8Array {
    const stored = this.manifests.get(keyOf(image));
    if (stored === undefined || stored instanceof Error) throw new Error(`${formatReference(image)} isn't there`);
    return stored.bytes;
  }

  /** A manifest as a document, to be changed and stored again. */
  document(image: PinnedImage): Json {
    return JSON.parse(Buffer.from(this.bytes(image)).toString()) as Json;
  }

  /** An index of these entries. */
  index(repo: string, entries: readonly Entry[], changes: Record<string, Json> = {}): PinnedImage {
    const manifests = entries.map(({ image, platform, annotations, size, mediaType }): Json => {
      const bytes = this.bytes(image);
      const own = (JSON.parse(Buffer.from(bytes).toString()) as { mediaType?: string }).mediaType;
      return {
        mediaType: mediaType ?? own ?? OCI_IMAGE_MANIFEST,
        digest: image.digest,
        size: size ?? bytes.length,
        ...(annotations && { annotations }),
        ...(platform && { platform }),
      };
    });
    return this.manifest(repo, {
      schemaVersion: 2,
      mediaType: this.isDocker ? DOCKER_MANIFEST_LIST : OCI_IMAGE_INDEX,
      manifests,
      ...changes,
    });
  }

  /** Config and manifest of one platform. */
  platformImage(repo: string, layers: readonly Layer[], platform: Platform, config: Json = {}): PinnedImage {
    const document = {
      architecture: platform.architecture,
      os: platform.os,
      ...(platform.variant && { variant: platform.variant }),
      ...(platform.osVersion && { "os.version": platform.osVersion }),
      config: { Labels: { "org.example.repo": repo } },
      rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
      history: layers.map(() => ({ created_by: "COPY . / # buildkit" })),
      ...(config as Record<string, Json>),
    };
    const digest = this.blob(document);
    return this.manifest(repo, {
      schemaVersion: 2,
      mediaType: this.isDocker ? DOCKER_MANIFEST : OCI_IMAGE_MANIFEST,
      config: {
        mediaType: this.isDocker ? DOCKER_IMAGE_CONFIG : OCI_IMAGE_CONFIG,
        digest,
        size: bytesOf(document).length,
      },
      layers: layers.map((layer) => ({
        mediaType: layer.mediaType ?? (this.isDocker ? DOCKER_LAYER : LAYER),
        digest: layer.digest,
        size: 100,
        ...(layer.urls && { urls: [...layer.urls] }),
      })),
    });
  }

  /** An attestation manifest as BuildKit writes it, of unsigned statements. */
  attestationManifest(
    repo: string,
    about: PinnedImage,
    statements: readonly Json[],
    form: "config" | "artifact" = "config",
  ): PinnedImage {
    const layers = statements.map((statement): Json => {
      const predicateType = (statement as { predicateType: string }).predicateType;
      const digest = this.blob(statement);
      const annotations = { "in-toto.io/predicate-type": predicateType };
      return { mediaType: IN_TOTO, digest, size: bytesOf(statement).length, annotations };
    });
    const diffIds = layers.map((layer) => (layer as { digest: string }).digest);
    const config =
      form === "artifact"
        ? {}
        : { architecture: "unknown", os: "unknown", config: {}, rootfs: { type: "layers", diff_ids: diffIds } };
    const subject = { mediaType: OCI_IMAGE_MANIFEST, digest: about.digest, size: this.bytes(about).length };
    return this.manifest(repo, {
      schemaVersion: 2,
      mediaType: OCI_IMAGE_MANIFEST,
      ...(form === "artifact" && { artifactType: "application/vnd.docker.attestation.manifest.v1+json", subject }),
      config: {
        mediaType: form === "artifact" ? OCI_EMPTY : OCI_IMAGE_CONFIG,
        digest: this.blob(config),
        size: bytesOf(config).length,
      },
      layers,
    });
  }

  /** Posts a signed statement where it refers to an image. */
  sign(
    on: PinnedImage,
    statement: Json,
    by: SignerIdentity,
    times: readonly Date[] = [this.signedAt],
  ): VerifiedStatement {
    const id = JSON.stringify([statement, by, times]);
    const bundle = digestOf(bytesOf(id));
    const parsed: Statement = parseStatement(bytesOf(statement));
    const verified: VerifiedStatement = {
      kind: "verified",
      statement: parsed,
      identity: by,
      times,
      bundle,
      trustedRoot: "test",
    };
    this.verified.set(bundle, verified);
    this.post(on, { kind: "bundle", digest: bundle, json: id });
    return verified;
  }

  /** Posts anything where it refers to an image. */
  post(on: PinnedImage, ...items: readonly (UnverifiedBundle | UnsignedStatement | MalformedAttestation)[]): void {
    const list = this.candidates.get(keyOf(on)) ?? [];
    list.push({ where: `referrer ${list.length}`, read: async () => items });
    this.candidates.set(keyOf(on), list);
  }

  /** Posts a candidate that can't be read. */
  postUnreadable(on: PinnedImage, error: Error): void {
    const list = this.candidates.get(keyOf(on)) ?? [];
    list.push({ where: `referrer ${list.length}`, read: () => Promise.reject(error) });
    this.candidates.set(keyOf(on), list);
  }

  /** From now on a manifest answers with a failure. */
  hide(image: PinnedImage, code: CouldNotLookCode = "network"): void {
    this.manifests.set(keyOf(image), new CouldNotLook(code, `read ${formatReference(image)}: ${code}`));
  }

  /** What was signed about an image is gone. */
  forget(image: PinnedImage): void {
    this.candidates.delete(keyOf(image));
  }

  /** A build by BuildKit in the workflow that policy names, signed and pushed. */
  build(repo: string, options: BuildOptions = {}): Built {
    const platform = parsePlatform(options.platform ?? "linux/amd64");
    const own = (options.layers ?? [`${repo}-layer`]).map((name) => (typeof name === "string" ? layerOf(name) : name));
    const known = [...(options.base?.layers ?? []), ...own];
    const layers = [...known, ...(options.hidden ?? []).map((name) => layerOf(name))];
    const label = { config: { Labels: { "org.example.repo": repo, "org.example.label": options.label ?? "" } } };
    const manifest = this.platformImage(repo, layers, platform, {
      ...label,
      ...((options.config ?? {}) as object),
    } as Json);
    const provenance = predicateOf(repo, platform, known, own.length, options);
    options.edit?.(provenance);
    const signed = options.signed ?? "provenance";
    const by = options.by ?? signerOf(repo);
    const statement = statementOf([manifest], options.version === "v0.2" ? SLSA02 : SLSA1, provenance);
    const withIndex = signed !== "provenance-without-index";
    const attestationManifest = withIndex
      ? this.attestationManifest(repo, manifest, [statement], options.form)
      : undefined;
    const index =
      attestationManifest &&
      this.index(repo, [{ image: manifest, platform: written(platform) }, entryOf(attestationManifest, manifest)]);
    if (signed === "provenance" || signed === "provenance-without-index") this.sign(manifest, statement, by);
    if (signed === "index" && index) this.sign(index, statementOf([index], SIGN), by);
    if (signed === "attestation-manifest" && attestationManifest)
      this.sign(attestationManifest, statementOf([attestationManifest], SIGN), by);
    return { image: index ?? manifest, manifest, index, attestationManifest, layers, platform, repo, provenance };
  }

  /** From now on layers are looked into, and these hold what their configs say. */
  holds(layers: readonly Layer[], size = 100): void {
    this.layers ??= new Map();
    for (const { digest, diffId } of layers) this.layers.set(digest, { kind: "unpacked", contentDigest: diffId, size });
  }

  /** The ports of a walk. */
  ports(): WalkPorts {
    const read = <T>(stored: T | Error | undefined): Exclude<T, Error> | undefined => {
      if (stored instanceof Error) throw stored;
      return stored as Exclude<T, Error> | undefined;
    };
    const { layers, known } = this;
    return {
      ...(known && {
        known: {
          description: "what a test remembers",
          findByChain: async (_, chainIds) => known.filter(({ chainId }) => chainIds.includes(chainId)),
        },
      }),
      ...(layers && {
        layers: {
          unpackLayer: async (_, { digest }, __, limit) => {
            this.unpacked.push({ digest, limit });
            return read(layers.get(digest));
          },
        },
      }),
      images: {
        readManifest: async (image) => {
          this.reads.push(keyOf(image));
          return read(this.manifests.get(keyOf(image)));
        },
        readBlob: async (_, digest) => read(this.blobs.get(digest))?.bytes,
      },
      attestations: {
        listAttestations: async (image) => {
          const failure = this.failures.get(keyOf(image));
          const candidates = this.arrange(this.candidates.get(keyOf(image)) ?? []);
          return {
            candidates,
            omitted: this.omitted.get(keyOf(image)) ?? 0,
            failures: failure === undefined ? [] : [failure],
          };
        },
      },
      verifier: {
        verifyBundle: ({ digest }) =>
          this.verified.get(digest) ?? { kind: "rejected", code: "signature", reason: "nobody signed that" },
      },
    };
  }

  /** Walks and judges; `reference` is how the image was asked for, `own` the build that it must be of. */
  async judge(
    image: PinnedImage,
    {
      policy = policyOf(),
      wanted = "every" as Platform | "every",
      asOf = AS_OF,
      reference = image,
      own,
    }: {
      policy?: Policy;
      wanted?: Platform | "every";
      asOf?: Date;
      reference?: ImageReference;
      own?: OwnBuild | undefined;
    } = {},
  ): Promise<Verdict> {
    return judge(await walkAncestry(this.ports(), policy, image, wanted, asOf, own), policy, reference, asOf);
  }
}

/** The sorted codes of a verdict's faults and of what couldn't be looked at. */
export function codesOf({ faults, unreachable }: Verdict): readonly string[] {
  return [...new Set([...faults, ...unreachable].map(({ code }) => code))].sort();
}

/** Outcome and codes in one text, to compare. */
export function told(verdict: Verdict): string {
  return [verdict.outcome, ...codesOf(verdict)].join(" ");
}

/** What a verdict rests on: every image with its finding and its parents, without the indexes that led there. */
export function graphOf(verdict: Verdict): readonly string[] {
  const name = new Map(verdict.nodes.map(({ id, digest, reference }) => [id, digest ?? reference]));
  return verdict.nodes
    .map(
      ({ id, finding, parents }) =>
        `${name.get(id)} ${finding.kind} ${parents.map(({ to, role }) => `${role} ${name.get(to)}`).sort()}`,
    )
    .sort();
}

/** An in-toto statement about images. */
export function statementOf(subjects: readonly PinnedImage[], predicateType: string, predicate?: Json): Json {
  return {
    _type: "https://in-toto.io/Statement/v0.1",
    predicateType,
    subject: subjects.map((image) => ({
      name: `pkg:docker/${imageName(image)}`,
      digest: { sha256: hexOf(image.digest) },
    })),
    ...(predicate !== undefined && { predicate }),
  };
}

/** The entry of an attestation manifest in an index. */
export function entryOf(attestationManifest: PinnedImage, about: PinnedImage): Entry {
  return {
    image: attestationManifest,
    platform: { architecture: "unknown", os: "unknown" },
    annotations: { "vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": about.digest },
  };
}

/** A platform as descriptors have it. */
export function written({ os, architecture, variant, osVersion }: Platform): Json {
  return { os, architecture, ...(variant && { variant }), ...(osVersion && { "os.version": osVersion }) };
}

function keyOf(image: PinnedImage): string {
  return `${imageName(image)}@${image.digest}`;
}

function predicateOf(
  repo: string,
  platform: Platform,
  layers: readonly Layer[],
  own: number,
  options: BuildOptions,
): Json {
  const { base, inputs = [], frontend, pinned = false, local = false, mode = "max" } = options;
  const git = { uri: `${GITHUB}/acme/${repo}.git#refs/tags/v1.0.0`, digest: { sha1: commitOf(repo) } };
  const dependency = (built: Built, withPlatform: boolean): Json => {
    const { image } = built;
    const tagged = { registry: image.registry, repository: image.repository, tag: "1.0.0" };
    const reference = pinned ? { ...tagged, digest: image.digest } : tagged;
    return {
      uri: formatDockerPurl(reference, withPlatform ? built.platform : undefined),
      digest: { sha256: hexOf(image.digest) },
    };
  };
  const used = [...new Map([...(base ? [base] : []), ...inputs].map((built) => [built.image.digest, built])).values()];
  const dependencies: Json[] = [
    ...used.map((built) => dependency(built, true)),
    ...(frontend ? [dependency(frontend, false)] : []),
    ...(local ? [] : [git as Json]),
  ];

  const steps: Json[] = [];
  const add = (step: Json): string => {
    steps.push({ id: `step${steps.length}`, ...(step as object) } as Json);
    return `step${steps.length - 1}:0`;
  };
  const imageStep = new Map<Digest, string>();
  for (const built of used) {
    const { registry, repository, digest } = built.image;
    const identifier = `docker-image://${registry}/${repository}:1.0.0@${digest}`;
    imageStep.set(digest, add({ op: { Op: { source: { identifier } }, platform: llbPlatform(built.platform) } }));
  }
  const context = local
    ? add({ op: { Op: { source: { identifier: "local://context" } } } })
    : add({
        op: {
          Op: {
            source: {
              identifier: `git://github.com/acme/${repo}.git#refs/tags/v1.0.0`,
              attrs: { "git.fullurl": `${GITHUB}/acme/${repo}.git` },
            },
          },
        },
      });
  let top = base && imageStep.get(base.image.digest);
  const copied = inputs.map((built) => imageStep.get(built.image.digest) ?? "");
  const copies = [...copied, ...Array.from({ length: Math.max(0, own - copied.length) }, () => context)];
  for (const from of copies) {
    const under = top;
    const action = {
      Action: { copy: { src: "/", dest: "/" } },
      input: under === undefined ? -1 : 0,
      secondaryInput: under === undefined ? 0 : 1,
      output: 0,
    };
    top = add({
      inputs: under === undefined ? [from] : [under, from],
      op: { Op: { file: { actions: [action] } }, platform: llbPlatform(platform) },
    });
  }
  const result = top ?? context;
  add({ inputs: [result], op: { Op: {} } });

  const chain = layers.map(({ digest }): Json => ({ mediaType: LAYER, digest, size: 100 }));
  const max = mode === "max";
  const metadata = max ? { layers: { [result]: [chain] } } : {};
  const buildConfig = max ? { buildConfig: { llbDefinition: steps } } : {};
  const configSource = local ? { path: "Dockerfile" } : { ...git, path: "Dockerfile" };
  const args = frontend
    ? {
        source: `${imageName(frontend.image)}:1.0.0${pinned ? `@${frontend.image.digest}` : ""}`,
      }
    : {};
  const request = {
    frontend: frontend ? "gateway.v0" : "dockerfile.v0",
    ...(frontend && { args }),
    ...(local && { locals: [{ name: "context" }, { name: "dockerfile" }] }),
  };
  const id = options.builderId ?? `${runOf(repo)}/attempts/1`;
  if (options.version === "v0.2") {
    const { path, ...source } = configSource as { path: string };
    return {
      builder: { id },
      buildType: "https://mobyproject.org/buildkit@v1",
      materials: dependencies,
      invocation: {
        configSource: { ...source, entryPoint: path },
        parameters: request,
        environment: { platform: "linux/amd64" },
      },
      ...buildConfig,
      metadata: {
        buildInvocationID: "a3n1is30k324nrz1wqbrwobwd",
        buildStartedOn: "2026-11-20T05:03:59Z",
        buildFinishedOn: "2026-11-20T05:04:00Z",
        completeness: { parameters: max, environment: true, materials: !local },
        reproducible: false,
        ...(!local && { "https://mobyproject.org/buildkit@v1#hermetic": true }),
        "https://mobyproject.org/buildkit@v1#metadata": metadata,
      },
    } as Json;
  }
  return {
    buildDefinition: {
      buildType: "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md",
      externalParameters: { configSource, request },
      internalParameters: { ...buildConfig, builderPlatform: "linux/amd64" },
      resolvedDependencies: dependencies,
    },
    runDetails: {
      builder: { id },
      metadata: {
        invocationId: "l6z2785ga5hh1os1hgx2i4ohd",
        startedOn: "2026-11-20T05:03:59Z",
        finishedOn: "2026-11-20T05:04:00Z",
        buildkit_metadata: metadata,
        ...(!local && { buildkit_hermetic: true }),
        buildkit_completeness: { request: max, resolvedDependencies: !local },
      },
    },
  } as Json;
}

function llbPlatform(platform: Platform): Json {
  const [os = "", architecture = "", variant] = formatPlatform(platform)
    .replace(/\(.*\)/, "")
    .split("/");
  return {
    OS: os,
    Architecture: architecture,
    ...(variant && { Variant: variant }),
    ...(platform.osVersion && { OSVersion: platform.osVersion }),
  };
}
