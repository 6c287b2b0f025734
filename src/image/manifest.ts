import { z } from "zod";
import type { Descriptor } from "./descriptor.ts";
import { annotationsSchema, artifactTypeSchema, descriptorSchema } from "./descriptor.ts";
import type { JsonErrorCode } from "./json.ts";
import { JsonError, parseJson, readValue, refuseFoldedKeys } from "./json.ts";
import {
  isDockerType,
  isIndexType,
  isManifestType,
  OCI_IMAGE_INDEX,
  OCI_IMAGE_MANIFEST,
  specificContentType,
} from "./media-type.ts";

/** One platform's image, or an artifact. @see OCI image-spec, manifest.md */
export interface Manifest {
  readonly kind: "manifest";
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly config: Descriptor;
  /** The base's layers first. */
  readonly layers: readonly Descriptor[];
  /** What it refers to, if it is a signature or the like. A claim: anyone may refer to anything. */
  readonly subject?: Descriptor;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Several manifests under one digest. @see OCI image-spec, image-index.md */
export interface ImageIndex {
  readonly kind: "index";
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Why a document of an image was not read. */
export type ImageFormatErrorCode =
  | JsonErrorCode
  /** `manifests` beside `config` or `layers`: an image to one reader, a list to another (CVE-2021-41190). */
  | "mixed-manifest"
  /** The document, the answer's Content-Type and the descriptor don't say the same. */
  | "media-type-mismatch"
  /** A form of manifest that we don't read. */
  | "unknown-media-type"
  /** The config tells another number of layers than the manifest (RULES R21). */
  | "counts-disagree";

/** Bytes that have the digest asked for, and still can't be read as one image. A fact about the image, not a failure to look. */
export class ImageFormatError extends Error {
  readonly code: ImageFormatErrorCode;
  readonly path?: string;
  constructor(code: ImageFormatErrorCode, message: string, options?: ErrorOptions & { readonly path?: string }) {
    super(message, options);
    this.name = "ImageFormatError";
    this.code = code;
    if (options?.path !== undefined) this.path = options.path;
  }
}

/** What others said of a manifest before it was read. */
export interface SaidOfManifest {
  /** The Content-Type of the registry's answer. Generic types, such as file stores put on everything, count as silence. */
  readonly contentType?: string;
  /** The media type in the descriptor that led here. */
  readonly mediaType?: string;
}

const common = {
  schemaVersion: z.literal(2),
  mediaType: z.string().nullish(),
  artifactType: artifactTypeSchema,
  subject: descriptorSchema.nullish(),
  annotations: annotationsSchema,
};
// Go writes an empty list as null where the field was never set.
const descriptors = z
  .array(descriptorSchema)
  .nullable()
  .transform((list) => list ?? []);
const manifestSchema = z.looseObject({ ...common, config: descriptorSchema, layers: descriptors });
const indexSchema = z.looseObject({ ...common, manifests: descriptors });
/** Every field that makes a document one kind or the other, for readers that fold case; `fsLayers` is Docker's schema 1. */
const eitherSchema = z.union([manifestSchema, indexSchema, z.looseObject({ fsLayers: z.unknown() })]);

/**
 * Reads a manifest or an index such that nobody else reads the same bytes as something else (RULES R23).
 *
 * The media type must be the same wherever it is said: in the document, in the Content-Type, in the descriptor. An OCI document
 * may leave it out, and then the others decide; the shape decides only where all are silent. The shape must fit in any case.
 *
 * @throws {ImageFormatError}
 */
export function parseManifest(bytes: Uint8Array, said: SaidOfManifest): Manifest | ImageIndex {
  return readAsImage("a manifest", () => {
    const value = parseJson(bytes);
    refuseFoldedKeys(value, eitherSchema);
    const document: object = typeof value === "object" && value !== null ? value : {};
    const looksLikeIndex = Object.hasOwn(document, "manifests");
    if (looksLikeIndex && ["config", "layers", "fsLayers"].some((field) => Object.hasOwn(document, field))) {
      throw new ImageFormatError("mixed-manifest", "read a manifest: it has manifests beside config or layers");
    }
    const mediaType = agreedMediaType(document, said) ?? (looksLikeIndex ? OCI_IMAGE_INDEX : OCI_IMAGE_MANIFEST);
    if (isIndexType(mediaType)) {
      const { manifests, ...rest } = readValue(indexSchema, value);
      return { kind: "index", mediaType, manifests, ...commonFields(rest) };
    }
    const { config, layers, ...rest } = readValue(manifestSchema, value);
    return { kind: "manifest", mediaType, config, layers, ...commonFields(rest) };
  });
}

/**
 * The one media type that everybody means who says something; undefined if nobody does.
 *
 * The descriptor's word is taken exactly, generic types included: an index that lists a manifest as `application/octet-stream`
 * hides it from other readers.
 */
function agreedMediaType(document: object, said: SaidOfManifest): string | undefined {
  const embedded = (document as { readonly mediaType?: unknown }).mediaType;
  const own = typeof embedded === "string" && embedded !== "" ? embedded : undefined;
  const voices = [own, specificContentType(said.contentType ?? ""), said.mediaType || undefined];
  const types = [...new Set(voices.filter((voice) => voice !== undefined))];
  const [type] = types;
  if (types.length > 1) {
    const list = types.map((each) => JSON.stringify(each.slice(0, 160))).join(" and ");
    throw new ImageFormatError("media-type-mismatch", `read a manifest: its media type is said to be ${list}`);
  }
  if (type === undefined) return undefined;
  if (!isIndexType(type) && !isManifestType(type)) {
    throw new ImageFormatError(
      "unknown-media-type",
      `read a manifest: ${JSON.stringify(type.slice(0, 160))} is none we read`,
    );
  }
  if (own === undefined && isDockerType(type)) {
    throw new ImageFormatError("media-type-mismatch", `read a manifest: said to be ${type}, which must say so itself`);
  }
  return type;
}

function commonFields(document: {
  readonly artifactType?: string | null | undefined;
  readonly subject?: Descriptor | null | undefined;
  readonly annotations: Readonly<Record<string, string>>;
}): Pick<Manifest, "artifactType" | "subject" | "annotations"> {
  const { artifactType, subject, annotations } = document;
  return { annotations, ...(artifactType && { artifactType }), ...(subject && { subject }) };
}

/**
 * Runs a parser of this folder and makes its {@link JsonError} an {@link ImageFormatError}, so that whoever reads images catches
 * one class.
 *
 * @param what - For the message: what was read.
 */
export function readAsImage<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause;
    throw new ImageFormatError(cause.code, `read ${what}: ${cause.message}`, { cause, path: cause.path });
  }
}
