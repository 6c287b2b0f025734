import { z } from "zod";
import { annotationsSchema, digestSchema } from "../image/descriptor.ts";
import { JsonError, readDocument } from "../image/json.ts";
import { quote } from "../image/quote.ts";
import type { PinnedImage } from "../image/reference.ts";
import type { UnverifiedBundle } from "./bundle.ts";
import { parseBundle } from "./bundle.ts";
import { isCosignLayer, isEnvelope, toBundle, toSignatureBundle } from "./cosign.ts";
import { SIMPLE_SIGNING_TYPE } from "./simple-signing.ts";

/** Versions 0.1 to 0.3 in all spellings, and later ones, which are then refused as unknown rather than overlooked. */
export const BUNDLE_TYPE_PREFIX = "application/vnd.dev.sigstore.bundle";
const IN_TOTO_TYPE = "application/vnd.in-toto+json";
const ENVELOPE_TYPES: readonly string[] = ["application/vnd.dsse.envelope.v1+json", IN_TOTO_TYPE];

/** BuildKit's unsigned provenance is a referrer since its version 0.32. Where there is an index, the walk reads it through that (RULES R11). */
const BUILDKIT_TYPE = "application/vnd.docker.attestation.manifest.v1+json";

const layerSchema = z.looseObject({
  mediaType: z.string(),
  digest: digestSchema,
  size: z.int().nonnegative(),
  annotations: annotationsSchema,
});
/** One part of an artifact, with what its writer says of it. */
export type ArtifactLayer = z.infer<typeof layerSchema>;

/** Laxer than an image's manifest: bundles' media types carry parameters, and all that counts is inside and signed. */
const artifactSchema = z.looseObject({
  artifactType: z.string().nullish(),
  config: z.looseObject({ mediaType: z.string() }).nullish(),
  layers: z.array(layerSchema).nullish(),
  manifests: z.array(z.unknown()).nullish(),
  subject: z.looseObject({ digest: digestSchema }).nullish(),
  annotations: annotationsSchema,
});
/** A manifest that may hold attestations, wherever it is kept. */
export type Artifact = z.infer<typeof artifactSchema>;

/** Something that looks like an attestation and cannot be read as one. */
export interface MalformedAttestation {
  readonly kind: "malformed";
  readonly reason: string;
}

/** A statement that nobody signed: it is somebody's word only where somebody signed the manifest that holds it (RULES R11). */
export interface UnsignedStatement {
  readonly kind: "unsigned";
  readonly layer: Pick<ArtifactLayer, "digest" | "size" | "annotations">;
  /** The manifest that holds it; undefined where that isn't a referrer of the image. */
  readonly manifest?: PinnedImage;
  /** Its builder leaves it unsigned as a matter of course: that it is there says nothing. */
  readonly isRoutine?: boolean;
}

/** Reads a manifest that may hold attestations. What can't be read is a value: junk must not hide what stands beside it (RULES R15). */
export function readArtifact(
  bytes: Uint8Array,
): { readonly kind: "artifact"; readonly document: Artifact } | MalformedAttestation {
  try {
    return { kind: "artifact", document: readDocument(artifactSchema, bytes) };
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return malformed(error.message);
  }
}

/** The layers that hold attestations, by every hint that the manifest itself gives: what lists it may lie (sigstore/cosign#4641). */
export function attestationLayers({ artifactType, config, layers }: Artifact): readonly ArtifactLayer[] {
  if (artifactType === BUILDKIT_TYPE) return [];
  const known = (layers ?? []).filter(({ mediaType }) => isAttestationType(mediaType));
  if (known.length > 0) return known;
  // A bundle pushed by a general tool: the type of the whole is right, and that of the layer is whatever the tool puts there.
  const whole = [artifactType ?? "", config?.mediaType ?? ""].some((type) => type.startsWith(BUNDLE_TYPE_PREFIX));
  return whole ? (layers ?? []) : [];
}

/** The statements that BuildKit put beside its image: none is signed, and whoever signs the manifest may make them his word. */
export function buildkitLayers({ artifactType, layers }: Artifact): readonly ArtifactLayer[] {
  if (artifactType !== BUILDKIT_TYPE) return [];
  return (layers ?? []).filter(({ mediaType }) => mediaType === IN_TOTO_TYPE);
}

/** Whether a layer of this type is an attestation. */
export function isAttestationType(mediaType: string): boolean {
  return (
    mediaType.startsWith(BUNDLE_TYPE_PREFIX) || ENVELOPE_TYPES.includes(mediaType) || mediaType === SIMPLE_SIGNING_TYPE
  );
}

/**
 * Reads the content of one layer as an attestation. Nothing in it is believed yet.
 *
 * @param bytes - Undefined where it isn't kept beside its manifest; if there, of the layer's digest.
 */
export function attestationIn(
  layer: ArtifactLayer,
  bytes: Uint8Array | undefined,
): UnverifiedBundle | UnsignedStatement | MalformedAttestation {
  if (bytes === undefined) return malformed(`its content ${layer.digest} is not kept beside its manifest`);
  if (bytes.length !== layer.size)
    return malformed(`it is ${bytes.length < layer.size ? "smaller" : "larger"} than its manifest says`);
  try {
    if (layer.mediaType === SIMPLE_SIGNING_TYPE) return toSignatureBundle(bytes, layer.annotations);
    if (!ENVELOPE_TYPES.includes(layer.mediaType)) return parseBundle(bytes);
    // An envelope without a word of its signer is one that a key signed, and the policy's keys are tried.
    if (isCosignLayer(layer.annotations) || isEnvelope(bytes)) return toBundle(bytes, layer.annotations);
    return { kind: "unsigned", layer };
  } catch (error) {
    return malformed(error instanceof Error ? error.message : String(error));
  }
}

/** By the hints of annotations, which anyone can write: they decide the order and nothing else. 0 is the likeliest, 3 the least. */
export function rankOf(...annotations: readonly (Readonly<Record<string, string>> | undefined)[]): number {
  const names = ["dev.sigstore.bundle.predicateType", "predicateType", "in-toto.io/predicate-type"];
  const hints = annotations.flatMap((map) =>
    names.flatMap((name) => (map && Object.hasOwn(map, name) ? [map[name]!] : [])),
  );
  if (hints.length === 0) return 2;
  if (hints.some((hint) => hint.includes("slsa.dev/provenance"))) return 0;
  return hints.some((hint) => hint.includes("slsa.dev/verification_summary")) ? 1 : 3;
}

/** Says of an attestation why it can't be read, in words that fit one line. */
export function malformed(reason: string): MalformedAttestation {
  return { kind: "malformed", reason: quote(reason) };
}
