import { issueToken, type Token } from "./credentials.ts";
import { type ActionsRun, type Attempt, attemptOf, type RunListener, runUrl } from "./runs.ts";
import { fullName, type Permissions, type Repository, type State } from "./state.ts";

/** An attempt of a run, as a runner gets it. */
export interface Job {
  readonly repository: Readonly<Pick<Repository, "id" | "owner" | "name" | "isPrivate">> & {
    readonly fullName: string;
  };
  readonly run: {
    readonly id: number;
    readonly attempt: number;
    readonly number: number;
    /** The page of this attempt. */
    readonly url: string;
  };
  readonly workflow: { readonly name: string; readonly path: string };
  /** The full ref. */
  readonly ref: string;
  readonly commit: string;
  readonly inputs: Readonly<Record<string, string>>;
  /** `github.token`: for this repository alone. */
  readonly token: string;
  /** Aborted when someone cancels the run. */
  readonly signal: AbortSignal;
  /** The job runs. Without a call it does so from the moment the runner takes it. */
  start(): void;
  /** Adds lines to the log. */
  log(text: string): void;
}

/** What a runner does with a job; how that ends is how the job ends, and an error is a failure. */
export type JobHandler = (job: Job) => Promise<"success" | "failure" | "cancelled">;

/** What jobs tell others. */
export interface JobListener {
  runChanged(repository: Repository, run: ActionsRun, action: "requested" | "in_progress" | "completed"): void;
}

/** What `permissions:` of build.yml gives to the job. */
const JOB_PERMISSIONS: Permissions = {
  attestations: "write",
  contents: "read",
  metadata: "read",
  packages: "write",
};

/** Hands queued jobs to the runner, one at a time for each run, and follows them to their end. */
export class Jobs implements RunListener {
  readonly #state: State;
  readonly #listener: JobListener;
  readonly #waiting: { readonly repository: Repository; readonly run: ActionsRun; readonly attempt: Attempt }[] = [];
  readonly #running = new Map<Attempt, AbortController>();
  readonly #pending = new Set<Promise<void>>();
  #handler: JobHandler | undefined;

  constructor(state: State, listener: JobListener) {
    this.#state = state;
    this.#listener = listener;
  }

  /** From now on this takes the jobs, those that wait already too. Undefined: they wait. */
  handle(handler: JobHandler | undefined): void {
    this.#handler = handler;
    if (handler !== undefined)
      for (const each of this.#waiting.splice(0)) this.#take(handler, each.repository, each.run, each.attempt);
  }

  runRequested(repository: Repository, run: ActionsRun): void {
    this.#listener.runChanged(repository, run, "requested");
    this.#queue(repository, run);
  }

  /** GitHub sends no `requested` for a further attempt. */
  rerunRequested(repository: Repository, run: ActionsRun): void {
    this.#queue(repository, run);
  }

  cancelRequested(repository: Repository, run: ActionsRun): void {
    const attempt = attemptOf(run);
    const running = this.#running.get(attempt);
    if (running !== undefined) {
      running.abort();
      return;
    }
    const index = this.#waiting.findIndex((each) => each.attempt === attempt);
    if (index >= 0) this.#waiting.splice(index, 1);
    this.complete(repository, run, "cancelled");
  }

  /** The run was taken by a runner. */
  start(repository: Repository, run: ActionsRun): void {
    const attempt = attemptOf(run);
    if (attempt.status !== "queued") return;
    attempt.status = "in_progress";
    attempt.startedAt = this.#state.now();
    attempt.checkRun.status = "in_progress";
    this.#listener.runChanged(repository, run, "in_progress");
  }

  /** The run has ended. */
  complete(repository: Repository, run: ActionsRun, conclusion: string): void {
    const attempt = attemptOf(run);
    attempt.status = "completed";
    attempt.conclusion = conclusion;
    attempt.completedAt = this.#state.now();
    Object.assign(attempt.checkRun, {
      status: "completed",
      conclusion,
      completedAt: attempt.completedAt.toISOString(),
    });
    this.#listener.runChanged(repository, run, "completed");
  }

  /** Until no job runs. */
  async idle(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  /** Aborts what runs. */
  async close(): Promise<void> {
    this.#handler = undefined;
    for (const controller of this.#running.values()) controller.abort();
    await this.idle();
  }

  #queue(repository: Repository, run: ActionsRun): void {
    const attempt = attemptOf(run);
    if (this.#handler === undefined) this.#waiting.push({ repository, run, attempt });
    else this.#take(this.#handler, repository, run, attempt);
  }

  #take(handler: JobHandler, repository: Repository, run: ActionsRun, attempt: Attempt): void {
    const controller = new AbortController();
    this.#running.set(attempt, controller);
    const token = issueToken(this.#state, {
      installation: undefined,
      repositories: new Set([repository.id]),
      permissions: JOB_PERMISSIONS,
    });
    const done = this.#work(handler, repository, run, attempt, token, controller).finally(() => {
      this.#running.delete(attempt);
      this.#state.tokens.delete(token.value);
      this.#pending.delete(done);
    });
    this.#pending.add(done);
  }

  async #work(
    handler: JobHandler,
    repository: Repository,
    run: ActionsRun,
    attempt: Attempt,
    token: Token,
    controller: AbortController,
  ): Promise<void> {
    const now = this.#state.now;
    const log = (text: string) => {
      // As the runner stamps them: seven digits of a second.
      for (const line of text.split(/\r?\n/)) attempt.log.push(`${now().toISOString().replace("Z", "0000Z")} ${line}`);
    };
    const { id, number, workflow, ref, commit, inputs } = run;
    const { owner, name, isPrivate } = repository;
    await new Promise(setImmediate); // the answer to whoever asked for it goes first, mostly
    const job: Job = {
      repository: { id: repository.id, owner, name, isPrivate, fullName: fullName(repository) },
      run: {
        id,
        number,
        attempt: attempt.number,
        url: `${runUrl(this.#state, repository, run)}/attempts/${attempt.number}`,
      },
      workflow,
      ref,
      commit,
      inputs,
      token: token.value,
      signal: controller.signal,
      start: () => this.start(repository, run),
      log,
    };
    let conclusion: string;
    try {
      conclusion = await handler(job);
    } catch (error) {
      log(`##[error]${(error as Error).message}`);
      conclusion = "failure";
    }
    this.start(repository, run);
    this.complete(repository, run, attempt.isCancelled ? "cancelled" : conclusion);
  }
}
