import type { Repository } from "../build/build.ts";
import type { ExpectedBuild } from "../trust/policy.ts";
import { BeyondLimit } from "../trust/ports.ts";
import { isDockerfileName } from "./dockerfile-names.ts";
import type { ChangedFile, PullRequest, PullRequestReader, SourceReader } from "./ports.ts";

/** How many Dockerfiles of one pull request are judged; more is a fault of its own, and none is left out in silence. */
export const MAX_PULL_FILES = 50;

/** Where a file's text is to be had. */
export type FileSource =
  | { readonly kind: "absent" }
  /** The commit has it under this id of git's. */
  | { readonly kind: "blob"; readonly commit: string; readonly path: string; readonly blob: string }
  /** It is to be read to know whether it is there: GitHub doesn't list the commit's files, or it is a link. */
  | { readonly kind: "unlisted"; readonly commit: string; readonly path: string; readonly isThere: boolean };

/** A Dockerfile that is to be judged. */
export interface PlannedFile {
  readonly path: string;
  readonly previousPath: string | undefined;
  readonly isTouched: boolean;
  /** How policy builds it; undefined where it only changed. */
  readonly build: ExpectedBuild | undefined;
  readonly before: FileSource;
  readonly after: FileSource;
}

/**
 * The Dockerfiles that policy builds, and those that the pull request touches. Names are hints, and policy's word is none: what it names
 * is looked at whatever it is called.
 *
 * @returns one for each build of policy's, and one for each other file.
 * @throws {CouldNotLook} @throws {BeyondLimit} where there are more than can be looked at.
 */
export async function filesOfPull(
  { pulls, sources }: { readonly pulls: PullRequestReader; readonly sources: SourceReader },
  repository: Repository,
  pull: PullRequest,
  builds: readonly ExpectedBuild[],
): Promise<readonly PlannedFile[]> {
  const { head, base } = pull;
  let after: Listing | undefined;
  let before: Listing | undefined;
  const changed = await changedFiles();
  const named = new Set(builds.map(pathOfBuild));
  const others = changed.filter(
    ({ path, previousPath }) =>
      !named.has(path) && (isDockerfileName(path) || (previousPath !== undefined && isDockerfileName(previousPath))),
  );
  const count = builds.length + others.length;
  if (count > MAX_PULL_FILES)
    throw new BeyondLimit(
      `the pull request changes, and policy builds, ${count} Dockerfiles: more than ${MAX_PULL_FILES} aren't judged at once; split it`,
    );
  if (count === 0) return [];
  after ??= await listing(head.commit);
  const byPath = new Map(changed.map((file) => [file.path, file]));
  const planned: PlannedFile[] = [];
  for (const build of builds) {
    const path = pathOfBuild(build);
    planned.push(await plan(path, byPath.get(path), build));
    const other = inLowerCase(path);
    if (other !== undefined && after?.has(path) !== true) planned.push(await plan(other, byPath.get(other), build));
  }
  const paths = new Set(planned.map(({ path }) => path));
  for (const file of others) if (!paths.has(file.path)) planned.push(await plan(file.path, file, undefined));
  return planned;

  async function plan(
    path: string,
    change: ChangedFile | undefined,
    build: ExpectedBuild | undefined,
  ): Promise<PlannedFile> {
    const isGone = change?.isRemoved === true && !isBelowLink(path);
    const isThere = change !== undefined && !isGone;
    const now: FileSource = isGone ? ABSENT : headSource(after, head.commit, path, isThere);
    // What it doesn't touch is on both sides what it is at the head: whatever else the base branch has come to is not its doing.
    if (change === undefined)
      return { path, previousPath: undefined, isTouched: false, build, before: now, after: now };
    before ??= await listing(base.commit);
    // What policy names is compared with what policy names: a worse file that is moved there wasn't there before.
    const from = build === undefined ? (change.previousPath ?? path) : builtFrom(before, pathOfBuild(build));
    return {
      path,
      previousPath: change.previousPath,
      isTouched: true,
      build,
      before: baseSource(before, base.commit, from),
      after: now,
    };
  }

  /** A directory that became a link leads BuildKit elsewhere, though the path names no file of the commit. */
  function isBelowLink(path: string): boolean {
    return changed.some((each) => !each.isRemoved && path.startsWith(`${each.path}/`));
  }

  async function changedFiles(): Promise<readonly ChangedFile[]> {
    try {
      return await pulls.listChangedFiles(repository, pull.number, head.commit);
    } catch (error) {
      if (!(error instanceof BeyondLimit)) throw error;
      after = await listing(head.commit);
      before = await listing(base.commit);
      // Without either list nobody knows what is touched.
      if (after === undefined || before === undefined) throw error;
      return differences(before, after);
    }
  }

  async function listing(commit: string): Promise<Listing | undefined> {
    try {
      return await sources.listFiles(repository, commit);
    } catch (error) {
      if (!(error instanceof BeyondLimit)) throw error;
      return undefined;
    }
  }
}

/**
 * Where a build's Dockerfile is in the repository: BuildKit looks for it below the context, and lets nobody climb out of that.
 */
export function pathOfBuild({ context, dockerfile }: Pick<ExpectedBuild, "context" | "dockerfile">): string {
  return [...segmentsOf(context ?? ""), ...segmentsOf(dockerfile)].join("/");
}

/** Where there is no `Dockerfile`, BuildKit takes a `dockerfile`: whoever moves one away could bring in the other unseen. */
function inLowerCase(path: string): string | undefined {
  const match = /^(|.*\/)Dockerfile$/.exec(path);
  return match === null ? undefined : `${match[1]}dockerfile`;
}

/** Which of the two it is at a commit. */
function builtFrom(files: Listing | undefined, path: string): string {
  const other = inLowerCase(path);
  return other !== undefined && files?.has(path) === false && files.has(other) ? other : path;
}

function segmentsOf(path: string): readonly string[] {
  const segments: string[] = [];
  for (const each of path.split("/")) {
    if (each === "..") segments.pop();
    else if (each !== "" && each !== ".") segments.push(each);
  }
  return segments;
}

/** The files of a commit; undefined where GitHub doesn't list them all. */
type Listing = ReadonlyMap<string, string>;

const ABSENT: FileSource = { kind: "absent" };

/** What isn't listed may be a link, whose text is that of another file: it is there if it can be read. */
function headSource(files: Listing | undefined, commit: string, path: string, isThere: boolean): FileSource {
  const blob = files?.get(path);
  return blob === undefined ? { kind: "unlisted", commit, path, isThere } : { kind: "blob", commit, path, blob };
}

/** Here a link counts for nothing: what isn't known of the base branch lets nothing pass. */
function baseSource(files: Listing | undefined, commit: string, path: string): FileSource {
  if (files === undefined) return { kind: "unlisted", commit, path, isThere: false };
  const blob = files.get(path);
  return blob === undefined ? ABSENT : { kind: "blob", commit, path, blob };
}

/** More than the pull request touches, if the base branch has moved on; never less. */
function differences(before: Listing, after: Listing): readonly ChangedFile[] {
  const changed: ChangedFile[] = [];
  for (const [path, blob] of after)
    if (before.get(path) !== blob) changed.push({ path, previousPath: undefined, isRemoved: false, blob });
  for (const [path, blob] of before)
    if (!after.has(path)) changed.push({ path, previousPath: undefined, isRemoved: true, blob });
  return changed;
}
