import type { Digest } from "../image/digest.ts";
import type { Enforced } from "../trust/enforcement.ts";
import type { PolicyFault } from "../trust/policy-fault.ts";

/** A repository on GitHub. The numbers are what it is; names change hands (RULES R8, R33). */
export interface Repository {
  readonly id: number;
  readonly ownerId: number;
  readonly owner: string;
  readonly name: string;
  /** The installation of the app through which it is reached. */
  readonly installation: number;
  /** Nobody but those who can read it may see that its builds exist (DESIGN §6). */
  readonly isPrivate: boolean;
}

/** What a policy was when it was looked at, to be compared: the digest of its text, or that it is proven absent, or is no text that could be read. */
export type PolicyState = Digest | "absent" | "unusable";

/** The policies that decide a repository's check runs; undefined what isn't known. */
export interface PolicyStates {
  readonly repository: PolicyState | undefined;
  readonly organisation: PolicyState | undefined;
}

/** What the app asks the workflow to build: policy's words, sent as they are and compared with the signed ones afterwards (RULES R9). */
export interface BuildRequest {
  /** registry/repository */
  readonly image: string;
  /** The image's tags; the first is the one that is judged. */
  readonly tags: readonly [string, ...string[]];
  readonly dockerfile: string;
  /** A directory of the repository; its root if undefined. */
  readonly context?: string;
  readonly target?: string;
  /** As `linux/arm64`; the builder's own if undefined. */
  readonly platforms?: readonly string[];
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly contexts: Readonly<Record<string, string>>;
  /** Ids only: the workflow has the values. */
  readonly secrets: readonly string[];
  /** The file below `.github/workflows/` that is started; no part of what it is asked for. */
  readonly workflow: string;
}

/** What makes two builds one (RULES R31). */
export interface BuildKey {
  readonly repositoryId: number;
  /** The full ref, `refs/tags/…`. */
  readonly ref: string;
  readonly commit: string;
  /** registry/repository; "" for a push whose policy can't be read, of which nothing can be built. */
  readonly image: string;
  /** SHA-256 of the repository's policy. */
  readonly policyDigest: Digest;
  /** Counts the moves of the tag: A, B, A are three. */
  readonly generation: number;
}

/** How far a build is. */
export type Phase =
  /** Recorded; the workflow isn't started, or it isn't known whether it is. */
  | "requested"
  /** The workflow's run is known, and hasn't ended. */
  | "dispatched"
  /** The run succeeded; the image is to be judged. */
  | "verifying"
  /** The outcome is known; the check run doesn't say so yet. */
  | "settled"
  /** The check run says so. */
  | "done";

/** A run of the workflow. */
export interface Run {
  readonly id: number;
  /** From 1. A new attempt is judged anew (RULES R9). */
  readonly attempt: number;
  /** Its page, with the log. */
  readonly url: string;
}

/** Something to look at, which decides nothing. */
export interface Notice {
  readonly code: "builder-changed" | "rival-claims";
  /** In words for people; with names that strangers choose. */
  readonly message: string;
}

/** What one policy's verdict means for the check run. */
export interface EnforcedBy extends Enforced {
  readonly policy: "repository" | "organisation";
}

/** How a build ended. */
export type Outcome =
  /** Judged; the verdicts are stored beside the build, one for each policy. */
  | {
      readonly kind: "verdict";
      readonly verdict: "trusted" | "untrusted";
      /** What should be looked at; it decides nothing. Absent where there is nothing. */
      readonly notices?: readonly Notice[];
      /** Of an untrusted one: what each policy makes of it (RULES R35). Absent where all are strict. */
      readonly enforced?: readonly EnforcedBy[];
    }
  /** Could not look, to the last try. */
  | { readonly kind: "undetermined"; readonly reason: string }
  /** The workflow ended otherwise than by success; `log` is the end of what it printed. */
  | { readonly kind: "build-failed"; readonly conclusion: string; readonly log: string | undefined }
  /** A person cancelled the run. */
  | { readonly kind: "cancelled" }
  /** The policy can't be used; there is no verdict. */
  | { readonly kind: "policy-wrong"; readonly policy: string; readonly faults: readonly PolicyFault[] }
  /** The workflow can't be started from this tag. */
  | { readonly kind: "no-workflow"; readonly reason: string }
  /** The git tag can't be made into tags of an image. */
  | { readonly kind: "tag-unusable"; readonly reason: string };

/** Writes that may have reached GitHub, by when they were made. */
export interface Attempted {
  readonly checkRun?: Date;
  readonly dispatch?: Date;
  /** GitHub has said that it started a run, though not which. */
  readonly isDispatched?: boolean;
  /** The hash of the report. */
  readonly report?: string;
}

/** One image that a tag push builds, from the push to the verdict. */
export interface Build {
  /** Random; the check run's external id, and the workflow's input `build-id`. */
  readonly id: string;
  readonly repository: Repository;
  readonly key: BuildKey;
  /** Undefined where nothing can be built. */
  readonly request: BuildRequest | undefined;
  readonly phase: Phase;
  readonly checkRun: number | undefined;
  readonly run: Run | undefined;
  /** What the run was last seen doing, and since when. */
  readonly runStatus: { readonly status: "queued" | "in_progress"; readonly since: Date } | undefined;
  /** What the image's tag was resolved to, once; carried from there on. */
  readonly digest: Digest | undefined;
  readonly outcome: Outcome | undefined;
  /** The policies that the outcome answers, or is going to: where they are others by now, the image is judged anew (RULES R2). */
  readonly answersTo: PolicyStates;
  /** The first moment at which something that the verdicts rest on has lapsed (RULES R14); undefined if nothing does. */
  readonly validUntil: Date | undefined;
  /** How often in a row something could not be looked at. */
  readonly failures: number;
  /** What could not be looked at last, in words for people, and when it is tried again; undefined once it could. */
  readonly waiting: { readonly reason: string; readonly until: Date } | undefined;
  /** Writes that may have reached GitHub though we never heard so: looked for before they are made again. */
  readonly attempted: Attempted;
  /** Counts the check runs of this build, from 1: each attempt of the run and each judgement that a person asks for has one of its own. */
  readonly round: number;
  /** A hash of what the check run says. */
  readonly reported: string | undefined;
  readonly createdAt: Date;
  /** When the outcome was known. */
  readonly settledAt: Date | undefined;
}

/** The external id of a build's present check run. An old one stays what it was: a verdict isn't taken back in silence. */
export function externalId({ id, round }: Pick<Build, "id" | "round">): string {
  return round === 1 ? id : `${id}.${round}`;
}

/** `v1.2.3` of `refs/tags/v1.2.3`. */
export function tagName(ref: string): string {
  return ref.replace(/^refs\/tags\//, "");
}

/** What GitHub shows of an outcome. `neutral` and `skipped` are none of them: GitHub counts both as passing. */
export type Conclusion = "success" | "failure" | "action_required" | "cancelled";

/** The one table from outcomes to conclusions (DESIGN §5). */
export function conclusionOf(outcome: Outcome): Conclusion {
  switch (outcome.kind) {
    case "verdict":
      return outcome.verdict === "trusted" ? "success" : worstOf(outcome.enforced ?? []);
    case "undetermined":
      return "action_required";
    case "cancelled":
      return "cancelled";
    case "build-failed":
    case "policy-wrong":
    case "no-workflow":
    case "tag-unusable":
      return "failure";
  }
}

/** The worst that the policies say (RULES R2); where none says anything, every fault fails. */
function worstOf(enforced: readonly EnforcedBy[]): Enforced["conclusion"] {
  const said = enforced.map(({ conclusion }) => conclusion);
  if (said.length === 0 || said.includes("failure")) return "failure";
  return said.includes("action_required") ? "action_required" : "success";
}

/** The part of a tag's check runs' names that never changes; pull requests have another, so that a green tag satisfies none of theirs (RULES R31). */
export const TAG_CHECK = "trusted-builds / tag";

/** The name of a pull request's check run, which never changes (RULES R31). */
export const PULL_CHECK = "trusted-builds / pull request";

/** The check run's name: fixed for an image, whichever tag was pushed. */
export function checkName({ key }: Pick<Build, "key">): string {
  return key.image === "" ? TAG_CHECK : `${TAG_CHECK} (${key.image})`;
}
