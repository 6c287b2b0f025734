import pLimit from "p-limit";
import { formatReference, type ImageReference, type PinnedImage } from "../image/reference.ts";
import type { WalkPorts } from "./ancestry.ts";
import type { NamedParent } from "./forecast-parents.ts";
import { locateTag, type TagResolver } from "./forecast-tags.ts";
import { verdictsOnParents } from "./forecast-verdicts.ts";
import type { Policy } from "./policy.ts";
import type { Outcome } from "./verdict.ts";

/** Of how many pinned images it is asked where their tags lead now; the first in the file. */
const MAX_NEWER = 64;
/** How many of them are walked side by side. */
const CONCURRENCY = 2;

/** Where a pinned parent's tag leads now, and what that would be in its place. */
export interface Newer {
  readonly image: PinnedImage;
  readonly outcome: Outcome;
}

/**
 * Looks where the tags beside digests lead now. Each is walked by itself, so that what one of them drags along says nothing of another,
 * nor of the file as it is.
 *
 * @returns by the parent's place in the list. Without those whose tag is where it was, isn't there, or couldn't be looked at.
 */
export async function newerOf(
  ports: WalkPorts & TagResolver,
  policy: Policy,
  parents: readonly NamedParent[],
  asOf: Date,
): Promise<ReadonlyMap<number, Newer>> {
  const limit = pLimit(CONCURRENCY);
  const asked = parents.flatMap((parent, i) => (isMovable(parent) ? [{ parent, i }] : [])).slice(0, MAX_NEWER);
  const located = new Map<string, ReturnType<typeof locateTag>>();
  const locate = (reference: ImageReference) => {
    const key = formatReference(reference);
    const found = located.get(key) ?? locateTag(ports, reference);
    located.set(key, found);
    return found;
  };
  const found = await Promise.all(
    asked.map(({ parent, i }) =>
      limit(async (): Promise<readonly [number, Newer][]> => {
        const { digest, ...reference } = parent.reference;
        const image = await locate(reference);
        if ("kind" in image || image.digest === digest) return [];
        const [verdict] = await verdictsOnParents(ports, policy, [{ parent: inFull(parent), image }], 1, asOf);
        return verdict === undefined ? [] : [[i, { image, outcome: verdict.outcome }]];
      }),
    ),
  );
  return new Map(found.flat());
}

function isMovable({ reference: { tag }, isPinned }: NamedParent): boolean {
  return isPinned && tag !== undefined;
}

/** Judged as a base is, whatever policy asks of its role: nothing is called better than what is pinned that nobody looked into. */
function inFull(parent: NamedParent): NamedParent {
  return parent.rule === "attested" ? parent : { ...parent, role: "base" };
}
