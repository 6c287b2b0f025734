import { countBetween } from "../git-diff.ts";
import { resolveCommit } from "../git-objects.ts";
import { git } from "../git-repository.ts";
import { pullPayload } from "./pull-documents.ts";
import type { Deliver, Pushes } from "./pushes.ts";
import type { Document } from "./seed.ts";
import { fullName, iso, type Owner, PERSON, type Repository, type State } from "./state.ts";
import { NOTHING, type Push } from "./webhooks.ts";

/** A pull request as it stands. */
export interface Pull {
  readonly id: number;
  readonly number: number;
  readonly author: Owner;
  title: string;
  body: string | null;
  state: "open" | "closed";
  readonly head: {
    /** Undefined from the moment that it was deleted. */
    repository: Repository | undefined;
    readonly branch: string;
    commit: string;
  };
  readonly base: {
    branch: string;
    /** The branch's tip when GitHub last looked: it doesn't look for each push to the base. */
    commit: string;
  };
  mergedAt: string | null;
  mergeCommit: string | null;
  readonly createdAt: string;
  updatedAt: string;
  closedAt: string | null;
  /** What was said about its lines, the oldest first. */
  readonly reviews: Review[];
}

/** What one review says. */
export interface Review {
  readonly id: number;
  readonly commit: string;
  readonly body: string;
  readonly comments: readonly ReviewComment[];
  readonly by: Owner;
  readonly at: string;
}

/** Said about lines of a file as the head has it. */
export interface ReviewComment {
  readonly path: string;
  readonly line: number;
  readonly endLine: number;
  readonly body: string;
}

/** A pull request to be made; everything has a default but the branch. */
export interface PullOptions {
  readonly branch: string;
  /** Where the branch is. Default: the repository itself. */
  readonly from?: Repository;
  /** Default: the default branch. */
  readonly base?: string;
  readonly title?: string;
  readonly body?: string;
  readonly by?: Owner;
}

/** What of a pull request a person changes. */
export interface PullChanges {
  readonly title?: string;
  readonly body?: string;
  readonly base?: string;
}

/** Pull requests, as people make and change them: git has it first, and it is told then. */
export class Pulls {
  readonly #state: State;
  readonly #deliver: Deliver;

  constructor(state: State, deliver: Deliver) {
    this.#state = state;
    this.#deliver = deliver;
  }

  /** @throws if there is no such branch, or one is open for it already. */
  async open(repository: Repository, options: PullOptions): Promise<Pull> {
    const { branch, from = repository, base = repository.defaultBranch, by = PERSON } = options;
    const commit = await tipOf(from, branch);
    if (openOf(repository, from, branch).some((each) => each.base.branch === base))
      throw new Error(`A pull request already exists for ${from.owner.login}:${branch}.`);
    const now = iso(this.#state.now());
    const pull: Pull = {
      id: this.#state.nextId("pull"),
      number: (repository.pulls.at(-1)?.number ?? 0) + 1,
      author: by,
      title: options.title ?? branch,
      body: options.body ?? null,
      state: "open",
      head: { repository: from, branch, commit },
      base: { branch: base, commit: await tipOf(repository, base) },
      mergedAt: null,
      mergeCommit: null,
      createdAt: now,
      updatedAt: now,
      closedAt: null,
      reviews: [],
    };
    await keepHead(repository, pull);
    repository.pulls.push(pull);
    await this.#tell(repository, pull, "opened", {}, by);
    return pull;
  }

  /** What is given replaces what was there. */
  async change(repository: Repository, pull: Pull, { title, body, base }: PullChanges, by = PERSON): Promise<void> {
    const changes: Record<string, unknown> = {};
    if (title !== undefined && title !== pull.title) changes.title = { from: pull.title };
    if (body !== undefined && body !== pull.body) changes.body = { from: pull.body ?? "" };
    if (base !== undefined && base !== pull.base.branch) {
      changes.base = { ref: { from: pull.base.branch }, sha: { from: pull.base.commit } };
      pull.base.branch = base;
      pull.base.commit = await tipOf(repository, base);
    }
    pull.title = title ?? pull.title;
    pull.body = body ?? pull.body;
    await this.#tell(repository, pull, "edited", { changes }, by);
  }

  async close(repository: Repository, pull: Pull, by = PERSON): Promise<void> {
    pull.state = "closed";
    pull.closedAt = iso(this.#state.now());
    await this.#tell(repository, pull, "closed", {}, by);
  }

  /** What was pushed while it was closed is its head from now on. */
  async reopen(repository: Repository, pull: Pull, by = PERSON): Promise<void> {
    const { repository: from, branch } = pull.head;
    if (from === undefined || pull.mergedAt !== null) throw new Error(`#${pull.number} can't be opened again`);
    pull.head.commit = await tipOf(from, branch);
    pull.base.commit = await tipOf(repository, pull.base.branch);
    await keepHead(repository, pull);
    pull.state = "open";
    pull.closedAt = null;
    await this.#tell(repository, pull, "reopened", {}, by);
  }

  /** With a commit of two parents. */
  async merge(repository: Repository, pull: Pull, pushes: Pushes, by = PERSON): Promise<string> {
    const { directory } = repository;
    const ref = `refs/heads/${pull.base.branch}`;
    const before = await tipOf(repository, pull.base.branch);
    const run = async (...args: string[]) => (await git(directory, args)).toString().trim();
    const tree = await run("merge-tree", "--write-tree", before, pull.head.commit);
    const message = `Merge pull request #${pull.number} from ${pull.head.branch}`;
    const after = await run("commit-tree", tree, "-p", before, "-p", pull.head.commit, "-m", message);
    await run("update-ref", ref, after);
    pull.mergedAt = iso(this.#state.now());
    pull.mergeCommit = after;
    await Promise.all([
      pushes.tell(repository, { ref, before, after, forced: false }),
      this.close(repository, pull, by),
    ]);
    return after;
  }

  /** A branch moved, in whatever repository: what is open from it has another head. */
  async branchMoved(from: Repository, { ref, before, after }: Push): Promise<void> {
    const branch = ref.replace(/^refs\/heads\//, "");
    if (branch === ref || before === NOTHING) return;
    for (const repository of this.#state.repositories.values()) {
      for (const pull of openOf(repository, from, branch)) {
        if (after === NOTHING) await this.close(repository, pull);
        else {
          pull.head.commit = after;
          pull.base.commit = await tipOf(repository, pull.base.branch);
          await keepHead(repository, pull);
          await this.#tell(repository, pull, "synchronize", { before, after }, PERSON);
        }
      }
    }
  }

  /** A repository was deleted; what was open from it is closed, with a head that is nowhere else any more. */
  async repositoryRemoved(gone: Repository): Promise<void> {
    for (const repository of this.#state.repositories.values()) {
      for (const pull of repository.pulls.filter(({ head }) => head.repository === gone)) {
        pull.head.repository = undefined;
        if (pull.state === "open") await this.close(repository, pull);
      }
    }
  }

  async #tell(repository: Repository, pull: Pull, action: string, more: Document, by: Owner): Promise<void> {
    pull.updatedAt = iso(this.#state.now());
    const payload = await pullPayload(this.#state, repository, pull, action, by);
    await this.#deliver("pull_request", repository, { ...payload, ...more });
  }
}

/** @throws if there is none of that number. */
export function pullNumbered(repository: Repository, number: number): Pull {
  const found = repository.pulls.find((each) => each.number === number);
  if (found === undefined) throw new Error(`${fullName(repository)} has no pull request ${number}`);
  return found;
}

/** Whether a base branch has all that a head has: GitHub makes no pull request of nothing. */
export async function isNothingNew({ directory }: Repository, base: string, head: string): Promise<boolean> {
  return (await countBetween(directory, base, head)) === 0;
}

/** Those that are open from a branch. */
export function openOf(repository: Repository, from: Repository, branch: string): readonly Pull[] {
  return repository.pulls.filter(
    ({ state, head }) => state === "open" && head.repository === from && head.branch === branch,
  );
}

async function tipOf(repository: Repository, branch: string): Promise<string> {
  const tip = await resolveCommit(repository.directory, `refs/heads/${branch}`);
  if (tip === undefined) throw new Error(`${fullName(repository)} has no branch ${branch}`);
  return tip;
}

/** The head's commits are in the repository that it is made to, whosever they are. */
async function keepHead(repository: Repository, { number, head }: Pull): Promise<void> {
  const { directory } = head.repository ?? repository;
  const refspec = `+${head.commit}:refs/pull/${number}/head`;
  await git(repository.directory, ["fetch", "-q", "--no-tags", directory, refspec]);
}
