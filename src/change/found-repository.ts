import type { Repository } from "../build/build.ts";

/** What a repository has at a commit of its default branch, as far as a proposal is made from it. All of it is strangers' text. */
export interface FoundRepository {
  readonly repository: Repository;
  /** Every file's path. */
  readonly paths: ReadonlySet<string>;
  readonly dockerfiles: readonly FoundFile[];
  /** The workflows that are there. */
  readonly workflows: readonly FoundFile[];
  /** Names of git tags, without `refs/tags/`. */
  readonly tags: readonly string[];
}

/** A file's path, and its text. */
export interface FoundFile {
  readonly path: string;
  readonly text: string;
}
