import type { ArtifactLayer, MalformedAttestation, UnsignedStatement } from "../attestation/artifact.ts";
import {
  attestationIn,
  attestationLayers,
  BUNDLE_TYPE_PREFIX,
  buildkitLayers,
  isAttestationType,
  malformed,
  rankOf,
  readArtifact,
} from "../attestation/artifact.ts";
import type { UnverifiedBundle } from "../attestation/bundle.ts";
import { cosignTags } from "../attestation/cosign.ts";
import type { PinnedImage } from "../image/reference.ts";
import type { AttestationCandidate, AttestationListing, AttestationSource } from "../trust/ports.ts";
import { BeyondLimit, CouldNotLook } from "../trust/ports.ts";
import type { RepositoryAccess } from "./access.ts";
import type { Content } from "./content.ts";
import type { Referrer, ReferrerList } from "./referrers.ts";
import { fallbackTag, listByApi, listByTag } from "./referrers.ts";

/** Largest attestation that is read, in bytes (DESIGN §7). */
const MAX_ATTESTATION_BYTES = 64 * 1024 * 1024;

/** Candidates per digest (RULES R15), and so also referrers whose manifests are fetched. */
const MAX_CANDIDATES = 200;

/** Layers of one referrer that are read: writers put one bundle into a manifest. */
const MAX_LAYERS = 32;

/** What cosign 2 gives its signatures where it makes referrers of them. */
const COSIGN_TYPE_PREFIX = "application/vnd.dev.cosign.artifact.";

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
    const manifest = { registry, repository, digest: referrer.digest };
    const routine = buildkitLayers(document).slice(0, MAX_LAYERS);
    if (routine.length > 0) {
      const parts = routine.map((layer) => ({ kind: "unsigned" as const, layer, manifest, isRoutine: true }));
      return { ...NOTHING, ranked: [{ rank: 3, candidate: { where, read: async () => parts } }] };
    }
    const layers = attestationLayers(document);
    if (layers.length === 0) return NOTHING;
    const read = async () => {
      const parts = await Promise.all(layers.slice(0, MAX_LAYERS).map((layer) => readLayer(content, image, layer)));
      const more = layers.length - MAX_LAYERS;
      // Whoever signs the manifest signs what is in it.
      const held = parts.map((part) => (part.kind === "unsigned" ? { ...part, manifest } : part));
      return more > 0 ? [...held, malformed(`${more} layers beyond the first ${MAX_LAYERS} were not read`)] : held;
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

/** Reads one layer. Content that can't be read is a value: junk must not hide what stands beside it (RULES R15). */
async function readLayer(
  content: Content,
  image: PinnedImage,
  layer: ArtifactLayer,
): Promise<UnverifiedBundle | UnsignedStatement | MalformedAttestation> {
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
  return attestationIn(layer, bytes);
}

function holding(where: string, parts: readonly MalformedAttestation[]): AttestationCandidate {
  return { where, read: async () => parts };
}

function failing(where: string, error: Error): AttestationCandidate {
  return { where, read: () => Promise.reject(error) };
}

/** Which manifests to fetch first where there are more than we fetch. */
function rankOfReferrer({ artifactType, annotations }: Referrer): number {
  if (artifactType?.startsWith(BUNDLE_TYPE_PREFIX)) return rankOf(annotations);
  const silent = artifactType === undefined || artifactType === "" || artifactType.startsWith("application/vnd.oci.");
  return silent || isAttestationType(artifactType) || artifactType.startsWith(COSIGN_TYPE_PREFIX)
    ? 4 + rankOf(annotations)
    : 8;
}

function merge(places: readonly Place[]): Place {
  return {
    ranked: places.flatMap(({ ranked }) => ranked),
    omitted: places.reduce((sum, { omitted }) => sum + omitted, 0),
    failures: places.flatMap(({ failures }) => failures),
  };
}
