import { commitOnBranch } from "../git-branch.ts";
import { mergeBaseOf } from "../git-diff.ts";
import { readRefs, resolveCommit } from "../git-objects.ts";
import { type CommitOptions, commitFiles, type Files, git } from "../git-repository.ts";
import type { Document } from "./seed.ts";
import { fullName, type Repository, type State } from "./state.ts";
import { NOTHING, type Push, pushPayload, refPayload } from "./webhooks.ts";

/** How a tag is made. */
export interface TagOptions {
  /** Default: the head of main. */
  readonly commit?: string;
  readonly annotated?: boolean;
  /** Whether a tag that is there already may be moved. */
  readonly force?: boolean;
}

/** What is committed, and where. */
export type BranchCommitOptions = Pick<CommitOptions, "message" | "remove" | "symlinks"> & {
  /** Default: the default branch. */
  readonly branch?: string;
};

/** Tells the app, if it hears it. */
export type Deliver = (event: string, repository: Repository, payload: Document) => Promise<void>;

/** Of more tags in one push GitHub sends no webhooks. */
const TOLD_TAGS = 3;

/** What people push: it is in git first, and told then. */
export class Pushes {
  readonly #state: State;
  readonly #deliver: Deliver;
  readonly #moved: (repository: Repository, push: Push) => Promise<void>;

  /** @param moved - Called for each ref that moved. */
  constructor(state: State, deliver: Deliver, moved: (repository: Repository, push: Push) => Promise<void>) {
    this.#state = state;
    this.#deliver = deliver;
    this.#moved = moved;
  }

  /** Commits on a branch, the default one if none is named; what isn't named stays. A new branch begins at the default one. */
  async commit(repository: Repository, files: Files, options: BranchCommitOptions): Promise<string> {
    const { directory, defaultBranch } = repository;
    const { branch = defaultBranch } = options;
    const ref = `refs/heads/${branch}`;
    const before = (await resolveCommit(directory, ref)) ?? NOTHING;
    const after =
      branch === defaultBranch
        ? await commitFiles(directory, files, { ...options, keep: before !== NOTHING })
        : await commitOnBranch(directory, branch, `refs/heads/${defaultBranch}`, files, options);
    await this.tell(repository, { ref, before, after, forced: false });
    return after;
  }

  /** Moves a branch to a commit that is there, forward or not; makes it where it isn't. */
  async branch(repository: Repository, branch: string, after: string): Promise<void> {
    const ref = `refs/heads/${branch}`;
    const before = (await objectOf(repository, ref)) ?? NOTHING;
    await git(repository.directory, ["update-ref", ref, after]);
    const forced = before !== NOTHING && (await mergeBaseOf(repository.directory, before, after)) !== before;
    await this.tell(repository, { ref, before, after, forced });
  }

  async deleteBranch(repository: Repository, branch: string): Promise<void> {
    await this.#delete(repository, `refs/heads/${branch}`);
  }

  /** Several tags in one push. */
  async tags(repository: Repository, tags: readonly string[], options: TagOptions): Promise<void> {
    const pushes: Push[] = [];
    for (const tag of tags) pushes.push(await moveTag(repository, tag, options));
    if (pushes.length > TOLD_TAGS) return;
    const moved = pushes.filter(({ before, after }) => before !== after);
    await Promise.all(moved.map((push) => this.tell(repository, push)));
  }

  async deleteTag(repository: Repository, tag: string): Promise<void> {
    await this.#delete(repository, `refs/tags/${tag}`);
  }

  async #delete(repository: Repository, ref: string): Promise<void> {
    const before = await objectOf(repository, ref);
    if (before === undefined) throw new Error(`${fullName(repository)} has no ${ref}`);
    await git(repository.directory, ["update-ref", "-d", ref]);
    await this.tell(repository, { ref, before, after: NOTHING, forced: false });
  }

  /** A ref that is made or deleted is told twice, in no order; so is the pull request whose head it is. */
  async tell(repository: Repository, push: Push): Promise<void> {
    const { ref, before, after } = push;
    const event = before === NOTHING ? "create" : after === NOTHING ? "delete" : undefined;
    await Promise.all([
      this.#deliver("push", repository, await pushPayload(this.#state, repository, push)),
      event && this.#deliver(event, repository, refPayload(this.#state, repository, event, ref)),
      this.#moved(repository, push),
    ]);
  }
}

/** What a ref names; undefined if there is none. */
export async function objectOf({ directory }: Repository, ref: string): Promise<string | undefined> {
  return (await readRefs(directory)).find((each) => each.ref === ref)?.object;
}

async function moveTag(repository: Repository, tag: string, options: TagOptions): Promise<Push> {
  const { directory, defaultBranch } = repository;
  const { commit = `refs/heads/${defaultBranch}`, annotated = false, force = false } = options;
  const ref = `refs/tags/${tag}`;
  const before = (await objectOf(repository, ref)) ?? NOTHING;
  const kind = annotated ? ["--annotate", "--message", tag] : [];
  await git(directory, ["tag", ...kind, ...(force ? ["--force"] : []), "--", tag, commit]);
  return { ref, before, after: (await objectOf(repository, ref)) ?? NOTHING, forced: before !== NOTHING };
}
