import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { parseStatement, subjectCovers } from "../../src/attestation/statement.ts";
import type { Descriptor } from "../../src/image/descriptor.ts";
import { algorithmOf, type Digest, digestOf, hexOf } from "../../src/image/digest.ts";
import { layoutBlobPath } from "../../src/image/layout.ts";
import { type ImageIndex, type Manifest, parseManifest } from "../../src/image/manifest.ts";
import { formatPlatform } from "../../src/image/platform.ts";

/** The annotations by which BuildKit marks the manifest that holds a platform's attestations. @see moby/buildkit docs/attestations */
const REFERENCE_TYPE = "vnd.docker.reference.type";
const REFERENCE_DIGEST = "vnd.docker.reference.digest";
const ATTESTATION_MANIFEST = "attestation-manifest";

const IN_TOTO = "application/vnd.in-toto+json";
const PREDICATE_TYPE = "in-toto.io/predicate-type";

/** SLSA provenance v1, as BuildKit is asked for it. */
export const PROVENANCE_TYPE = "https://slsa.dev/provenance/v1";

/** The largest document of a layout that is read, in bytes: BuildKit caps its provenance at 40 MiB. */
const MAX_DOCUMENT_BYTES = 48 * 1024 * 1024;

/** One platform's image, and what BuildKit says of its making. */
export interface BuiltPlatform {
  readonly platform: string;
  readonly manifest: Digest;
  /** The in-toto statement, byte for byte; it names the manifest as its subject. */
  readonly provenance: Uint8Array;
}

/** What BuildKit built. */
export interface BuiltImage {
  readonly index: Digest;
  readonly indexBytes: Uint8Array;
  readonly mediaType: string;
  readonly platforms: readonly BuiltPlatform[];
}

/** The layout isn't what was asked for: nothing of it is signed. */
export class BuiltImageError extends Error {
  readonly code = "unexpected-layout";
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "BuiltImageError";
  }
}

/**
 * Reads what is to be signed out of a layout, each document by its digest. Every platform must have one provenance that is about it: a
 * statement about something else would be signed with our name.
 *
 * @throws {BuiltImageError}
 */
export async function readBuiltImage(directory: string, index: Digest): Promise<BuiltImage> {
  const indexBytes = await readByDigest(directory, index);
  const document = readManifest(index, indexBytes);
  if (document.kind !== "index") {
    throw new BuiltImageError(
      `read ${index} of the image layout: it has no provenance beside it; BuildKit 0.11 or newer puts it there`,
    );
  }
  const images = document.manifests.filter((entry) => !isAttestation(entry));
  if (images.length === 0) throw new BuiltImageError(`read ${index} of the image layout: it lists no image`);
  const platforms = await Promise.all(images.map((image) => readPlatform(directory, document, image)));
  return { index, indexBytes, mediaType: document.mediaType, platforms };
}

async function readPlatform(directory: string, index: ImageIndex, image: Descriptor): Promise<BuiltPlatform> {
  const platform = image.platform === undefined ? "no platform" : formatPlatform(image.platform);
  const manifestBytes = await readByDigest(directory, image.digest);
  const beside = index.manifests.filter(
    (entry) => isAttestation(entry) && entry.annotations[REFERENCE_DIGEST] === image.digest,
  );
  const layers = await Promise.all(
    beside.map(async ({ digest }) => {
      const attestations = readManifest(digest, await readByDigest(directory, digest));
      return attestations.kind === "manifest" ? attestations.layers : [];
    }),
  );
  const [layer, ...others] = layers
    .flat()
    .filter(({ mediaType, annotations }) => mediaType === IN_TOTO && annotations[PREDICATE_TYPE] === PROVENANCE_TYPE);
  if (layer === undefined || others.length > 0) {
    throw new BuiltImageError(
      `read the provenance of ${image.digest} (${platform}): BuildKit wrote ${layer === undefined ? "none" : "several"} of ${PROVENANCE_TYPE}`,
    );
  }
  const provenance = await readByDigest(directory, layer.digest);
  const what = `read the provenance ${layer.digest} of ${image.digest} (${platform})`;
  let isAboutIt: boolean;
  try {
    const statement = parseStatement(provenance);
    isAboutIt =
      statement.predicateType === PROVENANCE_TYPE &&
      subjectCovers(statement, (algorithm) => hexOf(digestOf(manifestBytes, algorithm)));
  } catch (cause) {
    throw new BuiltImageError(`${what}: ${(cause as Error).message}`, { cause });
  }
  if (!isAboutIt) throw new BuiltImageError(`${what}: it is about something else, and is not signed`);
  return { platform, manifest: image.digest, provenance };
}

function isAttestation({ annotations }: Descriptor): boolean {
  return annotations[REFERENCE_TYPE] === ATTESTATION_MANIFEST;
}

function readManifest(digest: Digest, bytes: Uint8Array): Manifest | ImageIndex {
  try {
    return parseManifest(bytes, {});
  } catch (cause) {
    throw new BuiltImageError(`read ${digest} of the image layout: ${(cause as Error).message}`, { cause });
  }
}

async function readByDigest(directory: string, digest: Digest): Promise<Uint8Array> {
  const path = join(directory, layoutBlobPath(digest));
  try {
    const { size } = await stat(path);
    if (size > MAX_DOCUMENT_BYTES) throw new Error(`it is larger than ${MAX_DOCUMENT_BYTES} bytes`);
    const bytes = await readFile(path);
    if (digestOf(bytes, algorithmOf(digest)) !== digest) throw new Error("its content has another digest");
    return bytes;
  } catch (cause) {
    throw new BuiltImageError(`read ${digest} of the image layout: ${(cause as Error).message}`, { cause });
  }
}
