import type { Repository } from "../build/build.ts";

/** A pull request as GitHub has it now. */
export interface PullRequest {
  readonly number: number;
  readonly isOpen: boolean;
  readonly isMerged: boolean;
  /** What it would bring in. `repository` is undefined where the fork was deleted. */
  readonly head: { readonly commit: string; readonly branch: string; readonly repository: PullRepository | undefined };
  /** Where it would go. `commit` is the branch's tip, as GitHub tells it with the pull request. */
  readonly base: { readonly commit: string; readonly branch: string };
  /** Its page. */
  readonly url: string;
}

/** The repository of a pull request's head. */
export interface PullRepository {
  readonly id: number;
  readonly owner: string;
  readonly name: string;
}

/** A file that a pull request touches. */
export interface ChangedFile {
  readonly path: string;
  /** Where it was before, if elsewhere. */
  readonly previousPath: string | undefined;
  readonly isRemoved: boolean;
  /** The git id of its text at the head; undefined where it is removed, or GitHub doesn't say. Two of those aren't the same. */
  readonly blob: string | undefined;
}

/** Reads pull requests, always from the repository they are made to: a fork's commits are there too. */
export interface PullRequestReader {
  /** @returns undefined if there is none of that number. @throws {CouldNotLook} */
  readPull(repository: Repository, number: number): Promise<PullRequest | undefined>;
  /**
   * Against where the branches parted, as GitHub shows it.
   * @param head - The commit that it must be about: GitHub lists those of the head as it is now, and answers nobody for another.
   * @throws {CouldNotLook} also where the head has moved on. @throws {BeyondLimit} from the 3,000 on, of which GitHub lists no more.
   */
  listChangedFiles(repository: Repository, number: number, head: string): Promise<readonly ChangedFile[]>;
}

/** Lists pull requests: what webhooks told could have been missed. */
export interface OpenPulls {
  /** Open ones, those that changed last first; at most 100, by one request. @throws {CouldNotLook} */
  listOpenPulls(
    repository: Repository,
  ): Promise<readonly { readonly number: number; readonly head: string; readonly base: string }[]>;
}

/** Reads files at commits. */
export interface SourceReader {
  /**
   * The git ids of all files of a commit, by path; symbolic links and submodules left out.
   * @throws {CouldNotLook} @throws {BeyondLimit} where GitHub doesn't list them all.
   */
  listFiles(repository: Repository, commit: string): Promise<ReadonlyMap<string, string>>;
  /**
   * A file's bytes at a commit.
   * @returns undefined if the commit is there and has no such file. @throws {CouldNotLook} @throws {BeyondLimit} above `limit` bytes (and 5 MiB),
   * and where the path leads through a symbolic link or a submodule, which GitHub and BuildKit follow to different files.
   */
  readFile(repository: Repository, commit: string, path: string, limit: number): Promise<Uint8Array | undefined>;
}

/** What the owner lets the app write beside check runs (RULES R33): each can be left out. */
export interface Writing {
  /** Branches and commits. */
  readonly contents: boolean;
  readonly pullRequests: boolean;
  /** Files below `.github/workflows/`. */
  readonly workflows: boolean;
}

/** Asks what may be written, and who may ask for it. */
export interface Permissions {
  /** What the installation was given. @throws {CouldNotLook} */
  readWriting(repository: Repository): Promise<Writing>;
  /** Whether a person may write to the repository themself. @throws {CouldNotLook} */
  mayWrite(repository: Repository, login: string): Promise<boolean>;
}

/** What the names of all branches begin with that the app makes for itself. */
export const OUR_BRANCHES = "trusted-builds/";

/** GitHub refuses a write for good: a permission that isn't there, a branch that is protected or has moved on. */
export class WriteRefused extends Error {
  /** `moved-on` also where what was to be made is there already; `invalid`: asking again as it was is of no use. */
  readonly code: "not-permitted" | "moved-on" | "protected" | "invalid";
  constructor(code: WriteRefused["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "WriteRefused";
    this.code = code;
  }
}

/**
 * Writes commits. Nothing is ever forced. Each takes the slots that it needs ({@link WriteSlots}); where there are none it is
 * {@link CouldNotLook} `rate-limited`, with `retryAfter` in seconds, and nothing has been written.
 */
export interface CommitWriter {
  /**
   * Commits whole files on top of a commit and moves a branch there.
   *
   * @param change - `on` is the commit that the files were made from. Where `isNew` the branch is made and must not be there yet; else
   * it must still be at `on`.
   * @returns the commit. @throws {CouldNotLook} after which it may be there all the same. @throws {WriteRefused}
   */
  commit(
    repository: Repository,
    change: {
      readonly branch: string;
      readonly isNew: boolean;
      readonly on: string;
      readonly message: string;
      readonly files: readonly { readonly path: string; readonly bytes: Uint8Array }[];
    },
  ): Promise<string>;
  /** Where a branch is. @returns undefined if there is none. @throws {CouldNotLook} */
  readBranch(repository: Repository, branch: string): Promise<string | undefined>;
  /**
   * Deletes a branch of our own: any whose name doesn't begin with {@link OUR_BRANCHES} is refused as `invalid`. One that isn't there is deleted.
   * @throws {CouldNotLook} @throws {WriteRefused}
   */
  deleteBranch(repository: Repository, branch: string): Promise<void>;
}

/** Writes pull requests, within the same slots as {@link CommitWriter}. */
export interface PullRequestWriter {
  /** @returns its number. @throws {CouldNotLook} after which it may be there all the same. @throws {WriteRefused} */
  open(
    repository: Repository,
    pull: { readonly branch: string; readonly base: string; readonly title: string; readonly body: string },
  ): Promise<number>;
  /** The newest one from a branch of the repository itself, open or not, whoever made it. @throws {CouldNotLook} */
  findFromBranch(repository: Repository, branch: string): Promise<PullRequest | undefined>;
  /** @throws {CouldNotLook} @throws {WriteRefused} */
  update(repository: Repository, number: number, to: { readonly title: string; readonly body: string }): Promise<void>;
  /**
   * Suggests changes of whole lines on a pull request, as one review; whoever may write there takes them over with a click.
   * @throws {CouldNotLook} after which it may be there all the same. @throws {WriteRefused}
   */
  suggest(
    repository: Repository,
    number: number,
    review: {
      readonly commit: string;
      readonly body: string;
      readonly suggestions: readonly {
        readonly path: string;
        readonly line: number;
        readonly endLine: number;
        readonly lines: string;
        readonly body: string;
      }[];
    },
  ): Promise<void>;
}

/** Hands out the writes that one installation may make, so that GitHub's limits on content aren't met (see `write-pace.ts`). */
export interface WriteSlots {
  /**
   * Takes slots for so many writes, all of them or none, and remembers them before it answers: what is killed then has used them.
   * @returns undefined: go; else when to ask again.
   */
  takeSlots(installation: number, writes: number, now: Date): Promise<Date | undefined>;
  /** GitHub wants no more writes before. */
  pauseWrites(installation: number, until: Date, now: Date): Promise<void>;
}
