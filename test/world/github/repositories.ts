import { renameSync } from "node:fs";
import { repositoryIdOf } from "../chain.ts";
import { commitFiles, type Files, git, initRepository, REPOSITORY_NAME } from "../git-repository.ts";
import { directoryOf, fullName, type Owner, type Repository, type State } from "./state.ts";

/** What a repository is; everything has a default. */
export interface RepositoryOptions {
  /** Committed on main. A repository without files has no commit. */
  readonly files?: Files;
  readonly private?: boolean;
  readonly archived?: boolean;
  /** Whether main takes changes by reviewed pull request only; a number is that of the reviews. */
  readonly protected?: boolean | number;
  /** Default: `repositoryIdOf` of the name without its owner. */
  readonly id?: number;
  /** Whether an installation on selected repositories has this one. Default true. */
  readonly selected?: boolean;
  /** Default: what GitHub lists. */
  readonly treeLimit?: number;
}

/** What of a repository can be changed. */
export type RepositoryChanges = Pick<RepositoryOptions, "private" | "archived" | "protected" | "treeLimit">;

/** Entries of a tree that GitHub lists at once. */
const TREE_LIMIT = 100_000;

/** Makes a repository, which nobody is told. @returns the head of main, "" without files. */
export async function createRepository(
  state: State,
  owner: Owner,
  name: string,
  options: RepositoryOptions,
  parent?: Repository,
): Promise<string> {
  if (!REPOSITORY_NAME.test(name)) throw new Error(`not owner/name: ${name}`);
  if (state.repositories.has(name.toLowerCase())) throw new Error(`${name} is there already: commit to it`);
  const short = name.slice(name.indexOf("/") + 1);
  const { files, id = repositoryIdOf(short), selected = true } = options;
  // JSON has no larger ones, and two repositories have two.
  if (!Number.isSafeInteger(id)) throw new Error(`${name}: the id made of the name is too large: give it one`);
  for (const other of state.repositories.values())
    if (other.id === id) throw new Error(`${name}: the id ${id} is taken: give it another`);
  const repository: Repository = {
    id,
    owner,
    name: short,
    isPrivate: false,
    isArchived: false,
    defaultBranch: "main",
    directory: directoryOf(state, name),
    rules: new Map(),
    checkRuns: [],
    runs: [],
    attestations: [],
    checkSuites: new Map(),
    parent,
    pulls: [],
    collaborators: new Map([[owner.login.toLowerCase(), "admin"]]),
    treeLimit: TREE_LIMIT,
  };
  // Not there before git has it: a request that is on its way may ask for it.
  await initRepository(repository.directory);
  state.repositories.set(name.toLowerCase(), repository);
  state.renamed.delete(name.toLowerCase());
  changeRepository(repository, options);
  const installation = [...state.installations.values()].find((each) => each.owner.id === owner.id);
  if (selected) installation?.selected.add(id);
  return files === undefined ? "" : commitFiles(repository.directory, files, { message: "First" });
}

/** What isn't given stays as it is. */
export function changeRepository(repository: Repository, changes: RepositoryChanges): void {
  repository.isPrivate = changes.private ?? repository.isPrivate;
  repository.isArchived = changes.archived ?? repository.isArchived;
  repository.treeLimit = changes.treeLimit ?? repository.treeLimit;
  const { protected: reviews } = changes;
  if (reviews === false) repository.rules.delete(repository.defaultBranch);
  else if (reviews !== undefined) repository.rules.set(repository.defaultBranch, { reviews: Number(reviews) });
}

/** Makes a repository with all branches and tags of another. */
export async function forkRepository(state: State, parent: Repository, owner: Owner, name: string): Promise<void> {
  const id = repositoryIdOf(name.replace("/", "-"));
  await createRepository(state, owner, name, { private: parent.isPrivate, id }, parent);
  const refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
  await git(directoryOf(state, name), ["fetch", "-q", "--update-head-ok", parent.directory, ...refs]);
}

/** Gives a repository another name at the same owner; GitHub leads on from the old one until another repository takes it. */
export function renameRepository(state: State, repository: Repository, to: string): void {
  const before = fullName(repository).toLowerCase();
  repository.name = to;
  const after = fullName(repository);
  if (state.repositories.has(after.toLowerCase())) throw new Error(`${after} is there already`);
  const directory = directoryOf(state, after);
  renameSync(repository.directory, directory);
  repository.directory = directory;
  state.repositories.delete(before);
  state.repositories.set(after.toLowerCase(), repository);
  state.renamed.delete(after.toLowerCase());
  state.renamed.set(before, repository.id);
}
