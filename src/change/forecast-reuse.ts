import type { Repository } from "../build/build.ts";
import { type Digest, digestOf } from "../image/digest.ts";
import type { Policy } from "../trust/policy.ts";
import type { Foreseen, Foresight } from "./foresee.ts";
import type { PolicyOf } from "./pull.ts";

/**
 * Counts the ways in which Dockerfiles were read and forecasts made: what an older program said is not what this one would say. Raise it
 * with every change to either.
 */
const FORECASTS = 3;

/** For so long a forecast counts that rests on where a tag leads, in milliseconds. */
const TAGGED_MS = 3_600_000;
/** For so long any forecast counts: what was signed about images, or was taken back, changes too. */
const LONGEST_MS = 24 * 3_600_000;

/**
 * What a forecast is an answer to. Two questions of the same inputs have the same answer for a while; nothing that was made for one
 * installation answers another's (RULES R3).
 *
 * @param blob - git's id of the Dockerfile's text.
 */
export function inputsOf(
  { id, installation }: Pick<Repository, "id" | "installation">,
  { of, policy }: { readonly of: PolicyOf; readonly policy: Pick<Policy, "digest"> },
  blob: string,
  { image, target, platforms, buildArgs, contexts }: Foreseen["how"],
): Digest {
  const question = [
    FORECASTS,
    installation,
    // What was accepted before is known to one repository alone where it is private.
    id,
    of,
    policy.digest,
    blob,
    image,
    target ?? null,
    platforms,
    sorted(buildArgs),
    sorted(contexts),
  ];
  return digestOf(new TextEncoder().encode(JSON.stringify(question)));
}

/** Until when a forecast may be given again; the time it was made at for one that not everything could be looked at for. */
export function freshUntil(foresight: Foresight, madeAt: Date): Date {
  // What its bases add to it may be what is refused.
  if (foresight.kind === "refused") return new Date(madeAt.getTime() + TAGGED_MS);
  const { forecast, standing } = foresight;
  if (standing.outcome === "undetermined" || standing.isPartial) return madeAt;
  const isTagged = forecast.parents.some(({ isPinned }) => !isPinned);
  const longest = madeAt.getTime() + (isTagged ? TAGGED_MS : LONGEST_MS);
  const end = standing.validUntil?.getTime() ?? longest;
  return new Date(Math.max(madeAt.getTime(), Math.min(longest, end)));
}

function sorted(entries: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  return Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
