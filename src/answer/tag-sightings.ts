import type { Digest } from "../image/digest.ts";
import { formatReference, imageName, type PinnedImage } from "../image/reference.ts";
import { BeyondLimit, CouldNotLook } from "../trust/ports.ts";
import type { AnswerHead } from "./answer.ts";
import type { AnswerWriter } from "./ports.ts";

/** How long what a tag was seen to name is taken as what it names, in milliseconds. */
export const TAG_MS = 5 * 60_000;

/** A tag that moved, went, or couldn't be looked at isn't looked at again for so long, in milliseconds: it is being judged anew meanwhile. */
const UNSETTLED_MS = 30_000;

/** Most tags of which that is remembered. */
const MAX_UNSETTLED = 10_000;

/** An image by its tag alone. */
export type TaggedImage = PinnedImage & { readonly tag: string };

/** What a tag names now, compared with the digest that was judged under it. */
export type TagSighting =
  | { readonly kind: "same"; readonly seenAt: Date }
  | { readonly kind: "other"; readonly reason: string };

/** What looking at tags needs of the world. */
export interface TagSightingPorts {
  readonly tags: Pick<AnswerWriter, "saveTag">;
  /**
   * Asks the registry, in 5 seconds at most, with no more rights than those have who may be told of the answer.
   *
   * @returns undefined if there is no such tag.
   * @throws {CouldNotLook} @throws {BeyondLimit}
   */
  resolveTag(judged: TaggedImage, head: AnswerHead): Promise<Digest | undefined>;
  now(): Date;
}

/** Looks at a tag again that was judged before. Only a caller that has decided who may be told asks here: the registry notices. */
export type SightTag = (judged: TaggedImage, head: AnswerHead, seenAt: Date) => Promise<TagSighting>;

/**
 * However many ask at the same time, the registry is asked once; for those with other rights apart, since what it shows the one isn't
 * the other's to know.
 */
export function createTagSightings({ tags, resolveTag, now }: TagSightingPorts): SightTag {
  const running = new Map<string, Promise<TagSighting>>();
  const unsettled = new Map<string, { readonly sighting: TagSighting; readonly until: number }>();
  const look = async (judged: TaggedImage, head: AnswerHead): Promise<TagSighting> => {
    const seenAt = now();
    try {
      const digest = await resolveTag(judged, head);
      if (digest === undefined) return { kind: "other", reason: `the registry has no tag ${judged.tag} any more` };
      if (digest !== judged.digest)
        return { kind: "other", reason: `the tag ${judged.tag} names another image since, and that isn't judged yet` };
      // The time before it was asked: what it named may have changed while it answered.
      await tags.saveTag(imageName(judged), judged.tag, digest, seenAt);
      return { kind: "same", seenAt };
    } catch (error) {
      if (error instanceof CouldNotLook || error instanceof BeyondLimit)
        return { kind: "other", reason: error.message };
      throw error;
    }
  };
  return async (judged, head, seenAt) => {
    const time = now().getTime();
    // A time that hasn't come yet says nothing of now.
    if (seenAt.getTime() <= time && time - seenAt.getTime() < TAG_MS) return { kind: "same", seenAt };
    const key = JSON.stringify([formatReference(judged), head.audience]);
    const before = unsettled.get(key);
    if (before !== undefined && time < before.until) return before.sighting;
    const sighting = running.get(key) ?? look(judged, head).finally(() => running.delete(key));
    running.set(key, sighting);
    const seen = await sighting;
    unsettled.delete(key);
    if (seen.kind === "other") {
      const [oldest] = unsettled.keys();
      if (unsettled.size >= MAX_UNSETTLED && oldest !== undefined) unsettled.delete(oldest);
      unsettled.set(key, { sighting: seen, until: time + UNSETTLED_MS });
    }
    return seen;
  };
}
