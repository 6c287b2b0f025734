import type { Repository } from "../build/build.ts";
import type { CommitWriter, Permissions, PullRequestWriter } from "./ports.ts";
import type { PullJob } from "./pull-check.ts";
import type { JudgedPin } from "./pull-pins-text.ts";

/** Finds what the app has said on a pull request. */
export interface PullReviews {
  /** Whether a bot has a review of this commit whose text has the mark in it. @throws {CouldNotLook} */
  hasReview(
    repository: Repository,
    number: number,
    review: { readonly commit: string; readonly mark: string },
  ): Promise<boolean>;
}

/** What writing pins on a pull request needs of the world. */
export interface PullPinsPorts {
  readonly permissions: Permissions;
  readonly commits: CommitWriter;
  readonly writer: PullRequestWriter;
  readonly reviews: PullReviews;
  /**
   * The digests of the check's stored forecasts of its head, for what can be pinned where it stands. Nothing is resolved anew.
   * @returns undefined where a forecast was forgotten meanwhile.
   */
  readonly judgedPins: (check: PullJob) => Promise<readonly JudgedPin[] | undefined>;
}
