import { z } from "zod";
import type { UnverifiedBundle } from "../attestation/bundle.ts";
import { parseBundle } from "../attestation/bundle.ts";
import { annotationsSchema, digestSchema } from "../image/descriptor.ts";
import { JsonError, readDocument } from "../image/json.ts";
import type { PinnedImage } from "../image/reference.ts";
import type {
  AttestationCandidate,
  AttestationListing,
  AttestationSource,
  MalformedAttestation,
} from "../trust/ports.ts";
import { BeyondLimit, CouldNotLook } from "../trust/ports.ts";
import type { RepositoryAccess } from "./access.ts";
import type { Content } from "./content.ts";
import { cosignTags, isCosignLayer, isEnvelope, toBundle } from "./cosign.ts";
import { quote } from "./error.ts";
import type { Referrer, ReferrerList } from "./referrers.ts";
import { fallbackTag, listByApi, listByTag } from "./referrers.ts";

/** Largest attestation that is read, in bytes (DESIGN §7). */
const MAX_ATTESTATION_BYTES = 64 * 1024 * 1024;

/** Candidates per digest (RULES R15), and so also referrers whose manifests are fetched. */
const MAX_CANDIDATES = 200;

/** Layers of one referrer that are read: writers put one bundle into a manifest. */
const MAX_LAYERS = 32;

/** Versions 0.1 to 0.3 in all spellings, and later ones, which are then refused as unknown rather than overlooked. */
const BUNDLE_TYPE_PREFIX = "application/vnd.dev.sigstore.bundle";
const ENVELOPE_TYPES: readonly string[] = ["application/vnd.dsse.envelope.v1+json", "application/vnd.in-toto+json"];

/** BuildKit's unsigned provenance is a referrer since its version 0.32. The walk reads it through the index (RULES R11). */
const BUILDKIT_TYPE = "application/vnd.docker.attestation.manifest.v1+json";

const layerSchema = z.looseObject({
  mediaType: z.string(),
  digest: digestSchema,
  size: z.int().nonnegative(),
  annotations: annotationsSchema,
});
type Layer = z.infer<typeof layerSchema>;

/** Laxer than an image's manifest: bundles' media types carry parameters, and all that counts is inside and signed. */
const artifactSchema = z.looseObject({
  artifactType: z.string().nullish(),
  config: z.looseObject({ mediaType: z.string() }).nullish(),
  layers: z.array(layerSchema).nullish(),
  manifests: z.array(z.unknown()).nullish(),
  subject: z.looseObject({ digest: digestSchema }).nullish(),
  annotations: annotationsSchema,
});
type Artifact = z.infer<typeof artifactSchema>;

/** A candidate, and how likely it is to be what the walk needs: 0 is the likeliest. */
interface Ranked {
  readonly rank: number;
  readonly candidate: AttestationCandidate;
}

/** What one place gave. */
interface Place {
  readonly ranked: readonly Ranked[];
  readonly omitted: number;
  readonly failures: readonly CouldNotLook[];
}

const NOTHING: Place = { ranked: [], omitted: 0, failures: [] };

/**
 * Finds what was signed about a digest, in every place where a registry can hold it: the referrers API, the fallback tag (always:
 * an API may be younger than the signatures), and cosign's tags.
 *
 * Simple-signing signatures (cosign's `.sig`) are left out: they say that someone signed, not how the image was built.
 */
export function createAttestationSource(access: RepositoryAccess, content: Content): AttestationSource {
  /** One place, whose failure hides no other. */
  const settle = async (image: PinnedImage, where: string, look: () => Promise<Place>): Promise<Place> => {
    for (let proven = false; ; proven = true) {
      try {
        return await look();
      } catch (error) {
        if (error instanceof BeyondLimit)
          return { ...NOTHING, ranked: [{ rank: 3, candidate: failing(where, error) }] };
        if (!(error instanceof CouldNotLook)) throw error;
        // Where the image itself can be read, the next answer is proven to mean absence.
        const again = error.code === "not-found-unproven" && !proven && (await canRead(image));
        if (!again) return { ...NOTHING, failures: [error] };
      }
    }
  };

  const canRead = async (image: PinnedImage): Promise<boolean> => {
    try {
      return (await content.readManifest(image)) !== undefined;
    } catch (error) {
      if (error instanceof CouldNotLook || error instanceof BeyondLimit) return false;
      throw error;
    }
  };

  /** The manifest decides what a referrer is: lists have wrong types, or none (sigstore/cosign#4641). */
  const examine = async (image: PinnedImage, referrer: Referrer): Promise<Place> => {
    const where = `referrer ${referrer.digest}`;
    const { registry, repository } = image;
    const stored = await content.readManifest({ registry, repository, digest: referrer.digest });
    if (stored === undefined) return NOTHING; // deleted, and the list not yet mended
    const artifact = readArtifact(stored.bytes);
    if (artifact.kind === "malformed")
      return { ...NOTHING, ranked: [{ rank: 3, candidate: holding(where, [artifact]) }] };
    const { document } = artifact;
    // Its own subject binds it, not the list that named it: lists can name anything.
    if (document.subject?.digest !== image.digest || document.manifests) return NOTHING;
    const layers = attestationLayers(document);
    if (layers.length === 0) return NOTHING;
    const read = async () => {
      const parts = await Promise.all(layers.slice(0, MAX_LAYERS).map((layer) => readLayer(content, image, layer)));
      const more = layers.length - MAX_LAYERS;
      return more > 0 ? [...parts, malformed(`${more} layers beyond the first ${MAX_LAYERS} were not read`)] : parts;
    };
    return {
      ...NOTHING,
      ranked: [{ rank: rankOf(document.annotations, layers[0]?.annotations), candidate: { where, read } }],
    };
  };

  const referrers = async (image: PinnedImage): Promise<Place> => {
    const places: [string, () => Promise<ReferrerList>][] = [
      ["the referrers API", () => listByApi(access, image)],
      [`tag ${fallbackTag(image.digest)}`, () => listByTag(content, image)],
    ];
    const found = new Map<string, Referrer>();
    const listed = await Promise.all(
      places.map(([where, list]) =>
        settle(image, where, async () => {
          const { referrers, malformed: faults, omitted, failure } = await list();
          for (const referrer of referrers) if (!found.has(referrer.digest)) found.set(referrer.digest, referrer);
          const ranked = faults.map((fault) => ({ rank: 3, candidate: holding(where, [malformed(fault)]) }));
          return { ranked, omitted, failures: failure === undefined ? [] : [failure] };
        }),
      ),
    );
    const likeliest = [...found.values()].sort((one, other) => rankOfReferrer(one) - rankOfReferrer(other));
    const examined = await Promise.all(
      likeliest
        .slice(0, MAX_CANDIDATES)
        .map((referrer) => settle(image, `referrer ${referrer.digest}`, () => examine(image, referrer))),
    );
    const all = merge([...listed, ...examined]);
    return { ...all, omitted: all.omitted + Math.max(0, likeliest.length - MAX_CANDIDATES) };
  };

  const cosign = async (image: PinnedImage, tag: string): Promise<Place> => {
    const where = `tag ${tag}`;
    const found = await content.readTag(image, tag);
    if (found === undefined) return NOTHING;
    const artifact = readArtifact(found.bytes);
    if (artifact.kind === "malformed")
      return { ...NOTHING, ranked: [{ rank: 3, candidate: holding(where, [artifact]) }] };
    const layers = (artifact.document.layers ?? []).map((layer, index) => ({ layer, index }));
    // Tags have no subject: what is signed inside names the digest, and whoever verifies it compares.
    const ranked = layers
      .filter(({ layer }) => isAttestationType(layer.mediaType))
      .map(({ layer, index }) => ({
        rank: rankOf(layer.annotations),
        candidate: {
          where: `${where}, layer ${index + 1}`,
          read: async () => [await readLayer(content, image, layer)],
        },
      }));
    return { ...NOTHING, ranked };
  };

  return {
    listAttestations: async (image): Promise<AttestationListing> => {
      const tags = cosignTags(image.digest);
      const { ranked, omitted, failures } = merge(
        await Promise.all([
          referrers(image),
          ...tags.map((tag) => settle(image, `tag ${tag}`, () => cosign(image, tag))),
        ]),
      );
      const candidates = [...ranked].sort((one, other) => one.rank - other.rank).map(({ candidate }) => candidate);
      return {
        candidates: candidates.slice(0, MAX_CANDIDATES),
        omitted: omitted + Math.max(0, candidates.length - MAX_CANDIDATES),
        failures,
      };
    },
  };
}

function readArtifact(
  bytes: Uint8Array,
): { readonly kind: "artifact"; readonly document: Artifact } | MalformedAttestation {
  try {
    return { kind: "artifact", document: readDocument(artifactSchema, bytes) };
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return malformed(error.message);
  }
}

/** The layers that hold attestations, by every hint that the manifest itself gives. */
function attestationLayers({ artifactType, config, layers }: Artifact): readonly Layer[] {
  if (artifactType === BUILDKIT_TYPE) return [];
  const known = (layers ?? []).filter(({ mediaType }) => isAttestationType(mediaType));
  if (known.length > 0) return known;
  // A bundle pushed by a general tool: the type of the whole is right, and that of the layer is whatever the tool puts there.
  const whole = [artifactType ?? "", config?.mediaType ?? ""].some((type) => type.startsWith(BUNDLE_TYPE_PREFIX));
  return whole ? (layers ?? []) : [];
}

function isAttestationType(mediaType: string): boolean {
  return mediaType.startsWith(BUNDLE_TYPE_PREFIX) || ENVELOPE_TYPES.includes(mediaType);
}

/** Reads one layer. Content that can't be read is a value: junk must not hide what stands beside it (RULES R15). */
async function readLayer(
  content: Content,
  image: PinnedImage,
  layer: Layer,
): Promise<UnverifiedBundle | MalformedAttestation> {
  if (layer.size > MAX_ATTESTATION_BYTES) {
    throw new BeyondLimit(
      `attestation ${layer.digest}: it has ${layer.size} bytes, and ${MAX_ATTESTATION_BYTES} are read`,
    );
  }
  let bytes: Uint8Array | undefined;
  try {
    bytes = await content.readBlob(image, layer.digest, layer.size);
  } catch (error) {
    if (!(error instanceof BeyondLimit)) throw error;
    return malformed("it is larger than its manifest says");
  }
  if (bytes === undefined) return malformed(`its content ${layer.digest} is not in the registry`);
  if (bytes.length !== layer.size) return malformed("it is smaller than its manifest says");
  try {
    if (!ENVELOPE_TYPES.includes(layer.mediaType)) return parseBundle(bytes);
    if (isCosignLayer(layer.annotations)) return toBundle(bytes, layer.annotations);
    return malformed(
      isEnvelope(bytes)
        ? "it is an envelope without anything that tells the signer: no bundle, and no annotations of cosign"
        : "it is an unsigned statement",
    );
  } catch (error) {
    return malformed(error instanceof Error ? error.message : String(error));
  }
}

function malformed(reason: string): MalformedAttestation {
  return { kind: "malformed", reason: quote(reason) };
}

function holding(where: string, parts: readonly MalformedAttestation[]): AttestationCandidate {
  return { where, read: async () => parts };
}

function failing(where: string, error: Error): AttestationCandidate {
  return { where, read: () => Promise.reject(error) };
}

/** By the hints of annotations, which anyone can write: they decide the order and nothing else. */
function rankOf(...annotations: readonly (Readonly<Record<string, string>> | undefined)[]): number {
  const names = ["dev.sigstore.bundle.predicateType", "predicateType", "in-toto.io/predicate-type"];
  const hints = annotations.flatMap((map) =>
    names.flatMap((name) => (map && Object.hasOwn(map, name) ? [map[name]!] : [])),
  );
  if (hints.length === 0) return 2;
  if (hints.some((hint) => hint.includes("slsa.dev/provenance"))) return 0;
  return hints.some((hint) => hint.includes("slsa.dev/verification_summary")) ? 1 : 3;
}

/** Which manifests to fetch first where there are more than we fetch. */
function rankOfReferrer({ artifactType, annotations }: Referrer): number {
  if (artifactType?.startsWith(BUNDLE_TYPE_PREFIX)) return rankOf(annotations);
  const silent = artifactType === undefined || artifactType === "" || artifactType.startsWith("application/vnd.oci.");
  return silent || isAttestationType(artifactType) ? 4 + rankOf(annotations) : 8;
}

function merge(places: readonly Place[]): Place {
  return {
    ranked: places.flatMap(({ ranked }) => ranked),
    omitted: places.reduce((sum, { omitted }) => sum + omitted, 0),
    failures: places.flatMap(({ failures }) => failures),
  };
}
