import pLimit from "p-limit";
import type { MalformedAttestation, UnsignedStatement } from "../attestation/artifact.ts";
import type { UnverifiedBundle } from "../attestation/bundle.ts";
import { type Digest, digestOf } from "../image/digest.ts";
import { formatReference, type ImageReference, type PinnedImage } from "../image/reference.ts";
import type { WalkPorts } from "./ancestry.ts";
import { type AnsweredKinds, type AnsweredPorts, type AskedAbout, answeredPorts } from "./answered-ports.ts";
import { MAX_READS } from "./evidence.ts";
import { type AttestationCandidate, BeyondLimit, CouldNotLook } from "./ports.ts";
import {
  type Asked,
  MAX_WORDS,
  type Question,
  questionKey,
  type RecordedBytes,
  type RecordedFailure,
  type RecordedItem,
  type WalkRecord,
} from "./walk-record.ts";

/** What walks read is more than may be kept. It says nothing of any image. */
export class RecordTooLarge extends Error {
  override readonly name = "RecordTooLarge";
}

/** Bytes that several walks may share, each kept once. */
export interface ByteStore {
  readonly bytes: RecordedBytes;
  /** @throws {RecordTooLarge} */
  keep(bytes: Uint8Array): Digest;
}

/** @param limit - Of all bytes together. */
export function createByteStore(limit: number): ByteStore {
  const bytes = new Map<Digest, Uint8Array>();
  let size = 0;
  return {
    bytes,
    keep(given) {
      const digest = digestOf(given);
      if (bytes.has(digest)) return digest;
      size += given.length;
      if (size > limit) throw new RecordTooLarge(`what was read comes to more than ${limit} bytes`);
      bytes.set(digest, given);
      return digest;
    },
  };
}

/** Where the name is looked up by which an image is asked for. */
export type Resolve = (reference: ImageReference) => Promise<{ readonly pinned: PinnedImage } | undefined>;

/** One walk that is written down. */
export interface Recording {
  /** To walk by in place of the ports that were given: those are asked once for each thing, and whoever asks again is told the same. */
  readonly ports: AnsweredPorts;
  /** All answers so far, in an order of their own, after waiting for those that are still to come. @throws {RecordTooLarge} */
  finish(): Promise<WalkRecord>;
}

/** Writes down what the world answers to one walk, where it couldn't be looked at included. */
export function recordWalk(ports: WalkPorts, resolve: Resolve, store: ByteStore): Recording {
  const asker = askerOf(ports, resolve, store.keep);
  const kept: { readonly [Kind in keyof Asked]: Kept<Kind> } = {
    resolutions: keptOf(asker.resolutions),
    manifests: keptOf(asker.manifests),
    blobs: keptOf(asker.blobs),
    attestations: keptOf(asker.attestations),
    defaultBranches: keptOf(asker.defaultBranches),
    layers: keptOf(asker.layers),
    known: keptOf(asker.known),
    feeds: keptOf(asker.feeds),
    keptFeeds: keptOf(asker.keptFeeds),
  };
  const kinds: AnsweredKinds = {
    defaultBranches: ports.defaultBranches !== undefined,
    layers: ports.layers !== undefined,
    known: ports.known?.description,
    feeds: ports.feeds !== undefined,
  };
  const answer = <Kind extends keyof Asked>(kind: Kind, question: Question<Kind>, about: AskedAbout[Kind]) =>
    kept[kind].ask(question, about);
  const { onProgress, verifier } = ports;
  return {
    ports: {
      ...answeredPorts({ bytes: store.bytes, answer }, kinds, verifier),
      ...(onProgress && { onProgress }),
    },
    finish: async () => ({
      resolutions: await kept.resolutions.list(),
      manifests: await kept.manifests.list(),
      blobs: await kept.blobs.list(),
      attestations: await kept.attestations.list(),
      defaultBranches: kinds.defaultBranches ? await kept.defaultBranches.list() : null,
      layers: kinds.layers ? await kept.layers.list() : null,
      known: kinds.known === undefined ? null : { description: kinds.known, answers: await kept.known.list() },
      feeds: kinds.feeds ? { fetched: await kept.feeds.list(), kept: await kept.keptFeeds.list() } : null,
    }),
  };
}

type Ask<Kind extends keyof Asked> = (
  question: Question<Kind>,
  about: AskedAbout[Kind],
) => Promise<Asked[Kind]["answer"]>;

/** The answers to one kind of question. */
interface Kept<Kind extends keyof Asked> {
  readonly ask: Ask<Kind>;
  list(): Promise<(Question<Kind> & { answer: Asked[Kind]["answer"] })[]>;
}

function keptOf<Kind extends keyof Asked>(ask: Ask<Kind>): Kept<Kind> {
  const answers = new Map<string, { question: Question<Kind>; answer: Promise<Asked[Kind]["answer"]> }>();
  return {
    ask(question, about) {
      const key = questionKey(question);
      const before = answers.get(key);
      if (before !== undefined) return before.answer;
      const answer = ask(question, about);
      answer.catch(() => {}); // whoever asked is told, and so is whoever waits for the end
      answers.set(key, { question, answer });
      return answer;
    },
    list: () =>
      Promise.all(
        [...answers]
          .sort(([one], [other]) => (one < other ? -1 : 1))
          .map(async ([, { question, answer }]) => ({ ...question, answer: await answer })),
      ),
  };
}

/** Puts questions to the ports themselves. */
function askerOf(
  { images, attestations, defaultBranches, layers, known, feeds }: WalkPorts,
  resolve: Resolve,
  keep: (bytes: Uint8Array) => Digest,
): { readonly [Kind in keyof Asked]: Ask<Kind> } {
  const reads = pLimit(MAX_READS);
  const readCandidate = async ({ where, read }: AttestationCandidate) => {
    const items = await settled(async () => ({
      kind: "items" as const,
      items: (await reads(read)).map((item) => recordedItem(item, keep)),
    }));
    return { where: clipped(where), read: items };
  };
  return {
    resolutions: (_, reference) =>
      settled(async () => {
        const resolved = await resolve(reference);
        return resolved === undefined ? ABSENT : { kind: "found", digest: resolved.pinned.digest };
      }),
    manifests: (_, image) =>
      settled(async () => {
        const stored = await images.readManifest(image);
        if (stored === undefined) return ABSENT;
        return { kind: "found", blob: keep(stored.bytes), contentType: stored.contentType };
      }),
    blobs: ({ digest, limit }, image) =>
      settled(async () => {
        const bytes = await images.readBlob(image, digest, limit);
        return bytes === undefined ? ABSENT : { kind: "found", blob: keep(bytes) };
      }),
    attestations: (_, image) =>
      reachable(async () => {
        const { candidates, omitted, failures } = await attestations.listAttestations(image);
        return {
          kind: "listed",
          candidates: await Promise.all(candidates.map(readCandidate)),
          omitted,
          failures: failures.map(({ code, message }) => ({ kind: "unreachable", code, message: clipped(message) })),
        };
      }),
    defaultBranches: (_, source) =>
      reachable(async () => {
        const name = await required(defaultBranches).readDefaultBranch(source);
        return name === undefined ? { kind: "another" } : { kind: "branch", name };
      }),
    layers: ({ algorithm, limit }, { image, layer }) =>
      settled(async () => {
        const unpacked = await required(layers).unpackLayer(image, layer, algorithm, limit);
        if (unpacked === undefined) return ABSENT;
        return unpacked.kind === "unpacked" ? unpacked : { kind: unpacked.kind, reason: clipped(unpacked.reason) };
      }),
    known: ({ policy, chainIds }) =>
      reachable(async () => {
        const images = await required(known).findByChain(policy, chainIds);
        return {
          kind: "known",
          images: images.map(({ signedAt, origins, ...image }) => ({
            ...image,
            origins: [...origins],
            ...(signedAt && { signedAt: signedAt.toISOString() }),
          })),
        };
      }),
    feeds: ({ url, limit }) =>
      settled(async () => ({ kind: "found", blob: keep(await required(feeds).source.fetchFeed(url, limit)) })),
    keptFeeds: async ({ key }) => {
      const bytes = await required(feeds).shelf.readFeed(key);
      return bytes === undefined ? ABSENT : { kind: "found", blob: keep(bytes) };
    },
  };
}

const ABSENT = { kind: "absent" } as const;

function recordedItem(
  item: UnverifiedBundle | UnsignedStatement | MalformedAttestation,
  keep: (bytes: Uint8Array) => Digest,
): RecordedItem {
  switch (item.kind) {
    case "malformed":
      return { kind: "malformed", reason: clipped(item.reason) };
    case "bundle":
      return {
        kind: "bundle",
        blob: keep(required(item.bytes)),
        ...(item.artifact && { artifact: keep(item.artifact) }),
      };
    case "unsigned": {
      const { layer, manifest, isRoutine } = item;
      return {
        kind: "unsigned",
        layer: { digest: layer.digest, size: layer.size, annotations: layer.annotations },
        ...(manifest && { manifest: formatReference(manifest) }),
        ...(isRoutine !== undefined && { isRoutine }),
      };
    }
  }
}

/** An answer, or that it couldn't be looked at, or is too much. Faults of ours fly on. */
async function settled<Answer>(ask: () => Promise<Answer>): Promise<Answer | RecordedFailure> {
  try {
    return await reachable(ask);
  } catch (error) {
    if (error instanceof BeyondLimit) return { kind: "limit", message: clipped(error.message) };
    throw error;
  }
}

async function reachable<Answer>(
  ask: () => Promise<Answer>,
): Promise<Answer | Extract<RecordedFailure, { kind: "unreachable" }>> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof CouldNotLook)
      return { kind: "unreachable", code: error.code, message: clipped(error.message) };
    throw error;
  }
}

function clipped(text: string): string {
  return text.slice(0, MAX_WORDS);
}

function required<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error("written down without being there");
  return value;
}
