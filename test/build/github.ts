import type { BuildRequest, Repository, Run } from "../../src/build/build.ts";
import {
  type CheckRunReport,
  type CheckRuns,
  DispatchRefused,
  type PolicyReader,
  type PolicyText,
  type RunState,
  type Tag,
  type TagReader,
  type Workflows,
} from "../../src/build/ports.ts";
import { bytesOf, commitOf } from "../trust/world.ts";

/** A check run, with everything that was ever written to it. */
export interface StoredCheckRun {
  readonly id: number;
  readonly name: string;
  readonly commit: string;
  readonly externalId: string;
  readonly writes: CheckRunReport[];
}

/** A run, as it goes with time: queued for a minute, then four minutes of work. */
export interface StoredRun {
  readonly id: number;
  attempt: number;
  readonly title: string;
  readonly file: string;
  readonly ref: string;
  /** Of the tag when it was started. */
  readonly commit: string;
  readonly request: BuildRequest;
  startedAt: number;
  readonly createdAt: number;
  /** From when on it is listed. */
  readonly listedAt: number;
  conclusion: string;
  isEnded: boolean;
}

export const MINUTE = 60_000;
const QUEUED_MS = MINUTE;
const WORK_MS = 5 * MINUTE;

/** One repository of GitHub, in memory: what the ports see, and handles to change it. */
export class Github implements TagReader, PolicyReader, Workflows, CheckRuns {
  readonly tags = new Map<string, Tag | Error>();
  readonly runs: StoredRun[] = [];
  readonly checks: StoredCheckRun[] = [];
  /** Every request that starts something, whether or not its answer arrived. */
  readonly dispatched: string[] = [];
  readonly reruns: number[] = [];
  repositoryPolicy: PolicyText | Error | undefined;
  organisationPolicy: PolicyText | Error | undefined;
  /** Where the workflow's file is. */
  workflowAt: readonly string[] | "everywhere" = "everywhere";
  /** It doesn't say which run it has started. */
  isGhes = false;
  listingMs = 0;
  refusal: string | undefined;
  rerunRefusal: string | undefined;
  log: string | undefined = "step 7: exit 1";
  /** How the next runs end; the last one goes on. */
  conclusions: string[] = ["success"];
  /** What a run that succeeds leaves. */
  work: (run: StoredRun) => void = () => {};
  private readonly now: () => number;
  private ids = 1000;

  constructor(now: () => number) {
    this.now = now;
  }

  /** Names a commit, through a tag object if it is annotated. */
  tag(name: string, at: string, object = commitOf(at)): void {
    this.tags.set(`refs/tags/${name}`, { object, commit: commitOf(at) });
  }

  policy(kind: PolicyText["kind"], text: string): void {
    const home = kind === "repository" ? "acme/app/.github/trusted-builds.yml" : "acme/.github/trusted-builds.yml";
    const commit = commitOf(text);
    const policy = { kind, bytes: bytesOf(text), name: home, uri: `git+https://github.com/${home}@${commit}`, commit };
    const stored: PolicyText = { ...policy, isProtected: true };
    if (kind === "repository") this.repositoryPolicy = stored;
    else this.organisationPolicy = stored;
  }

  /** Someone starts a run with these words in its title. */
  start(title: string, file: string, ref: string, request: BuildRequest): StoredRun {
    const tag = this.tags.get(ref);
    if (tag === undefined || tag instanceof Error) throw new Error(`no tag ${ref}`);
    const now = this.now();
    const [conclusion = "success", ...later] = this.conclusions;
    if (later.length > 0) this.conclusions = later;
    const times = { startedAt: now, createdAt: now, listedAt: now + this.listingMs };
    const at = { title, file, ref, commit: tag.commit, request };
    const run: StoredRun = { id: ++this.ids, attempt: 1, ...at, ...times, conclusion, isEnded: false };
    this.runs.push(run);
    return run;
  }

  /** Someone starts a new attempt. */
  restart(run: StoredRun, conclusion = "success"): void {
    run.attempt += 1;
    run.startedAt = this.now();
    run.conclusion = conclusion;
    run.isEnded = false;
  }

  async readTag(_: Repository, ref: string): Promise<Tag | undefined> {
    const tag = this.tags.get(ref);
    if (tag instanceof Error) throw tag;
    return tag;
  }

  async listTags(): Promise<readonly { ref: string; object: string }[]> {
    return [...this.tags].flatMap(([ref, tag]) => (tag instanceof Error ? [] : [{ ref, object: tag.object }]));
  }

  async readRepositoryPolicy(): Promise<PolicyText | undefined> {
    if (this.repositoryPolicy instanceof Error) throw this.repositoryPolicy;
    return this.repositoryPolicy;
  }

  async readOrganisationPolicy(): Promise<PolicyText | undefined> {
    if (this.organisationPolicy instanceof Error) throw this.organisationPolicy;
    return this.organisationPolicy;
  }

  async hasWorkflow(_: Repository, file: string, ref: string): Promise<boolean> {
    return this.workflowAt === "everywhere" || this.workflowAt.includes(`${file} ${ref}`);
  }

  async dispatch(
    _: Repository,
    file: string,
    ref: string,
    build: { readonly id: string; readonly request: BuildRequest },
  ): Promise<Run | undefined> {
    if (this.refusal !== undefined) throw new DispatchRefused(this.refusal);
    this.dispatched.push(`${build.id} ${ref}`);
    const run = this.start(`Trusted build ${build.id}`, file, ref, build.request);
    return this.isGhes ? undefined : { id: run.id, attempt: 1, url: urlOf(run) };
  }

  async findRun(_: Repository, file: string, buildId: string, since: Date): Promise<Run | undefined> {
    const run = this.runs.find(
      (each) =>
        each.file === file &&
        each.title.includes(buildId) &&
        each.createdAt >= since.getTime() &&
        each.listedAt <= this.now(),
    );
    return run && { id: run.id, attempt: run.attempt, url: urlOf(run) };
  }

  async readRun(_: Repository, runId: number): Promise<RunState | undefined> {
    this.goOn();
    const run = this.runs.find(({ id }) => id === runId);
    if (run === undefined) return undefined;
    const { id, attempt, startedAt, isEnded, conclusion } = run;
    const isQueued = this.now() < startedAt + QUEUED_MS;
    const status = isEnded ? "completed" : isQueued ? "queued" : "in_progress";
    const since = new Date(isQueued ? startedAt : startedAt + (isEnded ? WORK_MS : QUEUED_MS));
    return { id, attempt, url: urlOf(run), status, conclusion: isEnded ? conclusion : undefined, since };
  }

  async rerun(_: Repository, runId: number): Promise<void> {
    this.goOn();
    const run = this.runs.find(({ id }) => id === runId);
    const isRunning = run !== undefined && !run.isEnded;
    if (run === undefined || isRunning || this.rerunRefusal !== undefined)
      throw new DispatchRefused(this.rerunRefusal ?? "it is running already");
    this.reruns.push(runId);
    const [conclusion = "success"] = this.conclusions;
    this.restart(run, conclusion);
  }

  async readFailureLog(): Promise<string | undefined> {
    return this.log;
  }

  async create(
    _: Repository,
    check: { readonly name: string; readonly commit: string; readonly externalId: string },
    report: CheckRunReport,
  ): Promise<number> {
    const id = ++this.ids;
    this.checks.push({ id, ...check, writes: [report] });
    return id;
  }

  async find(
    _: Repository,
    { name, commit, externalId }: { readonly name: string; readonly commit: string; readonly externalId: string },
  ): Promise<number | undefined> {
    return this.checks.find((each) => each.name === name && each.commit === commit && each.externalId === externalId)
      ?.id;
  }

  async says(_: Repository, id: number, report: CheckRunReport): Promise<boolean> {
    return JSON.stringify(this.check(id).writes.at(-1)) === JSON.stringify(report);
  }

  async update(_: Repository, id: number, report: CheckRunReport): Promise<void> {
    this.check(id).writes.push(report);
  }

  /** What runs have come to by now. */
  goOn(): void {
    for (const run of this.runs) {
      if (run.isEnded || this.now() < run.startedAt + WORK_MS) continue;
      run.isEnded = true;
      if (run.conclusion === "success") this.work(run);
    }
  }

  private check(id: number): StoredCheckRun {
    const check = this.checks.find((each) => each.id === id);
    if (check === undefined) throw new Error(`no check run ${id}`);
    return check;
  }
}

/** The page of a run. */
export function urlOf({ id }: Pick<StoredRun, "id">): string {
  return `https://github.com/acme/app/actions/runs/${id}`;
}
