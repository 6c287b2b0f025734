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

/** Tells the app, if it hears it. */
export type Deliver = (event: string, repository: Repository, payload: Document) => Promise<void>;

/** Of more tags in one push GitHub sends no webhooks. */
const TOLD_TAGS = 3;

/** What people push: it is in git first, and told then. */
export class Pushes {
  readonly #state: State;
  readonly #deliver: Deliver;

  constructor(state: State, deliver: Deliver) {
    this.#state = state;
    this.#deliver = deliver;
  }

  /** Commits on the default branch; what isn't named stays. */
  async commit(repository: Repository, files: Files, options: CommitOptions): Promise<string> {
    const { directory, defaultBranch } = repository;
    const ref = `refs/heads/${defaultBranch}`;
    const before = (await resolveCommit(directory, ref)) ?? NOTHING;
    const after = await commitFiles(directory, files, { ...options, keep: before !== NOTHING });
    await this.#tell(repository, { ref, before, after, forced: false });
    return after;
  }

  /** Several tags in one push. */
  async tags(repository: Repository, tags: readonly string[], options: TagOptions): Promise<void> {
    const pushes: Push[] = [];
    for (const tag of tags) pushes.push(await moveTag(repository, tag, options));
    if (pushes.length > TOLD_TAGS) return;
    const moved = pushes.filter(({ before, after }) => before !== after);
    await Promise.all(moved.map((push) => this.#tell(repository, push)));
  }

  async deleteTag(repository: Repository, tag: string): Promise<void> {
    const ref = `refs/tags/${tag}`;
    const before = await objectOf(repository, ref);
    if (before === undefined) throw new Error(`${fullName(repository)} has no tag ${tag}`);
    await git(repository.directory, ["update-ref", "-d", ref]);
    await this.#tell(repository, { ref, before, after: NOTHING, forced: false });
  }

  /** A tag that is made or deleted is told twice, in no order. */
  async #tell(repository: Repository, push: Push): Promise<void> {
    const { ref, before, after } = push;
    const event = before === NOTHING ? "create" : after === NOTHING ? "delete" : undefined;
    await Promise.all([
      this.#deliver("push", repository, await pushPayload(this.#state, repository, push)),
      event && this.#deliver(event, repository, refPayload(this.#state, repository, event, ref)),
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
