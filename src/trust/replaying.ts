import { type AnsweredKinds, type AnsweredPorts, answeredPorts } from "./answered-ports.ts";
import { type BundleVerifier, CouldNotLook } from "./ports.ts";
import { type Asked, type Question, questionKey, type RecordedBytes, type WalkRecord } from "./walk-record.ts";

/** A record holds two answers to one question, or names bytes that aren't there: whoever reads it could be told either. */
export class WalkRecordError extends Error {
  override readonly name = "WalkRecordError";
}

/**
 * The ports of a walk that asks nobody. What wasn't asked when the record was made can't be looked at: under another policy, or by another
 * version of this program, a walk may want to know more, and that it isn't there says nothing.
 *
 * @throws {WalkRecordError}
 */
export function replayPorts(record: WalkRecord, bytes: RecordedBytes, verifier: BundleVerifier): AnsweredPorts {
  requireBytes(record, bytes);
  const find: { readonly [Kind in keyof Asked]: Find<Kind> } = {
    resolutions: findIn(record.resolutions),
    manifests: findIn(record.manifests),
    blobs: findIn(record.blobs),
    attestations: findIn(record.attestations),
    defaultBranches: findIn(record.defaultBranches ?? []),
    layers: findLayer(record.layers ?? []),
    known: findIn(record.known?.answers ?? []),
    feeds: findIn(record.feeds?.fetched ?? []),
    // Not to have seen a feed is what a shelf answers for those that it doesn't know.
    keptFeeds: (question) => findIn(record.feeds?.kept ?? [])(question) ?? { ...question, answer: { kind: "absent" } },
  };
  const kinds: AnsweredKinds = {
    defaultBranches: record.defaultBranches !== null,
    layers: record.layers !== null,
    known: record.known?.description,
    feeds: record.feeds !== null,
  };
  const answer = async <Kind extends keyof Asked>(
    kind: Kind,
    question: Question<Kind>,
  ): Promise<Asked[Kind]["answer"]> => {
    const found = find[kind](question);
    if (found !== undefined) return found.answer;
    throw new CouldNotLook("offline", `look for ${wordsOf(kind, question)}: the evidence doesn't hold it`);
  };
  return answeredPorts({ bytes, answer }, kinds, verifier);
}

type Find<Kind extends keyof Asked> = (question: Question<Kind>) => Asked[Kind] | undefined;

function findIn<Answered extends { readonly answer: unknown }>(
  list: readonly Answered[],
): (question: Omit<Answered, "answer">) => Answered | undefined {
  const found = new Map<string, Answered>();
  for (const each of list) {
    const key = questionKey(each);
    if (found.has(key)) throw new WalkRecordError(`two answers to one question: ${key.slice(0, 200)}`);
    found.set(key, each);
  }
  return (question) => found.get(questionKey(question));
}

/** How much of a layer may be unpacked depends on what was unpacked before it: one that was unpacked whole fits wherever there is room for it. */
function findLayer(list: NonNullable<WalkRecord["layers"]>): Find<"layers"> {
  const exactly = findIn(list);
  const anywhere = Map.groupBy(list, ({ answer, limit, ...layer }) => questionKey(layer));
  return (question) => {
    const { limit, ...layer } = question;
    const fits = ({ answer }: Asked["layers"]) => answer.kind === "unpacked" && answer.size <= limit;
    return exactly(question) ?? anywhere.get(questionKey(layer))?.find(fits);
  };
}

function requireBytes({ manifests, blobs, attestations, feeds }: WalkRecord, bytes: RecordedBytes): void {
  const items = attestations.flatMap(({ answer }) =>
    answer.kind === "listed" ? answer.candidates.flatMap(({ read }) => (read.kind === "items" ? read.items : [])) : [],
  );
  const answered = [...manifests, ...blobs, ...(feeds?.fetched ?? []), ...(feeds?.kept ?? [])].flatMap(({ answer }) =>
    answer.kind === "found" ? [answer.blob] : [],
  );
  const named = items.flatMap((item) => (item.kind === "bundle" ? [item.blob, item.artifact ?? item.blob] : []));
  for (const digest of [...answered, ...named])
    if (!bytes.has(digest)) throw new WalkRecordError(`the bytes ${digest} are named, and aren't there`);
}

const WORDS: Readonly<Record<keyof Asked, string>> = {
  resolutions: "what a name stands for",
  manifests: "a manifest",
  blobs: "the content of a manifest",
  attestations: "attestations",
  defaultBranches: "a default branch",
  layers: "what is in a layer",
  known: "images that are known",
  feeds: "a roots feed",
  keptFeeds: "a roots feed that was seen",
};

function wordsOf(kind: keyof Asked, question: object): string {
  const what = Object.values(question).find((value) => typeof value === "string");
  return `${WORDS[kind]} (${what ?? ""})`;
}
