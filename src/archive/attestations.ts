import type { Artifact, ArtifactLayer } from "../attestation/artifact.ts";
import {
  attestationIn,
  attestationLayers,
  isAttestationType,
  malformed,
  rankOf,
  readArtifact,
} from "../attestation/artifact.ts";
import { cosignTags } from "../attestation/cosign.ts";
import type { Descriptor } from "../image/descriptor.ts";
import type { Digest } from "../image/digest.ts";
import type { PinnedImage } from "../image/reference.ts";
import type { AttestationCandidate, AttestationListing } from "../trust/ports.ts";
import { BeyondLimit, CouldNotLook } from "../trust/ports.ts";
import type { Layout } from "./layout.ts";
import { isCosignPart, refNameOf } from "./names.ts";

/** Largest attestation that is read, in bytes (DESIGN §7). */
const MAX_ATTESTATION_BYTES = 64 * 1024 * 1024;
/** Candidates per digest (RULES R15). */
const MAX_CANDIDATES = 200;
/** Layers of one referrer that are read: writers put one bundle into a manifest. */
const MAX_LAYERS = 32;

interface Ranked {
  readonly rank: number;
  readonly candidate: AttestationCandidate;
}

/**
 * Finds in a layout what was signed about a digest: manifests whose subject it is, what stands under cosign's tags, and what
 * `cosign save` put beside the image.
 */
export async function listInLayout(layout: Layout, image: PinnedImage): Promise<AttestationListing> {
  const { registry, repository, digest } = image;
  const failures: CouldNotLook[] = [];
  const { referrers, omitted, failures: unread } = await layout.contents();
  const ranked: Ranked[] = [];
  for (const { digest: at } of referrers.get(digest) ?? []) {
    ranked.push(
      ...(await candidatesIn(layout, at, failures, (document) =>
        referrerCandidates(layout, { registry, repository, digest: at }, document),
      )),
    );
  }
  for (const { where, descriptor } of cosignParts(layout, digest)) {
    ranked.push(
      ...(await candidatesIn(layout, descriptor.digest, failures, (document) =>
        cosignCandidates(layout, where, document),
      )),
    );
  }
  const candidates = ranked.sort((one, other) => one.rank - other.rank).map(({ candidate }) => candidate);
  return {
    candidates: candidates.slice(0, MAX_CANDIDATES),
    omitted: omitted + Math.max(0, candidates.length - MAX_CANDIDATES),
    failures: [...unread, ...failures],
  };
}

/** Entries of `index.json` that cosign made, or whoever copied its tags. Only what is signed inside says what they are about. */
function cosignParts({ entries }: Layout, digest: Digest): readonly { where: string; descriptor: Descriptor }[] {
  const tags = cosignTags(digest);
  // `cosign save` tells no digest: what it puts into a layout is about the one image that it saves.
  const isSaved = entries.some((entry) => entry.digest === digest);
  return entries.flatMap((descriptor) => {
    const name = refNameOf(descriptor);
    const tag = tags.find((each) => name === each || name?.endsWith(`:${each}`));
    if (tag !== undefined) return [{ where: `tag ${tag} in index.json`, descriptor }];
    return isSaved && isCosignPart(descriptor) ? [{ where: `${descriptor.digest}, saved by cosign`, descriptor }] : [];
  });
}

async function candidatesIn(
  layout: Layout,
  digest: Digest,
  failures: CouldNotLook[],
  make: (document: Artifact) => readonly Ranked[],
): Promise<readonly Ranked[]> {
  const held = (candidate: AttestationCandidate) => [{ rank: 3, candidate }];
  try {
    const bytes = await layout.readManifest(digest);
    if (bytes === undefined) return [];
    const artifact = readArtifact(bytes);
    return artifact.kind === "artifact"
      ? make(artifact.document)
      : held({ where: `manifest ${digest}`, read: async () => [artifact] });
  } catch (error) {
    if (error instanceof BeyondLimit) return held({ where: `manifest ${digest}`, read: () => Promise.reject(error) });
    if (!(error instanceof CouldNotLook)) throw error;
    failures.push(error);
    return [];
  }
}

function referrerCandidates(layout: Layout, manifest: PinnedImage, document: Artifact): readonly Ranked[] {
  const layers = attestationLayers(document);
  if (document.manifests || layers.length === 0) return [];
  const read = async () => {
    const parts = await Promise.all(layers.slice(0, MAX_LAYERS).map((layer) => readLayer(layout, layer)));
    const more = layers.length - MAX_LAYERS;
    // Whoever signs the manifest signs what is in it.
    const held = parts.map((part) => (part.kind === "unsigned" ? { ...part, manifest } : part));
    return more > 0 ? [...held, malformed(`${more} layers beyond the first ${MAX_LAYERS} were not read`)] : held;
  };
  return [
    {
      rank: rankOf(document.annotations, layers[0]?.annotations),
      candidate: { where: `referrer ${manifest.digest}`, read },
    },
  ];
}

function cosignCandidates(layout: Layout, where: string, document: Artifact): readonly Ranked[] {
  return (document.layers ?? []).flatMap((layer, index) =>
    isAttestationType(layer.mediaType)
      ? [
          {
            rank: rankOf(layer.annotations),
            candidate: { where: `${where}, layer ${index + 1}`, read: async () => [await readLayer(layout, layer)] },
          },
        ]
      : [],
  );
}

async function readLayer(layout: Layout, layer: ArtifactLayer) {
  if (layer.size > MAX_ATTESTATION_BYTES) {
    throw new BeyondLimit(
      `attestation ${layer.digest}: it has ${layer.size} bytes, and ${MAX_ATTESTATION_BYTES} are read`,
    );
  }
  return attestationIn(layer, await layout.readBlob(layer.digest, MAX_ATTESTATION_BYTES));
}
