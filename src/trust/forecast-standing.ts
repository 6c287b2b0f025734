import type { Outcome } from "./verdict.ts";

/** What is compared and enforced of a forecast: kept beside its document, so that nobody has to read that to know how a check ends. */
export interface ForecastStanding {
  readonly outcome: Outcome;
  readonly faults: readonly StandingFault[];
  /** Whether there was something that we could not look at. */
  readonly isPartial: boolean;
  readonly asOf: Date;
  /** The first moment at which something that it rests on has lapsed; undefined if nothing does. */
  readonly validUntil: Date | undefined;
}

/** A fault as it is told apart from one version of a file to the next. */
export interface StandingFault {
  /** Without lines, tags and digests: two versions of a file with the same fault have the same key (RULES R35). */
  readonly key: string;
  readonly code: string;
  /** Whether it fails whatever is enforced: it says that somebody tampered, not that something isn't signed yet. */
  readonly isGrave: boolean;
}
