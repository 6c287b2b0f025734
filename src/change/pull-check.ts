import type { PolicyStates, Repository } from "../build/build.ts";
import type { PullCheck } from "./pull.ts";

/** A check of a pull request as it is stored: what it says, and how far it is. */
export interface PullJob extends PullCheck {
  /** Counts the writes: whoever saves what somebody else has saved since is refused. */
  readonly version: number;
  readonly phase: /** The outcome isn't known. */
    | "judging"
    /** It is known; the check run doesn't say so yet. */
    | "settled"
    /** The check run says so; or there is none, and nobody waits for one. */
    | "done";
  readonly checkRun: number | undefined;
  /** Writes that may have reached GitHub though we never heard so: looked for before they are made again. */
  readonly attempted: {
    readonly checkRun?: Date;
    /** The hash of the report. */
    readonly report?: string;
  };
  /** A hash of what the check run says. */
  readonly reported: string | undefined;
  /** Forecasts that were made before count for nothing: somebody asked to look anew. Undefined where nobody did. */
  readonly judgedSince: Date | undefined;
  /** The policies that the outcome answers: where they are others by now, it is judged anew (RULES R2). */
  readonly answersTo: PolicyStates;
  /** The first moment at which something that the outcome rests on has lapsed (RULES R14). */
  readonly validUntil: Date | undefined;
}

/** Nothing is judged yet. */
export const NO_ANSWER: PolicyStates = { repository: undefined, organisation: undefined };

/** A pull request's name among what there is to do: one at a time for each (numbers of pull requests are never given twice). */
export function pullId(repositoryId: number, number: number): string {
  return `${repositoryId}/${number}`;
}

/** @returns undefined for what isn't one of {@link pullId}. */
export function parsePullId(id: string): { readonly repositoryId: number; readonly number: number } | undefined {
  const [repository = "", number = "", ...more] = id.split("/");
  if (more.length > 0 || ![repository, number].every((text) => /^[1-9][0-9]{0,15}$/.test(text))) return undefined;
  return { repositoryId: Number(repository), number: Number(number) };
}

/** A check that begins now, after another one of the same pull request or as its first. */
export function newCheck(
  { newId, now }: { readonly newId: () => string; readonly now: () => Date },
  of: {
    readonly repository: Repository;
    readonly number: number;
    readonly head: PullJob["head"];
    readonly base: PullJob["base"];
  },
  after: PullJob | undefined,
  judgedSince?: Date,
): PullJob {
  return {
    id: newId(),
    version: 1,
    repository: of.repository,
    number: of.number,
    head: of.head,
    base: of.base,
    generation: (after?.generation ?? 0) + 1,
    phase: "judging",
    outcome: undefined,
    waiting: undefined,
    failures: 0,
    checkRun: undefined,
    attempted: {},
    reported: undefined,
    judgedSince,
    answersTo: NO_ANSWER,
    validUntil: undefined,
    createdAt: now(),
    settledAt: undefined,
  };
}
