import { checkCounts, type ImageConfig, isAttestationConfig, parseConfig } from "../image/config.ts";
import type { Descriptor } from "../image/descriptor.ts";
import { algorithmOf, digestOf, isDigest } from "../image/digest.ts";
import { ImageFormatError, type ImageIndex, type Manifest, parseManifest } from "../image/manifest.ts";
import { isLayerType, OCI_EMPTY } from "../image/media-type.ts";
import { formatPlatform, isUnknown, type Platform, platformFallbacks, samePlatform } from "../image/platform.ts";
import { type PinnedImage, pin } from "../image/reference.ts";
import type { Finding } from "./finding.ts";
import { BeyondLimit, CouldNotLook, type ImageReader } from "./ports.ts";

/** The largest config, in bytes (DESIGN §7). */
const MAX_CONFIG_BYTES = 4 * 1024 * 1024;
/** How many entries of an index are looked at, nested ones included. */
const MAX_INDEX_ENTRIES = 512;
/** How many attestation manifests of one index are told ahead: builders write one a platform. */
const MAX_TOLD_AHEAD = 16;
/** How deep indexes may nest. */
const MAX_INDEX_DEPTH = 4;

/** An index on the way from the digest asked for to a platform's manifest. */
export interface EnclosingIndex {
  readonly image: PinnedImage;
  readonly bytes: Uint8Array;
  readonly index: ImageIndex;
}

/** One platform's image: what a finding is about. */
export interface ImageNode {
  /** By the digest of the platform's manifest. */
  readonly image: PinnedImage;
  /** The config's, with what only the descriptor says of it (RULES R24). */
  readonly platform: Platform;
  readonly manifest: Manifest;
  readonly manifestBytes: Uint8Array;
  readonly config: ImageConfig;
  /** Outermost first; empty if the digest asked for is the manifest's own. */
  readonly indexes: readonly EnclosingIndex[];
}

/** A node, or why there is none. */
export type Resolution =
  | { readonly kind: "node"; readonly node: ImageNode }
  | { readonly kind: "finding"; readonly image: PinnedImage; readonly platform?: Platform; readonly finding: Finding };

/** A manifest in an index that holds statements about other entries, proven so by its content (RULES R24). */
export interface AttestationManifest {
  readonly image: PinnedImage;
  readonly bytes: Uint8Array;
  readonly manifest: Manifest;
  readonly descriptor: Descriptor;
}

/**
 * From a digest to the platform images under it.
 *
 * Every entry of an index is a node to be judged, unless its content proves that it is an attestation manifest: an entry that hides
 * behind `unknown/unknown` could otherwise be run unjudged (RULES R24).
 *
 * @param wanted - A platform, or every one. For a platform that the index doesn't have, those that BuildKit would take instead.
 * @param isParent - A parent that is no index is taken whatever its platform: that is what the build used.
 * @param ahead - Told what a node under the digest will need, as soon as its digest is known.
 */
export async function resolveImage(
  reader: ImageReader,
  image: PinnedImage,
  wanted: Platform | "every",
  isParent: boolean,
  ahead: Ahead = { onImage() {}, onBeside() {} },
): Promise<readonly Resolution[]> {
  const found = await expand({ reader, wanted, count: { entries: 0 }, ahead }, image, [], undefined);
  const runnable = found.filter((entry) => entry !== "attestation");
  const nodes = runnable.flatMap((resolution) => (resolution.kind === "node" ? [resolution.node] : []));
  const findings = runnable.filter((resolution) => resolution.kind === "finding");
  const chosen = choose(nodes, wanted, isParent);
  if (chosen.length === 0 && findings.length === 0) {
    const finding: Finding =
      wanted === "every"
        ? { kind: "unresolved", code: "empty-index", reason: "the index holds no image" }
        : { kind: "unresolved", code: "platform-not-found", reason: `there is no image for ${formatPlatform(wanted)}` };
    return [{ kind: "finding", image, finding }];
  }
  return [...findings, ...duplicates(image, chosen), ...chosen.map((node) => ({ kind: "node" as const, node }))];
}

/** Hears of what can be asked for already while an image is still read. Nothing is judged by it. */
export interface Ahead {
  /** What refers to this image will be asked for. */
  onImage(image: PinnedImage): void;
  /** This entry of an index says that it is an attestation manifest about an image that is wanted. */
  onBeside(manifest: PinnedImage, descriptor: Descriptor): void;
}

/** What an index holds beside its images. */
export interface AttestationManifests {
  readonly manifests: readonly AttestationManifest[];
  /** Entries that may be such manifests and couldn't be read, each with the reason. */
  readonly unread: readonly { readonly descriptor: Descriptor; readonly reason: string }[];
}

/**
 * The attestation manifests of an index that may be about a node (BuildKit's attestation-storage.md), each proven by its content.
 *
 * An entry that can't be read is told, not skipped: whoever keeps the registry could else withhold one of two that contradict each
 * other (RULES R11).
 *
 * @throws {CouldNotLook}
 */
export async function readAttestationManifests(
  reader: ImageReader,
  { image, index }: EnclosingIndex,
  node: ImageNode,
): Promise<AttestationManifests> {
  const entries = index.manifests.filter(
    (entry) => (entry.platform === undefined || isUnknown(entry.platform)) && mayBeAbout(entry, node),
  );
  if (entries.length > MAX_INDEX_ENTRIES) {
    const reason = `more than ${MAX_INDEX_ENTRIES} entries of the index may be attestation manifests`;
    return { manifests: [], unread: entries.slice(0, 1).map((descriptor) => ({ descriptor, reason })) };
  }
  const read = await Promise.all(entries.map((descriptor) => readAttestationManifest(reader, image, descriptor)));
  return {
    manifests: read.flatMap((entry) => (typeof entry === "object" ? [entry] : [])),
    unread: entries.flatMap((descriptor, i) => {
      const reason = read[i];
      return typeof reason === "string" ? [{ descriptor, reason }] : [];
    }),
  };
}

/** @returns undefined if it is something else, and a reason if that can't be told. */
async function readAttestationManifest(
  reader: ImageReader,
  index: PinnedImage,
  descriptor: Descriptor,
): Promise<AttestationManifest | string | undefined> {
  const image = pin(index, descriptor.digest);
  try {
    const stored = await reader.readManifest(image);
    if (stored === undefined) return "the repository can be read and doesn't hold it";
    if (stored.bytes.length !== descriptor.size) return "the index says another size";
    const manifest = parseManifest(stored.bytes, { contentType: stored.contentType, mediaType: descriptor.mediaType });
    if (manifest.kind === "index") return undefined;
    const isProven = await isAttestationManifest(reader, image, manifest, descriptor);
    if (isProven === undefined) return "the repository can be read and doesn't hold its config";
    if (!isProven) return undefined;
    return { image, bytes: stored.bytes, manifest, descriptor };
  } catch (error) {
    if (error instanceof ImageFormatError || error instanceof SizeMismatch || error instanceof BeyondLimit)
      return error.message;
    throw error;
  }
}

/** The attestation manifests that say that they are about one of these entries. */
function besideOf({ manifests }: ImageIndex, entries: readonly Descriptor[]): readonly Descriptor[] {
  const wanted = new Set<string>(entries.map(({ digest }) => digest));
  return manifests
    .filter(({ platform, annotations }) => {
      const about = annotations["vnd.docker.reference.digest"];
      return platform !== undefined && isUnknown(platform) && about !== undefined && wanted.has(about);
    })
    .slice(0, MAX_TOLD_AHEAD);
}

/** BuildKit writes beside each attestation manifest what it is about: a word as good as the index that it stands in. */
function mayBeAbout({ annotations }: Descriptor, { manifestBytes }: ImageNode): boolean {
  const about = annotations["vnd.docker.reference.digest"] ?? "";
  return !isDigest(about) || digestOf(manifestBytes, algorithmOf(about)) === about;
}

type Entry = Resolution | "attestation";

/** What stays the same below one digest. */
interface Expansion {
  readonly reader: ImageReader;
  readonly wanted: Platform | "every";
  /** Of all indexes together. */
  readonly count: { entries: number };
  readonly ahead: Ahead;
}

async function expand(
  expansion: Expansion,
  image: PinnedImage,
  indexes: readonly EnclosingIndex[],
  descriptor: Descriptor | undefined,
): Promise<readonly Entry[]> {
  const { reader, wanted, count, ahead } = expansion;
  const finding = (value: Finding): readonly Entry[] => [
    { kind: "finding", image, ...(descriptor?.platform && { platform: descriptor.platform }), finding: value },
  ];
  // An entry for no platform holds statements as a rule; where it doesn't, its evidence is looked for when it is examined.
  if (descriptor?.platform === undefined || !isUnknown(descriptor.platform)) ahead.onImage(image);
  try {
    const stored = await reader.readManifest(image);
    if (stored === undefined)
      return finding({
        kind: "unresolved",
        code: "manifest-not-found",
        reason: "the repository can be read and doesn't hold this digest",
      });
    if (descriptor !== undefined && descriptor.size !== stored.bytes.length) {
      return finding({
        kind: "malformed",
        code: "size-mismatch",
        reason: `the index says ${descriptor.size} bytes, the manifest has ${stored.bytes.length}`,
      });
    }
    const document = parseManifest(stored.bytes, {
      contentType: stored.contentType,
      ...(descriptor && { mediaType: descriptor.mediaType }),
    });
    if (document.kind === "index") {
      if (indexes.length >= MAX_INDEX_DEPTH)
        return finding({ kind: "limit", reason: `indexes nest deeper than ${MAX_INDEX_DEPTH}` });
      const within = [...indexes, { image, bytes: stored.bytes, index: document }];
      const entries = entriesFor(document, wanted);
      // Before any of them is fetched: half of an index would be judged, and which half is chance.
      if (count.entries + entries.length > MAX_INDEX_ENTRIES)
        return finding({ kind: "limit", reason: `more than ${MAX_INDEX_ENTRIES} entries below one index` });
      count.entries += entries.length;
      for (const entry of besideOf(document, entries)) ahead.onBeside(pin(image, entry.digest), entry);
      const expanded = await Promise.all(
        entries.map((entry) => expand(expansion, pin(image, entry.digest), within, entry)),
      );
      return expanded.flat();
    }
    if (descriptor !== undefined && (await isAttestationManifest(reader, image, document, descriptor)))
      return ["attestation"];
    const config = await readConfig(reader, image, document);
    if (config === undefined)
      return finding({
        kind: "unresolved",
        code: "config-not-found",
        reason: `the repository can be read and doesn't hold the config ${document.config.digest}`,
      });
    checkCounts(document, config);
    const claimed = descriptor?.platform;
    if (claimed !== undefined && !agrees(config.platform, claimed)) {
      const reason = `the index says ${formatPlatform(claimed)}, the config ${formatPlatform(config.platform)}`;
      return finding({ kind: "mismatch", code: "platform-mismatch", reason });
    }
    return [
      {
        kind: "node",
        node: {
          image,
          platform: { ...claimed, ...config.platform },
          manifest: document,
          manifestBytes: stored.bytes,
          config,
          indexes,
        },
      },
    ];
  } catch (error) {
    return finding(findingOf(error));
  }
}

/** A descriptor with another size than the bytes that have its digest: readers that stop at the size would see other bytes. */
class SizeMismatch extends Error {}

/** What an error of reading or parsing an image means. Anything unforeseen flies on: a fault of ours is not a fact about an image. */
export function findingOf(error: unknown): Finding {
  if (error instanceof CouldNotLook) return { kind: "unreachable", code: error.code, reason: error.message };
  if (error instanceof BeyondLimit) return { kind: "limit", reason: error.message };
  if (error instanceof SizeMismatch) return { kind: "malformed", code: "size-mismatch", reason: error.message };
  if (error instanceof ImageFormatError) return { kind: "malformed", code: error.code, reason: error.message };
  throw error;
}

/**
 * With a platform wanted, entries that say another one aren't fetched. Entries that say none are: what they are only their config
 * tells; and nested indexes, whose descriptors seldom say one.
 */
function entriesFor({ manifests }: ImageIndex, wanted: Platform | "every"): readonly Descriptor[] {
  if (wanted === "every") return manifests;
  const best = [wanted, ...platformFallbacks(wanted)].find((candidate) =>
    manifests.some(({ platform }) => platform !== undefined && samePlatform(platform, candidate)),
  );
  return manifests.filter(
    ({ platform }) => platform === undefined || (best !== undefined && samePlatform(platform, best)),
  );
}

/** Whether a machine of the wanted platform runs images for this one, where an index has nothing better for it. */
export function isTakenFor(platform: Platform, wanted: Platform): boolean {
  return [wanted, ...platformFallbacks(wanted)].some((candidate) => samePlatform(platform, candidate));
}

/** Whether a machine of the wanted platform may be given this node: the same choice that {@link resolveImage} makes. */
export function mayBeGiven({ image, platform, indexes }: ImageNode, wanted: Platform): boolean {
  const steps = [...indexes.slice(1).map((inner) => inner.image.digest), image.digest];
  const isReached = indexes.every(({ index }, level) =>
    entriesFor(index, wanted).some(({ digest }) => digest === steps[level]),
  );
  return isReached && isTakenFor(platform, wanted);
}

/**
 * All that a runtime may take, and not just the best: it sorts entries that say no platform behind any that do, so that a written
 * fallback wins over an unwritten match.
 */
function choose(nodes: readonly ImageNode[], wanted: Platform | "every", isParent: boolean): readonly ImageNode[] {
  if (wanted === "every") return nodes;
  const [only] = nodes;
  if (isParent && nodes.length === 1 && only !== undefined && only.indexes.length === 0) return nodes;
  return nodes.filter(({ platform }) => isTakenFor(platform, wanted));
}

/** Two images for one platform: which of them runs is the runtime's whim (RULES R24). */
function duplicates(image: PinnedImage, nodes: readonly ImageNode[]): Resolution[] {
  const clash = nodes.filter((node, i) => nodes.findIndex((other) => samePlatform(other.platform, node.platform)) < i);
  return clash
    .filter((node) =>
      nodes.some((other) => other.image.digest !== node.image.digest && samePlatform(other.platform, node.platform)),
    )
    .map((node) => {
      const reason = `the index holds several images for ${formatPlatform(node.platform)}`;
      return {
        kind: "finding",
        image,
        platform: node.platform,
        finding: { kind: "mismatch", code: "duplicate-platform", reason },
      };
    });
}

/** Old configs leave the variant out; what they do say must be the same. */
function agrees(config: Platform, descriptor: Platform): boolean {
  return samePlatform(config, descriptor) || samePlatform({ ...descriptor, ...config }, descriptor);
}

/**
 * By content, never by annotation: no layer that a runtime would unpack, and a config that no runtime would run. An index entry
 * that says a real platform is always a node.
 *
 * @returns undefined if only its config could tell, and isn't there.
 */
async function isAttestationManifest(
  reader: ImageReader,
  image: PinnedImage,
  manifest: Manifest,
  descriptor: Descriptor,
): Promise<boolean | undefined> {
  if (descriptor.platform !== undefined && !isUnknown(descriptor.platform)) return false;
  const types = manifest.layers.map(({ mediaType }) => mediaType);
  if (types.some(isLayerType)) return false;
  if (!types.includes("application/vnd.in-toto+json")) return false;
  if (manifest.config.mediaType === OCI_EMPTY) return isEmptyDocument(manifest.config);
  const config = await readConfig(reader, image, manifest);
  return config && isAttestationConfig(config);
}

/** By its digest: the media type is only a word, and a config behind it could run. */
function isEmptyDocument({ digest }: Descriptor): boolean {
  return digest === digestOf(new TextEncoder().encode("{}"), algorithmOf(digest));
}

/** @returns undefined if it isn't there. @throws {CouldNotLook} and what is wrong with it. */
export async function readConfig(
  reader: ImageReader,
  image: PinnedImage,
  manifest: Manifest,
): Promise<ImageConfig | undefined> {
  const bytes = await reader.readBlob(image, manifest.config.digest, MAX_CONFIG_BYTES);
  if (bytes === undefined) return undefined;
  if (bytes.length !== manifest.config.size) {
    throw new SizeMismatch(`the manifest says ${manifest.config.size} bytes of config, there are ${bytes.length}`);
  }
  return parseConfig(bytes);
}
