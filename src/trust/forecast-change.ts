import type { Digest } from "../image/digest.ts";
import type { Role } from "./ancestry.ts";
import type { Outcome } from "./verdict.ts";

/** A parent of one version of a file, as far as two versions are compared. */
export interface ParentState {
  /** `registry/repository`. */
  readonly name: string;
  readonly tag: string | undefined;
  /** Undefined where nobody could say, or nobody asked. */
  readonly digest: Digest | undefined;
  readonly role: Role;
  readonly platform: string;
  /** Undefined where policy asks for no verdict, or there is none. */
  readonly outcome: Outcome | undefined;
}

/** What became of the parents from one version to the next; each of both stands in one place. */
export interface ParentsChange<P extends ParentState> {
  readonly gained: readonly P[];
  readonly lost: readonly P[];
  /** The same name in the same role for the same platform, and another image. */
  readonly moved: readonly { readonly from: P; readonly to: P }[];
  /** The same image; the tag beside it may be another. `from` has the verdict of the time. */
  readonly same: readonly { readonly from: P; readonly to: P }[];
}

/**
 * Compares the parents of two versions of a file. What is the same image is matched first, so that of several images of one name only
 * those count as moved that are new; then those with the same tag, then in the order of the file. Without a digest on either side nothing
 * shows that it is the same, and it counts as moved, unless the tag is the same and neither side knows.
 */
export function changeOf<P extends ParentState>(before: readonly P[], after: readonly P[]): ParentsChange<P> {
  const moved: { from: P; to: P }[] = [];
  const same: { from: P; to: P }[] = [];
  const gained: P[] = [];
  const lost: P[] = [];
  const earlier = Map.groupBy(before, placeOf);
  const later = Map.groupBy(after, placeOf);
  for (const [place, states] of later) {
    let rest: readonly P[] = states;
    let left: readonly P[] = earlier.get(place) ?? [];
    const take = (isMatch: (from: P, to: P) => boolean, into: { from: P; to: P }[]) => {
      const matched = pairs(left, rest, isMatch);
      into.push(...matched);
      left = left.filter((each) => !matched.some(({ from }) => from === each));
      rest = rest.filter((each) => !matched.some(({ to }) => to === each));
    };
    take((from, to) => from.digest === to.digest && (from.digest !== undefined || from.tag === to.tag), same);
    take((from, to) => from.tag === to.tag, moved);
    take(() => true, moved);
    gained.push(...rest);
    lost.push(...left);
  }
  for (const [place, states] of earlier) if (!later.has(place)) lost.push(...states);
  return { gained, lost, moved, same };
}

/** Each of the one with the first of the other that fits it and is free. */
function pairs<P>(
  before: readonly P[],
  after: readonly P[],
  isMatch: (from: P, to: P) => boolean,
): readonly { from: P; to: P }[] {
  const free = new Set(before);
  return after.flatMap((to) => {
    const from = [...free].find((each) => isMatch(each, to));
    if (from === undefined) return [];
    free.delete(from);
    return [{ from, to }];
  });
}

function placeOf({ name, role, platform }: ParentState): string {
  return JSON.stringify([name, role, platform]);
}
