import type { TestContext } from "node:test";
import { digestOf } from "../../src/image/digest.ts";
import { OCI_EMPTY, OCI_IMAGE_CONFIG, OCI_IMAGE_INDEX, OCI_IMAGE_MANIFEST } from "../../src/image/media-type.ts";
import type { PinnedImage } from "../../src/image/reference.ts";
import { parseReference, pin } from "../../src/image/reference.ts";
import type { RegistryClient, RegistryOptions } from "../../src/registry/client.ts";
import { createRegistryClient } from "../../src/registry/client.ts";
import { CouldNotLook } from "../../src/trust/ports.ts";
import type { OciRegistry, OciRegistryOptions } from "../world/oci-registry.ts";
import { startOciRegistry } from "../world/oci-registry.ts";

/** The repository that these tests use. */
export const NAME = "acme/app";
export const BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";

/** A registry that lives as long as the test. */
export async function startRegistry(t: TestContext, options: OciRegistryOptions = {}): Promise<OciRegistry> {
  const registry = await startOciRegistry(options);
  t.after(() => registry.close());
  return registry;
}

/** A client that may speak to the registry's three ports, and that doesn't really wait: `pauses` tells how long it would have. */
export function startClient(
  t: TestContext,
  registry: OciRegistry,
  options: Partial<RegistryOptions> = {},
): RegistryClient & { readonly pauses: number[] } {
  const pauses: number[] = [];
  const client = createRegistryClient({
    allowHosts: [registry.host, registry.realmHost, registry.storageHost],
    pause: async (milliseconds) => void pauses.push(milliseconds),
    ...options,
  });
  t.after(() => client.close());
  return { ...client, pauses };
}

/** The bytes of a document. */
export function jsonBytes(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

/** Puts a small image into the registry, and answers it pinned. */
export function putImage(registry: OciRegistry, tag = "1.0.0", repository = NAME): PinnedImage {
  const config = jsonBytes({ architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [] }, tag });
  const configDigest = registry.putBlob(repository, config);
  const manifest = jsonBytes({
    schemaVersion: 2,
    mediaType: OCI_IMAGE_MANIFEST,
    config: { mediaType: OCI_IMAGE_CONFIG, digest: configDigest, size: config.length },
    layers: [],
  });
  registry.putManifest(repository, manifest, OCI_IMAGE_MANIFEST, tag);
  return pin(parseReference(`${registry.host}/${repository}:${tag}`), digestOf(manifest));
}

/** Something that refers to an image, as its writer would have it. */
export interface ReferrerSpec {
  readonly artifactType?: string;
  readonly layerType?: string;
  readonly content?: Uint8Array;
  readonly layerAnnotations?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly subject?: string;
  /** Fields above the usual ones. */
  readonly more?: Readonly<Record<string, unknown>>;
}

/** Puts a referrer there, found by the API alone. */
export function putReferrer(registry: OciRegistry, subject: PinnedImage, spec: ReferrerSpec = {}): string {
  const content = spec.content ?? jsonBytes(bundle());
  const config = Buffer.from("{}");
  const layerDigest = registry.putBlob(NAME, content);
  const manifest = jsonBytes({
    schemaVersion: 2,
    mediaType: OCI_IMAGE_MANIFEST,
    ...(spec.artifactType === "" ? {} : { artifactType: spec.artifactType ?? BUNDLE_TYPE }),
    config: { mediaType: OCI_EMPTY, digest: registry.putBlob(NAME, config), size: config.length },
    layers: [
      {
        mediaType: spec.layerType ?? BUNDLE_TYPE,
        digest: layerDigest,
        size: content.length,
        ...(spec.layerAnnotations && { annotations: spec.layerAnnotations }),
      },
    ],
    subject: { mediaType: OCI_IMAGE_MANIFEST, digest: spec.subject ?? subject.digest, size: 1 },
    ...(spec.annotations && { annotations: spec.annotations }),
    ...spec.more,
  });
  return registry.putManifest(NAME, manifest, OCI_IMAGE_MANIFEST);
}

/** Puts a fallback list there that names these manifests, without a word about their types. */
export function putFallbackTag(registry: OciRegistry, subject: PinnedImage, digests: readonly string[]): void {
  const manifests = digests.map((digest) => ({ mediaType: OCI_IMAGE_MANIFEST, digest, size: 1 }));
  const bytes = jsonBytes({ schemaVersion: 2, mediaType: OCI_IMAGE_INDEX, manifests });
  registry.putManifest(NAME, bytes, OCI_IMAGE_INDEX, subject.digest.replace(":", "-"));
}

/** The form of a bundle; its signature is none. */
export function bundle(note = ""): unknown {
  return {
    mediaType: BUNDLE_TYPE,
    verificationMaterial: { certificate: { rawBytes: "AAAA" }, tlogEntries: [] },
    dsseEnvelope: {
      payloadType: "application/vnd.in-toto+json",
      payload: Buffer.from(JSON.stringify({ note })).toString("base64"),
      signatures: [{ sig: "AAAA", keyid: "" }],
    },
  };
}

/** For `assert.rejects`: that we could not look, and why. */
export function couldNotLook(code: string): (error: unknown) => boolean {
  return (error) => error instanceof CouldNotLook && error.code === code;
}

/** Requests to one server whose `METHOD /path` matches. */
export function asked(registry: OciRegistry, pattern: RegExp): OciRegistry["requests"] {
  return registry.requests.filter(({ method, path }) => pattern.test(`${method} ${path}`));
}
