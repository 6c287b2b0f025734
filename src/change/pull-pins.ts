import type { PullCheck } from "./pull.ts";

/** Why no pins were written, though somebody asked for them. */
export const NOT_WRITTEN = [
  /** Whoever clicked may not write to the repository (RULES R33). */
  "not-a-writer",
  /** The app wasn't given what it takes. */
  "not-permitted",
  /** The branch is no longer at the commit that was judged. */
  "moved-on",
  /** A branch of ours is there with something else in it. */
  "taken",
  /** The owner's rules, or GitHub, want it done in another way. */
  "refused",
  /** The repository that the pull request comes from is gone. */
  "no-repository",
  /** The lines are none that the pull request shows, so that nothing can be suggested on them. */
  "not-shown",
  "nothing-to-pin",
  "could-not-look",
] as const;

/** One of {@link NOT_WRITTEN}. */
export type PinsNotWritten = (typeof NOT_WRITTEN)[number];

/** What became of a click on the button that pins. Counts are of references, not of lines. */
export type PinsAnswer =
  | { readonly kind: "committed"; readonly commit: string; readonly pins: number }
  | { readonly kind: "proposed"; readonly pull: number; readonly pins: number }
  /** `leftOut`: on lines that the pull request doesn't show, or beyond what one review has. */
  | { readonly kind: "suggested"; readonly pins: number; readonly leftOut: number }
  | { readonly kind: "not-written"; readonly why: PinsNotWritten };

/** Somebody asked for pins of what a check has judged. */
export interface PinsAsk {
  /** Login of who clicked, as GitHub signed it. */
  readonly by: string;
  readonly askedAt: Date;
  readonly phase: "asked" | "answered" | /** The check run says so, or nobody could make it. */ "told";
  readonly answer: PinsAnswer | undefined;
  /** How often it could not be done or told. */
  readonly tries: number;
  /** Not before. */
  readonly until: Date | undefined;
}

/**
 * Takes over that somebody asked. What is under way, or written already, is never begun again; and who may not write displaces nobody.
 *
 * @param may - Whether GitHub says that they may write to the repository that the pull request is made to.
 * @returns the check with it; undefined where there is nothing new in it.
 */
export function askedForPins<Check extends PullCheck>(
  job: Check,
  by: string,
  may: boolean,
  now: Date,
): (Check & { readonly pins: PinsAsk }) | undefined {
  const { outcome, pins } = job;
  if (outcome?.kind !== "judged") return undefined;
  const isOver = pins?.phase === "told" && pins.answer?.kind === "not-written";
  if (pins !== undefined && !(isOver && may)) return undefined;
  const ask = { by, askedAt: now, tries: 0, until: undefined };
  if (may) return { ...job, pins: { ...ask, phase: "asked", answer: undefined } };
  return { ...job, pins: { ...ask, phase: "answered", answer: { kind: "not-written", why: "not-a-writer" } } };
}
