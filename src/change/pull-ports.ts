import type { Repository } from "../build/build.ts";
import type { PolicyPorts } from "../build/policies.ts";
import type { CheckRunReport, CheckRuns, PolicyReader, PolicyStateStore, PolicyText } from "../build/ports.ts";
import type { ForecastStanding } from "../trust/forecast-standing.ts";
import type { Foresee } from "./foresee.ts";
import type { PullRequestReader, SourceReader } from "./ports.ts";
import type { PullJob } from "./pull-check.ts";
import type { PullPinsPorts } from "./pull-pins-ports.ts";

/** So many other pull requests of one head are looked at; where there are more, none of them passes. */
export const MAX_SAME_HEAD = 100;

/** What is kept of pull requests' checks. Every method is one transaction, and rows belong to an installation (RULES R3). */
export interface PullStore {
  /** @returns undefined if it isn't known, or the app was taken from it. */
  readRepository(id: number): Promise<Repository | undefined>;
  /** The check of the highest generation. */
  readNewestCheck(repositoryId: number, number: number): Promise<PullJob | undefined>;
  /** Those that came before it and aren't done; it too, where it was superseded by the pull request's end. */
  listUntold(repositoryId: number, number: number): Promise<readonly PullJob[]>;
  /**
   * Begins a check, and supersedes those before it whose outcome isn't known; the pull request is open.
   * @throws where its generation isn't the next one: somebody else was quicker.
   */
  beginCheck(check: PullJob): Promise<void>;
  /**
   * Saves a check as it is, for whoever read its newest version. One that was superseded takes no other outcome.
   * @returns it as it is stored now. @throws where somebody else has saved it since.
   */
  saveCheck(check: PullJob): Promise<PullJob>;
  /** It is closed, or isn't there: what isn't told of it is superseded. */
  closePull(repository: Repository, number: number, at: Date): Promise<void>;
  /** It is open, whatever was known. */
  reopenPull(repositoryId: number, number: number): Promise<void>;
  /** The newest checks of the other open pull requests whose newest check is of this head; one more than {@link MAX_SAME_HEAD} at most. */
  listSameHead(check: Pick<PullJob, "repository" | "number" | "head">): Promise<readonly PullJob[]>;
}

/** Finds checks by what GitHub calls them. */
export interface PullIndex {
  /** A repository that a delivery tells of. What is known of it already stays: deliveries come late and out of order. */
  noteRepository(repository: Repository): Promise<void>;
  /** The newest check of the pull request that has, or had, this check run. */
  findPullByCheckRun(repositoryId: number, checkRun: number): Promise<PullJob | undefined>;
  /** The newest checks of open pull requests, where they are of this commit. */
  listPullsOf(repositoryId: number, commit: string): Promise<readonly PullJob[]>;
}

/** Finds what has to be judged anew, and what nobody told of. */
export interface StalePulls {
  /**
   * Open pull requests whose newest check answers another policy than was seen last, or rests on what has lapsed; the newest first.
   * @param limit - For each installation.
   * @returns ids as `pullId` makes them.
   */
  listStalePulls(now: Date, limit: number): Promise<readonly string[]>;
  /** Repositories whose open pull requests nobody has listed for a while, the longest first; they count as listed from now on. */
  claimListings(now: Date, notSince: Date, limit: number): Promise<readonly Repository[]>;
}

/** What is known of a Dockerfile by a policy. */
export type ForecastAnswer =
  | { readonly kind: "forecast"; readonly key: string; readonly standing: ForecastStanding }
  /** BuildKit would refuse it; whatever policy says. */
  | { readonly kind: "refused"; readonly line: number; readonly column: number; readonly reason: string };

/** Keeps forecasts for a while, for the installation alone for which they were made (RULES R3). */
export interface ForecastStore {
  /**
   * The newest answer for each of these questions that may still be given.
   * @param since - None that was made before.
   */
  findForecasts(
    installation: number,
    inputs: readonly string[],
    now: Date,
    since: Date | undefined,
  ): Promise<ReadonlyMap<string, ForecastAnswer>>;
  /** @param document - What is shown of it; absent for a refusal. */
  keepForecast(
    repository: Repository,
    kept: {
      readonly inputs: string;
      readonly answer: ForecastAnswer;
      readonly madeAt: Date;
      readonly freshUntil: Date;
      readonly document: object | undefined;
    },
  ): Promise<void>;
}

/** A policy that was read a while ago. */
export interface SeenPolicy {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Remembers policies as they were last seen. */
export interface SeenPolicies {
  /** @returns undefined for what nobody has seen since, or couldn't be used. */
  readSeenPolicies(
    repository: Repository,
    since: Date,
  ): Promise<Readonly<Record<PolicyText["kind"], SeenPolicy | "absent" | undefined>>>;
}

/** What judging a pull request needs of the world. */
export interface PullJudgePorts extends PolicyPorts {
  readonly policies: PolicyReader;
  readonly pulls: PullRequestReader;
  readonly sources: SourceReader;
  readonly foresee: Foresee;
  readonly store: PolicyStateStore & SeenPolicies & ForecastStore;
  /** The GitHub server, as policies mean it. */
  readonly server: string;
  readonly now: () => Date;
  /** Random. */
  readonly newId: () => string;
}

/** What moving a pull request's check on needs of the world. */
export interface PullPorts extends PullJudgePorts {
  readonly store: PullJudgePorts["store"] & PullStore;
  readonly checkRuns: CheckRuns;
  readonly pins: PullPinsPorts;
  /** What the check run has to say of a check as it is stored. The same check, the same words: they are compared. */
  readonly describePull: (check: PullJob) => Promise<CheckRunReport>;
  /** There is something to look at in another pull request. */
  readonly wakePull: (id: string) => Promise<void>;
  readonly pace: {
    /** Before each further try where something could not be looked at; after the last one it is left undetermined. */
    readonly retriesMs: readonly number[];
  };
}
