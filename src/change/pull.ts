import type { Repository } from "../build/build.ts";
import type { Enforced } from "../trust/enforcement.ts";
import type { ForecastStanding } from "../trust/forecast-standing.ts";
import type { PolicyFault } from "../trust/policy-fault.ts";
import type { PullRequest } from "./ports.ts";
import type { PinsAsk } from "./pull-pins.ts";

/** Whose policy it is; `default` where the repository has none (RULES R5). */
export type PolicyOf = "repository" | "organisation" | "default";

/** A forecast of a Dockerfile by one policy. */
export interface FileForecast {
  readonly policy: PolicyOf;
  /** Of its document in the store, which never changes. */
  readonly key: string;
  readonly standing: ForecastStanding;
}

/** A Dockerfile at a commit. */
export type FileState =
  /** The commit has no such file. */
  | { readonly kind: "absent" }
  /** BuildKit would refuse it, or it is larger than a Dockerfile may be; from 1. */
  | { readonly kind: "refused"; readonly line: number; readonly column: number; readonly reason: string }
  /** One for each policy that it must pass (RULES R2). */
  | { readonly kind: "judged"; readonly forecasts: readonly FileForecast[] };

/** What a pull request does to one Dockerfile; one that policy builds twice is here twice. */
export interface PullFile {
  readonly path: string;
  /** Where it was before, if elsewhere. */
  readonly previousPath: string | undefined;
  /** Whether the pull request touches it: one that policy names is judged all the same. */
  readonly isTouched: boolean;
  /** How policy builds it; undefined where it only changed: then it is read as `docker build` would without flags. */
  readonly build: { readonly image: string; readonly target: string | undefined } | undefined;
  readonly platforms: readonly string[];
  /** On the base branch. */
  readonly before: FileState;
  /** At the head. */
  readonly after: FileState;
  /** What each policy makes of it (RULES R35). */
  readonly enforced: readonly (Enforced & { readonly policy: PolicyOf })[];
}

/** How the check of a pull request's head ends. */
export type PullOutcome =
  /** `verdict` is the worst of the files' at the head. */
  | {
      readonly kind: "judged";
      readonly verdict: "trusted" | "untrusted" | "undetermined";
      readonly files: readonly PullFile[];
      readonly heldBackBy?: number;
    }
  /**
   * None at the head is touched or named by policy: there is nothing to say, and a required check must not wait for ever. `heldBackBy`:
   * GitHub counts a check run for every pull request that has the same head, and the open one of this number has it and doesn't pass.
   * So this one doesn't either, or a pull request to some other branch would pass for that one.
   */
  | { readonly kind: "no-dockerfile"; readonly heldBackBy?: number }
  /** More files than are looked at: a fault, since what is left out could be anything. */
  | { readonly kind: "limit"; readonly reason: string }
  | { readonly kind: "policy-wrong"; readonly policy: string; readonly faults: readonly PolicyFault[] }
  /** Could not look, to the last try. */
  | { readonly kind: "undetermined"; readonly reason: string }
  /** Another head, base or question came before this one was told; or the pull request was closed. */
  | { readonly kind: "superseded"; readonly isClosed?: true };

/** The check of one head of a pull request. */
export interface PullCheck {
  /** Random; the check run's external id begins with it. */
  readonly id: string;
  readonly repository: Repository;
  readonly number: number;
  readonly head: PullRequest["head"];
  readonly base: PullRequest["base"];
  /** Counts the pushes and questions of this pull request as they came; only the newest may write. */
  readonly generation: number;
  readonly outcome: PullOutcome | undefined;
  /** What could not be looked at last, in words for people, and when it is tried again. */
  readonly waiting:
    | {
        readonly reason: string;
        readonly until: Date;
        /** GitHub wants to be asked nothing until then. */
        readonly isLimited?: true;
      }
    | undefined;
  readonly failures: number;
  readonly createdAt: Date;
  readonly settledAt: Date | undefined;
  /** What became of the last click on the button that pins; absent where nobody clicked. */
  readonly pins?: PinsAsk;
}
