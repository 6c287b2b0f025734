import { type MalformedAttestation, malformed, type UnsignedStatement } from "../attestation/artifact.ts";
import { BundleError, parseBundle, type UnverifiedBundle } from "../attestation/bundle.ts";
import type { FulcioExtensions } from "../attestation/identity.ts";
import type { Descriptor } from "../image/descriptor.ts";
import { algorithmOf, type Digest, digestOf } from "../image/digest.ts";
import {
  formatReference,
  type ImageReference,
  ImageReferenceError,
  imageName,
  type PinnedImage,
  parseReference,
  pin,
} from "../image/reference.ts";
import type { WalkPorts } from "./ancestry.ts";
import {
  BeyondLimit,
  type BundleVerifier,
  CouldNotLook,
  type FeedShelf,
  type FeedSource,
  type KnownImages,
  type LayerReader,
} from "./ports.ts";
import type { Asked, Question, RecordedBytes, RecordedFailure, RecordedItem } from "./walk-record.ts";

/** What a question was about, as the walk had it: written down is only what tells it from others. */
export interface AskedAbout {
  readonly resolutions: ImageReference;
  readonly manifests: PinnedImage;
  readonly blobs: PinnedImage;
  readonly attestations: PinnedImage;
  readonly defaultBranches: FulcioExtensions;
  readonly layers: { readonly image: PinnedImage; readonly layer: Descriptor };
  readonly known: undefined;
  readonly feeds: undefined;
  readonly keptFeeds: undefined;
}

/** Answers questions in the form in which answers are written down. */
export interface Answerer {
  answer<Kind extends keyof Asked>(
    kind: Kind,
    question: Question<Kind>,
    about: AskedAbout[Kind],
  ): Promise<Asked[Kind]["answer"]>;
  readonly bytes: RecordedBytes;
}

/** Which of the ports that a walk may lack are there. */
export interface AnsweredKinds {
  readonly defaultBranches: boolean;
  readonly layers: boolean;
  /** What the images are called that are known; undefined without any. */
  readonly known: string | undefined;
  readonly feeds: boolean;
}

/** A walk's ports, and what a name stands for. */
export interface AnsweredPorts extends WalkPorts {
  /** @returns undefined if it is provably absent. @throws {CouldNotLook} @throws {BeyondLimit} */
  resolve(reference: ImageReference): Promise<{ readonly pinned: PinnedImage } | undefined>;
}

/**
 * The ports of a walk over written answers. A walk that is written down goes by these too, so that whoever replays it is told the same
 * things in the same words.
 *
 * Bytes are held against the digests that they were asked by, and bundles go to the verifier: neither is believed because it was written.
 */
export function answeredPorts(from: Answerer, kinds: AnsweredKinds, verifier: BundleVerifier): AnsweredPorts {
  const held = (blob: Digest): Uint8Array => {
    const bytes = from.bytes.get(blob);
    // Whoever reads a file has looked for all of them before.
    if (bytes === undefined) throw new Error(`the bytes ${blob} were not written down`);
    return bytes;
  };
  return {
    verifier,
    async resolve(reference) {
      const answer = await from.answer("resolutions", { reference: formatReference(reference) }, reference);
      if (answer.kind === "absent") return undefined;
      if (answer.kind !== "found") return fail(answer);
      if (reference.digest !== undefined && reference.digest !== answer.digest)
        throw mismatch(`resolve ${formatReference(reference)}`);
      return { pinned: pin(reference, answer.digest) };
    },
    images: {
      async readManifest(image) {
        const answer = await from.answer("manifests", { image: nameOf(image) }, image);
        if (answer.kind === "absent") return undefined;
        if (answer.kind !== "found") return fail(answer);
        return { bytes: proven(held(answer.blob), image.digest), contentType: answer.contentType };
      },
      async readBlob(image, digest, limit) {
        const answer = await from.answer("blobs", { image: nameOf(image), digest, limit }, image);
        if (answer.kind === "absent") return undefined;
        return answer.kind === "found" ? proven(held(answer.blob), digest) : fail(answer);
      },
    },
    attestations: {
      async listAttestations(image) {
        const answer = await from.answer("attestations", { image: nameOf(image) }, image);
        if (answer.kind === "unreachable") return fail(answer);
        return {
          omitted: answer.omitted,
          failures: answer.failures.map(({ code, message }) => new CouldNotLook(code, message)),
          candidates: answer.candidates.map(({ where, read }) => ({
            where,
            read: async () => (read.kind === "items" ? read.items.map((item) => itemOf(item, held)) : fail(read)),
          })),
        };
      },
    },
    ...(kinds.defaultBranches && {
      defaultBranches: { readDefaultBranch: (source: FulcioExtensions) => readDefaultBranch(from, source) },
    }),
    ...(kinds.layers && { layers: layersOf(from) }),
    ...(kinds.known !== undefined && { known: knownOf(from, kinds.known) }),
    ...(kinds.feeds && { feeds: { source: feedsOf(from, held), shelf: shelfOf(from, held) } }),
  };
}

/** `registry/repository@digest`, without the tag that led there. */
export function nameOf(image: PinnedImage): string {
  return `${imageName(image)}@${image.digest}`;
}

async function readDefaultBranch(from: Answerer, source: FulcioExtensions): Promise<string | undefined> {
  const { sourceRepositoryUri = "", sourceRepositoryIdentifier = "" } = source;
  const question = { source: sourceRepositoryUri, id: sourceRepositoryIdentifier };
  const answer = await from.answer("defaultBranches", question, source);
  if (answer.kind === "unreachable") return fail(answer);
  return answer.kind === "branch" ? answer.name : undefined;
}

function layersOf(from: Answerer): LayerReader {
  return {
    async unpackLayer(image, layer, algorithm, limit) {
      const { digest, mediaType, size } = layer;
      const question = { image: nameOf(image), digest, mediaType, size, algorithm, limit };
      const answer = await from.answer("layers", question, { image, layer });
      if (answer.kind === "absent") return undefined;
      return answer.kind === "unreachable" || answer.kind === "limit" ? fail(answer) : answer;
    },
  };
}

function knownOf(from: Answerer, description: string): KnownImages {
  return {
    description,
    async findByChain(policy, chainIds) {
      const answer = await from.answer("known", { policy, chainIds: [...chainIds] }, undefined);
      if (answer.kind === "unreachable") return fail(answer);
      return answer.images.map(({ index, signedAt, ...image }) => ({
        ...image,
        ...(index !== undefined && { index }),
        ...(signedAt !== undefined && { signedAt: new Date(signedAt) }),
      }));
    },
  };
}

function feedsOf(from: Answerer, held: (blob: Digest) => Uint8Array): FeedSource {
  return {
    async fetchFeed(url, limit) {
      const answer = await from.answer("feeds", { url, limit }, undefined);
      return answer.kind === "found" ? held(answer.blob) : fail(answer);
    },
  };
}

/** Nothing is kept: what a file holds was seen by whoever wrote it, and not here. */
function shelfOf(from: Answerer, held: (blob: Digest) => Uint8Array): FeedShelf {
  return {
    async readFeed(key) {
      const answer = await from.answer("keptFeeds", { key }, undefined);
      return answer.kind === "found" ? held(answer.blob) : undefined;
    },
    keepFeed: async () => {},
  };
}

function itemOf(
  item: RecordedItem,
  held: (blob: Digest) => Uint8Array,
): UnverifiedBundle | UnsignedStatement | MalformedAttestation {
  switch (item.kind) {
    case "malformed":
      return item;
    case "bundle":
      return readable(() => {
        const bundle = parseBundle(held(item.blob));
        return item.artifact === undefined ? bundle : { ...bundle, artifact: held(item.artifact) };
      });
    case "unsigned":
      return readable(() => {
        const { kind, layer, isRoutine } = item;
        const manifest = item.manifest === undefined ? undefined : parseReference(item.manifest);
        return {
          kind,
          layer,
          ...(manifest?.digest !== undefined && { manifest: pin(manifest, manifest.digest) }),
          ...(isRoutine !== undefined && { isRoutine }),
        };
      });
  }
}

/** What was written down was found readable; what isn't any more was written by somebody else. */
function readable<Item>(read: () => Item): Item | MalformedAttestation {
  try {
    return read();
  } catch (error) {
    if (error instanceof BundleError || error instanceof ImageReferenceError) return malformed(error.message);
    throw error;
  }
}

/** Whoever wrote the answers may have put other bytes in their place. */
function proven(bytes: Uint8Array, digest: Digest): Uint8Array {
  if (digestOf(bytes, algorithmOf(digest)) !== digest) throw mismatch(`read ${digest}`);
  return bytes;
}

function mismatch(what: string): CouldNotLook {
  return new CouldNotLook("digest-mismatch", `${what}: what was written down has another digest`);
}

function fail(failure: RecordedFailure): never {
  if (failure.kind === "limit") throw new BeyondLimit(failure.message);
  throw new CouldNotLook(failure.code, failure.message);
}
