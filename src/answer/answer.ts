import type { Digest } from "../image/digest.ts";
import type { ImageReference, PinnedImage } from "../image/reference.ts";
import type { Outcome } from "../trust/verdict.ts";
import type { AnswerFacts } from "./facts.ts";

/** Who may be told of an answer, and that there is one (DESIGN §6). */
export type Audience =
  | { readonly kind: "everyone" }
  /** Whoever can read all of these repositories of the GitHub server. */
  | { readonly kind: "readers"; readonly repositoryIds: readonly string[] };

/** The source of the image asked about, in the word of a statement that counts. */
export interface AnsweredSource {
  /** `https://github.com/acme/app` */
  readonly repository: string;
  readonly commit: string | undefined;
  /** `refs/tags/v1.2.3` */
  readonly ref: string | undefined;
}

/** What is told of an answer in one line, and by which it is found: a verdict by the operator's published policy (RULES R1). */
export interface AnswerHead {
  readonly id: string;
  /** Judged under this tag, where it has one (RULES R26), and at this digest. */
  readonly image: PinnedImage;
  readonly policy: { readonly name: string; readonly digest: Digest };
  readonly outcome: Outcome;
  readonly level: number;
  readonly asOf: Date;
  /** The first moment at which something that it rests on has lapsed (RULES R14). */
  readonly validUntil: Date | undefined;
  /** The digest of what the verdict says. */
  readonly result: Digest;
  readonly audience: Audience;
  readonly source: AnsweredSource | undefined;
}

/** An answer, whole. */
export interface Answer extends AnswerHead {
  /** The verdict as JSON, in the form of `report/json.ts`, perhaps an older program's. */
  readonly document: unknown;
  readonly facts: AnswerFacts;
}

/** One verdict of the past on a name. */
export interface PastAnswer {
  readonly digest: Digest;
  readonly policy: Digest;
  readonly outcome: Outcome;
  readonly level: number;
  readonly asOf: Date;
  readonly result: Digest;
  /** The codes of its faults, each once. */
  readonly faults: readonly string[];
}

/**
 * How long an answer is told, in milliseconds. What revoked an image since is known to nobody who doesn't look, and a newer version of this
 * program may see what an older one didn't.
 */
export const MAX_AGE_MS = 30 * 86_400_000;

/** How far the clocks of several processes may be apart, in milliseconds. */
const AHEAD_MS = 5 * 60_000;

/** How an answer stands now. Only a `current` one may be told as its verdict; any other is undetermined until it is judged anew. */
export type Standing =
  | { readonly kind: "current" }
  /** Something that it rests on has lapsed since (RULES R14). */
  | { readonly kind: "lapsed" }
  /** It was made too long ago, or at a time that is still to come: by a clock that was ahead. */
  | { readonly kind: "untimely" }
  /** The operator publishes another policy by now (RULES R2). */
  | { readonly kind: "other-policy" };

/** @param published - The digest of the policy that the operator publishes now. */
export function standingOf({ policy, asOf, validUntil }: AnswerHead, published: Digest, now: Date): Standing {
  if (policy.digest !== published) return { kind: "other-policy" };
  if (validUntil !== undefined && validUntil <= now) return { kind: "lapsed" };
  return now.getTime() - asOf.getTime() >= MAX_AGE_MS || isAhead(asOf, now)
    ? { kind: "untimely" }
    : { kind: "current" };
}

/** Whether a time is further ahead than clocks differ that are kept. */
export function isAhead(time: Date, now: Date): boolean {
  return time.getTime() - now.getTime() > AHEAD_MS;
}

/** What whoever asks about an image is told. */
export type Told =
  | {
      readonly kind: "answer";
      /** Its standing is `current`. */
      readonly head: AnswerHead;
      /** When the tag was last seen to name this digest; absent where the image was asked for by digest alone. */
      readonly resolvedAt?: Date;
    }
  /** There is something to tell, and it isn't known now: never shown as trusted. */
  | {
      readonly kind: "pending";
      readonly reference: ImageReference;
      /** Why, for people. */
      readonly reason: string;
      /** What was last known. */
      readonly former: AnswerHead | undefined;
    }
  /** None, or none that may be seen by whoever asks: nothing tells them apart. */
  | { readonly kind: "nothing" };

/** Who asks. */
export type Viewer = { readonly kind: "anyone" } | { readonly kind: "token"; readonly token: string };
