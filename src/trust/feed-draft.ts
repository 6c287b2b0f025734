import type { Digest } from "../image/digest.ts";
import { type FeedDraft, type FeedRoot, MAX_FEED_TAGS } from "./roots-feed.ts";

/** An image as it was found in its registry. */
export interface FoundRoot {
  readonly image: string;
  readonly tag: string | undefined;
  /** Of the index, where there is one. */
  readonly digest: Digest;
  readonly manifests: readonly Digest[];
}

/** What is said of all images that are added together. */
export interface Addition {
  readonly reason: string;
  /** YYYY-MM-DD: today. */
  readonly added: string;
  /** The last day; undefined: an entry that is there keeps its own, a new one has none. */
  readonly expires: string | undefined;
  /** Whether what was found under the same tag before is named no longer. */
  readonly replace: boolean;
}

/**
 * A draft with these images in it. An image that is in it already is looked at anew: it gets the reason, and keeps the day it was added.
 *
 * Without `replace` older digests of a tag stay: images were built on them, and those don't change.
 */
export function addRoots({ issuer, roots }: FeedDraft, found: readonly FoundRoot[], addition: Addition): FeedDraft {
  const all = found.reduce((list, each) => addRoot(list, each, addition), roots);
  return { issuer, roots: all.toSorted((a, b) => (a.image < b.image ? -1 : a.image > b.image ? 1 : 0)) };
}

function addRoot(
  roots: readonly FeedRoot[],
  { image, tag, digest, manifests }: FoundRoot,
  { reason, added, expires, replace }: Addition,
): readonly FeedRoot[] {
  const isSame = (each: FeedRoot) => each.image === image && each.digest === digest;
  const known = roots.find(isSame);
  const tags = [...(known?.tags ?? []).filter((each) => each !== tag), ...(tag === undefined ? [] : [tag])];
  const entry: FeedRoot = {
    image,
    digest,
    manifests,
    tags: tags.slice(-MAX_FEED_TAGS),
    reason,
    added: known?.added ?? added,
    expires: expires ?? known?.expires,
  };
  const kept = replace ? roots.flatMap((each) => (isSame(each) ? [each] : withoutTag(each, image, tag))) : roots;
  return known === undefined ? [...kept, entry] : kept.map((each) => (isSame(each) ? entry : each));
}

/** An entry that was found under one tag alone goes with it. */
function withoutTag(root: FeedRoot, image: string, tag: string | undefined): readonly FeedRoot[] {
  if (root.image !== image || (tag === undefined ? root.tags.length > 0 : !root.tags.includes(tag))) return [root];
  const tags = root.tags.filter((each) => each !== tag);
  return tags.length === 0 ? [] : [{ ...root, tags }];
}
