import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { type GithubRun, githubClaims } from "../world/github-claims.ts";
import type { OciRegistry } from "../world/oci-registry.ts";
import type { SignOptions, Sigstore } from "../world/sigstore.ts";
import { bytesOf, type Document, isDocument, type Rendered } from "./document.ts";

/** base from scratch, runtime on base, app on runtime with a file copied from base. */
export const NAMES = ["base", "runtime", "app"] as const;
export type Name = (typeof NAMES)[number];

export const INDEX = "application/vnd.oci.image.index.v1+json";
export const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const CONFIG = "application/vnd.oci.image.config.v1+json";
export const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";
export const BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json";
export const IN_TOTO = "application/vnd.in-toto+json";
export const EMPTY = "application/vnd.oci.empty.v1+json";
export const PROVENANCE = "https://slsa.dev/provenance/v1";
export const BUILD_TYPE = "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md";

/** What a name stands for all over: repository id, commit, and run. */
export const FACTS: Readonly<Record<Name, { readonly id: number; readonly commit: string; readonly run: number }>> = {
  base: { id: 4301, commit: "1".repeat(40), run: 101 },
  runtime: { id: 4302, commit: "2".repeat(40), run: 102 },
  app: { id: 4303, commit: "3".repeat(40), run: 103 },
};
export const OWNER_ID = 77;
export const BUILDER = "acme/builder/.github/workflows/build.yml";
export const BUILDER_COMMIT = "b".repeat(40);

/** A layer of some image. */
export interface Layer {
  readonly blob: Buffer;
  readonly diffId: string;
}

/** How one image differs from the good one. Each hook is given what would have been, and answers what is; what is made later follows. */
export interface Spoil {
  /** The layers that the image has, whatever its provenance says. */
  readonly layers?: (layers: readonly Layer[]) => readonly Layer[];
  readonly config?: (document: Document) => Rendered;
  readonly manifest?: (document: Document) => Rendered;
  /** The Content-Type that the registry serves the manifest with. */
  readonly contentType?: string;
  /** Both the provenance that is signed and the one inside the index. */
  readonly provenance?: (statement: Document, from: From) => Rendered;
  /** The provenance inside the index alone. */
  readonly contained?: (statement: Document) => Rendered;
  /** One more provenance inside the index, about the same image. */
  readonly containedToo?: (statement: Document) => Rendered;
  /** False: nothing inside the index but the image. */
  readonly inIndex?: false;
  readonly index?: (document: Document, image: Built) => Rendered;
  /** Changes what is signed, after the provenance inside the index was written. */
  readonly statement?: (statement: Document, image: Built) => Rendered;
  /** What the signature hangs on and is about: the platform's manifest with provenance, or the index with a bare statement. */
  readonly signs?: "provenance" | "index";
  readonly run?: GithubRun;
  readonly sign?: SignOptions;
  readonly signer?: (world: Signers) => Sigstore;
  readonly bundle?: (bundle: Document, make: Making) => Rendered | Promise<Rendered>;
  readonly referrer?: (document: Document, image: Built) => Rendered;
  /** False: the bundle isn't attached. */
  readonly attached?: false;
  /** Parts that are never pushed. */
  readonly without?: readonly ("config" | "layers" | "manifest" | "index" | "bundle")[];
}

/** What an image can be made from: its parents, and a signed image whose name policy gives to nobody. */
export type From = Readonly<Partial<Record<Name, Built>>> & { readonly elsewhere: Built | undefined };

/** Who can sign: the instance that is trusted, and a stranger's. */
export interface Signers {
  readonly sigstore: Sigstore;
  readonly stranger: Sigstore;
}

/** What a bundle is made of, for hooks that make another one. */
export interface Making extends Signers {
  readonly payload: Buffer;
  readonly sign: (payload: Buffer, options?: SignOptions, run?: GithubRun) => Promise<Document>;
}

/** An image as it was pushed. */
export interface Built {
  readonly name: Name;
  /** `HOST/NAMESPACE/NAME` */
  readonly repository: string;
  /** Below the host. */
  readonly path: string;
  readonly layers: readonly Layer[];
  readonly manifest: Stored;
  readonly index: Stored;
  /** The statement as it was signed. */
  readonly statement: Document;
  /** Of the manifest that carries the bundle. */
  readonly referrer: string;
  readonly bundle: Buffer;
}

/** Bytes under a digest. */
export interface Stored {
  readonly bytes: Buffer;
  readonly digest: string;
}

/** What takes images: a registry, or whatever keeps them for a layout. */
export type Receiver = Pick<OciRegistry, "host" | "putBlob" | "putManifest">;

/** Where images are made. */
export interface Place extends Signers {
  readonly registry: Receiver;
  readonly namespace: string;
  readonly elsewhere?: Built | undefined;
}

export const sha256 = (bytes: Uint8Array): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
export const hex = (digest: string): string => digest.slice("sha256:".length);
export const stored = (rendered: Rendered): Stored => {
  const bytes = bytesOf(rendered);
  return { bytes, digest: sha256(bytes) };
};
export const sizeOf = (bytes: Buffer, mediaType: string): Document => ({
  mediaType,
  digest: sha256(bytes),
  size: bytes.length,
});

/** A layer with this text in it. What is packed is of no matter to the walk: it compares digests. */
export function layerOf(text: string): Layer {
  return { blob: gzipSync(text, { level: 1 }), diffId: sha256(Buffer.from(text)) };
}

/** Makes one image, pushes it and hangs its signature on it; the parents must be there. */
export async function makeImage(
  place: Place,
  name: Name,
  parents: Readonly<Partial<Record<Name, Built>>>,
  spoil: Spoil = {},
): Promise<Built> {
  const { registry } = place;
  const path = `${place.namespace}/${name}`;
  const repository = `${registry.host}/${path}`;
  const missing = new Set(spoil.without);
  const from = name === "app" ? parents.runtime : name === "runtime" ? parents.base : undefined;
  const honest = [...(from?.layers ?? []), layerOf(`${name} of ${place.namespace}`)];
  const layers = spoil.layers?.(honest) ?? honest;

  const config = stored((spoil.config ?? same)(configOf(name, layers)));
  if (!missing.has("config")) registry.putBlob(path, config.bytes);
  if (!missing.has("layers")) for (const { blob } of layers) registry.putBlob(path, blob);
  const manifest = stored((spoil.manifest ?? same)(manifestOf(config.bytes, layers)));
  if (!missing.has("manifest")) registry.putManifest(path, manifest.bytes, spoil.contentType ?? MANIFEST);

  const half = { name, path, repository, layers, manifest };
  const draft = { ...half, index: manifest, statement: {}, referrer: "", bundle: Buffer.of() };
  const provenance = (spoil.provenance ?? same)(provenanceOf({ ...half, layers: honest }, parents), {
    ...parents,
    elsewhere: place.elsewhere,
  });
  const contained =
    spoil.inIndex === false
      ? []
      : !isDocument(provenance)
        ? [provenance]
        : [spoil.contained, spoil.containedToo].flatMap((change, i) =>
            change === undefined && i > 0 ? [] : [(change ?? same)(provenance)],
          );
  const entries = [
    { ...sizeOf(manifest.bytes, MANIFEST), platform: { architecture: "amd64", os: "linux" } },
    ...contained.map((statement) => putContained(registry, half, statement)),
  ];
  const index = stored(
    (spoil.index ?? same)({ schemaVersion: 2, mediaType: INDEX, manifests: entries }, { ...draft, index: manifest }),
  );
  if (!missing.has("index")) registry.putManifest(path, index.bytes, INDEX, "1.0.0");

  const isIndex = spoil.signs === "index";
  const statement: Rendered = isIndex ? signStatement(index.digest) : provenance;
  const built = { ...draft, index, statement: isDocument(statement) ? statement : {} };
  const signed =
    !isDocument(statement) || spoil.statement === undefined ? statement : spoil.statement(statement, built);
  const payload = bytesOf(signed);
  const make: Making = {
    ...place,
    payload,
    sign: async (other, options = spoil.sign, run = spoil.run) =>
      (await (spoil.signer?.(place) ?? place.sigstore).sign(
        other,
        githubClaims({ ...runOf(name), ...run }),
        options ?? {},
      )) as unknown as Document,
  };
  const bundle = await (spoil.bundle ?? same)(await make.sign(payload), make);
  const bytes = bytesOf(bundle);
  if (!missing.has("bundle")) registry.putBlob(path, bytes);
  const subject = isIndex ? index : manifest;
  const referrer = stored((spoil.referrer ?? same)(referrerOf(registry, path, bytes, subject, isIndex), built));
  if (spoil.attached !== false) registry.putManifest(path, referrer.bytes, MANIFEST);
  return { ...built, referrer: referrer.digest, bundle: bytes };
}

function same<T>(value: T): T {
  return value;
}

/** What the signer's token says, if nothing is changed. */
export function runOf(name: Name): GithubRun {
  const { id, commit, run } = FACTS[name];
  return {
    repository: `acme/${name}`,
    repositoryId: id,
    ownerId: OWNER_ID,
    sha: commit,
    runId: run,
    jobWorkflowRef: `${BUILDER}@refs/tags/v1.2.3`,
    jobWorkflowSha: BUILDER_COMMIT,
  };
}

/** The manifest that carries a bundle, as cosign writes it. */
export function referrerOf(
  registry: Receiver,
  path: string,
  bundle: Buffer,
  subject: Stored,
  isIndex = false,
): Document {
  const empty = Buffer.from("{}");
  registry.putBlob(path, empty);
  return {
    schemaVersion: 2,
    mediaType: MANIFEST,
    artifactType: BUNDLE,
    config: sizeOf(empty, EMPTY),
    layers: [sizeOf(bundle, BUNDLE)],
    subject: sizeOf(subject.bytes, isIndex ? INDEX : MANIFEST),
    annotations: { "dev.sigstore.bundle.content": "dsse-envelope" },
  };
}

/** What `cosign sign` says of a digest: that it is published, and no more. */
export function signStatement(digest: string): Document {
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ digest: { sha256: hex(digest) } }],
    predicateType: "https://sigstore.dev/cosign/sign/v1",
  };
}

function configOf(name: Name, layers: readonly Layer[]): Document {
  return {
    architecture: "amd64",
    os: "linux",
    created: "2026-01-02T03:04:05Z",
    config: { Cmd: [`/${name}`] },
    rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
    history: [...layers.map(() => ({ created_by: "a step" })), { created_by: "CMD", empty_layer: true }],
  };
}

function manifestOf(config: Buffer, layers: readonly Layer[]): Document {
  return {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: sizeOf(config, CONFIG),
    layers: layers.map(({ blob }) => sizeOf(blob, LAYER)),
  };
}

/** BuildKit's attestation manifest for a platform, as it stands in the index: unsigned. */
export function putContained(
  registry: Receiver,
  { path, manifest }: Pick<Built, "path" | "manifest">,
  statement: Rendered,
): Document {
  const bytes = bytesOf(statement);
  registry.putBlob(path, bytes);
  const config = bytesOf({
    architecture: "unknown",
    os: "unknown",
    config: {},
    rootfs: { type: "layers", diff_ids: [sha256(bytes)] },
  });
  registry.putBlob(path, config);
  const holder = bytesOf({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: sizeOf(config, CONFIG),
    layers: [{ ...sizeOf(bytes, IN_TOTO), annotations: { "in-toto.io/predicate-type": PROVENANCE } }],
  });
  registry.putManifest(path, holder, MANIFEST);
  return {
    ...sizeOf(holder, MANIFEST),
    annotations: {
      "vnd.docker.reference.digest": manifest.digest,
      "vnd.docker.reference.type": "attestation-manifest",
    },
    platform: { architecture: "unknown", os: "unknown" },
  };
}

const PLATFORM = { OS: "linux", Architecture: "amd64" };

/** BuildKit's provenance, SLSA v1 in mode=max, of a build from the git URL at the commit. */
function provenanceOf(
  { name, repository, layers, manifest }: Pick<Built, "name" | "repository" | "layers" | "manifest">,
  parents: Readonly<Partial<Record<Name, Built>>>,
): Document {
  const { commit, run } = FACTS[name];
  const git = `https://github.com/acme/${name}.git#${commit}`;
  const used = name === "app" ? [parents.runtime, parents.base] : name === "runtime" ? [parents.base] : [];
  const images = used.flatMap((parent) => parent ?? []);
  return {
    _type: "https://in-toto.io/Statement/v0.1",
    subject: [
      { name: `pkg:docker/${repository}@1.0.0?platform=linux%2Famd64`, digest: { sha256: hex(manifest.digest) } },
    ],
    predicateType: PROVENANCE,
    predicate: {
      buildDefinition: {
        buildType: BUILD_TYPE,
        externalParameters: {
          configSource: { uri: git, digest: { sha1: commit }, path: "Dockerfile" },
          request: { frontend: "dockerfile.v0" },
        },
        internalParameters: { buildConfig: { llbDefinition: stepsOf(name, images) }, builderPlatform: "linux/amd64" },
        resolvedDependencies: [
          ...images.map((parent) => ({
            uri: `pkg:docker/${parent.repository}@1.0.0?platform=linux%2Famd64`,
            digest: { sha256: hex(parent.index.digest) },
          })),
          { uri: git, digest: { sha1: commit } },
        ],
      },
      runDetails: {
        builder: { id: `https://github.com/acme/${name}/actions/runs/${run}/attempts/1` },
        metadata: {
          invocationId: `invocation of ${name}`,
          startedOn: "2026-01-02T03:04:05Z",
          finishedOn: "2026-01-02T03:04:06Z",
          buildkit_metadata: { layers: { [resultOf(name)]: [layers.map(({ blob }) => sizeOf(blob, LAYER))] } },
          buildkit_hermetic: true,
          buildkit_completeness: { request: true, resolvedDependencies: true },
        },
      },
    },
  };
}

/** The place in the LLB whose file system is the result: the key of the layer map. */
export function resultOf(name: Name): string {
  return name === "app" ? "copy2:0" : "copy:0";
}

function stepsOf(name: Name, [under, beside]: readonly Built[]): readonly Document[] {
  const { commit } = FACTS[name];
  const image = ({ repository, index }: Built) => ({
    Op: { source: { identifier: `docker-image://${repository}:1.0.0@${index.digest}`, attrs: {} } },
    platform: PLATFORM,
  });
  const copy = (input: number, secondaryInput: number) => ({
    Op: { file: { actions: [{ Action: { copy: { src: "/x", dest: "/x" } }, input, secondaryInput, output: 0 }] } },
  });
  const git = {
    id: "git",
    op: {
      Op: {
        source: {
          identifier: `git://github.com/acme/${name}.git#${commit}`,
          attrs: { "git.fullurl": `https://github.com/acme/${name}.git` },
        },
      },
    },
  };
  const result = { id: "result", inputs: [resultOf(name)], op: { Op: {} } };
  if (under === undefined) return [git, { id: "copy", inputs: ["git:0"], op: copy(-1, 0) }, result];
  const first = { id: "copy", inputs: ["from:0", "git:0"], op: copy(0, 1) };
  const base = { id: "from", op: image(under) };
  if (beside === undefined) return [base, git, first, result];
  const second = { id: "copy2", inputs: ["copy:0", "beside:0"], op: copy(0, 1) };
  return [base, git, first, { id: "beside", op: image(beside) }, second, result];
}
