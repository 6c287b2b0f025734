import { type Digest, parseDigest } from "../image/digest.ts";
import { formatReference, type ImageReference, imageName, pin, withDefaultTag } from "../image/reference.ts";
import { type AnswerHead, type Audience, standingOf, type Told, type Viewer } from "./answer.ts";
import type { AnswerReader, AskedAnswers, LookUp, PrivateSources, RepositoryReaders } from "./ports.ts";
import type { SightTag, TaggedImage } from "./tag-sightings.ts";

/** What is asked for in the place of what isn't there, so that its absence costs the same questions. */
const NO_ANSWER = "nothing";
const NO_DIGEST = parseDigest(`sha256:${"0".repeat(64)}`);
/** GitHub counts repositories from 1. */
const NO_REPOSITORY = "0";

const NOTHING: Told = { kind: "nothing" };

/** What looking up needs of the world. */
export interface LookUpPorts {
  readonly answers: Pick<AnswerReader, "readTag" | "findHead" | "listHeads">;
  readonly asked: Pick<AskedAnswers, "noteAsked">;
  readonly privates: PrivateSources;
  readonly readers: RepositoryReaders;
  readonly sightTag: SightTag;
  /** The digest of the policy that the operator publishes now. */
  readonly published: Digest;
  /** Has the image judged anew, for those who may be told of this answer. It may be under way already, or be too much at the moment. */
  judgeAnew(image: ImageReference, former: AnswerHead): Promise<void>;
  now(): Date;
}

/** An answer and who may be told of it by now. */
interface Found {
  readonly head: AnswerHead;
  readonly audience: Audience;
}

/**
 * The one way to an answer. What is hidden and what isn't there are asked for with the same questions, and told with the same word:
 * first who may be told is decided, and only for those is a registry asked or anything judged anew.
 */
export function createLookUp(ports: LookUpPorts): LookUp {
  const { answers, published, now } = ports;
  return {
    async byReference(given, viewer) {
      const reference = withDefaultTag(given);
      const seen = reference.digest === undefined ? await readTag(ports, reference) : undefined;
      const digest = reference.digest ?? seen?.digest ?? NO_DIGEST;
      const image = pin(reference, digest);
      const head = await answers.findHead(published, image);
      const [found] = await audiencesOf(ports, head === undefined ? [] : [head]);
      const shown = await mayBeTold(ports, found === undefined ? [] : [found], viewer, formatReference(reference));
      if (found === undefined || !shown.includes(found)) return NOTHING;
      await ports.asked.noteAsked(found.head.id, now());
      if (seen === undefined || image.tag === undefined) return tellStanding(ports, found, image);
      const tagged: TaggedImage = { ...image, tag: image.tag };
      const sighting = await ports.sightTag(tagged, headFor(found), seen.seenAt);
      if (sighting.kind === "other") return pending(ports, found, reference, sighting.reason);
      return tellStanding(ports, found, reference, sighting.seenAt);
    },
    async byDigest(digest, viewer) {
      const heads = await answers.listHeads(published, digest);
      const shown = await mayBeTold(ports, await audiencesOf(ports, heads), viewer, digest);
      const told: Told[] = [];
      for (const found of shown) {
        await ports.asked.noteAsked(found.head.id, now());
        told.push(await tellStanding(ports, found, found.head.image));
      }
      return told;
    },
  };
}

async function readTag({ answers }: LookUpPorts, reference: ImageReference) {
  return answers.readTag(imageName(reference), reference.tag ?? "");
}

/**
 * Who may be told now: a repository that was public when the image was judged may be private since. An answer for readers never becomes one for
 * everyone here: only a new judgement does that.
 */
async function audiencesOf({ privates }: LookUpPorts, heads: readonly AnswerHead[]): Promise<readonly Found[]> {
  const ids = heads.length === 0 ? [NO_ANSWER] : heads.map(({ id }) => id);
  const turned = await privates.listPrivateSources(ids);
  return heads.map((head) => {
    const before = head.audience.kind === "readers" ? head.audience.repositoryIds : [];
    const repositoryIds = [...new Set([...before, ...(turned.get(head.id) ?? [])])].toSorted();
    const isForAll = head.audience.kind === "everyone" && repositoryIds.length === 0;
    return { head, audience: isForAll ? { kind: "everyone" } : { kind: "readers", repositoryIds } };
  });
}

/**
 * Those that may be told. Without a token GitHub is never asked; with one it is asked once, whatever is there. All hidden ones are shown
 * or none: one question for each would tell by their number that they are there.
 */
async function mayBeTold(
  { readers }: LookUpPorts,
  found: readonly Found[],
  viewer: Viewer,
  question: string,
): Promise<readonly Found[]> {
  const forAll = found.filter(({ audience }) => audience.kind === "everyone");
  if (viewer.kind === "anyone") return forAll;
  const ids = new Set(found.flatMap(({ audience }) => (audience.kind === "readers" ? audience.repositoryIds : [])));
  // Of readers of no repository there are none.
  const isOwnerless = found.some(({ audience }) => audience.kind === "readers" && audience.repositoryIds.length === 0);
  const asked = ids.size === 0 || isOwnerless ? [NO_REPOSITORY] : [...ids].toSorted();
  const mayRead = await readers.mayRead(viewer.token, asked, question);
  return mayRead && !asked.includes(NO_REPOSITORY) ? found : forAll;
}

function headFor({ head, audience }: Found): AnswerHead {
  return { ...head, audience };
}

/** Only a current answer is told as its verdict (RULES R2, R14). */
async function tellStanding(
  ports: LookUpPorts,
  found: Found,
  reference: ImageReference,
  resolvedAt?: Date,
): Promise<Told> {
  const standing = standingOf(found.head, ports.published, ports.now());
  switch (standing.kind) {
    case "current":
      return { kind: "answer", head: headFor(found), ...(resolvedAt && { resolvedAt }) };
    case "lapsed":
      return pending(ports, found, reference, "something that the last verdict rests on has lapsed since");
    case "untimely":
      return pending(ports, found, reference, "the last verdict is too old, or was made by a clock that was ahead");
    case "other-policy":
      return pending(ports, found, reference, "the last verdict is by a policy that isn't the published one any more");
  }
}

async function pending(ports: LookUpPorts, found: Found, reference: ImageReference, reason: string): Promise<Told> {
  const former = headFor(found);
  await ports.judgeAnew(reference, former);
  return { kind: "pending", reference, reason, former };
}
