import type { PolicyState, PolicyStates, Repository } from "../../src/build/build.ts";
import type { PolicyStateStore, PolicyText } from "../../src/build/ports.ts";
import { type PullJob, pullId } from "../../src/change/pull-check.ts";
import type {
  ForecastAnswer,
  ForecastStore,
  PullIndex,
  PullStore,
  SeenPolicies,
  SeenPolicy,
  StalePulls,
} from "../../src/change/pull-ports.ts";

/** A store in memory that behaves as the real one: what isn't saved is lost, and whoever saves over somebody else's write is refused. */
export class PullMemory implements PullStore, PullIndex, StalePulls, ForecastStore, SeenPolicies, PolicyStateStore {
  readonly repositories = new Map<number, Repository>();
  readonly rows: PullJob[] = [];
  readonly closed = new Set<number>();
  readonly states = new Map<PolicyText["kind"], PolicyState>();
  readonly seen = new Map<PolicyText["kind"], { policy: SeenPolicy | "absent"; at: number }>();
  readonly kept: Parameters<ForecastStore["keepForecast"]>[1][] = [];
  private readonly now: () => number;

  constructor(now: () => number) {
    this.now = now;
  }

  async readRepository(id: number) {
    return this.repositories.get(id);
  }

  async readNewestCheck(repositoryId: number, number: number) {
    const all = this.rows.filter((row) => row.repository.id === repositoryId && row.number === number);
    return structuredClone(all.toSorted((a, b) => b.generation - a.generation)[0]);
  }

  async listUntold(_: number, number: number) {
    const all = this.rows.filter((row) => row.number === number);
    const last = Math.max(...all.map(({ generation }) => generation));
    return structuredClone(
      all.filter((row) => row.phase !== "done" && (row.outcome?.kind === "superseded" || row.generation !== last)),
    );
  }

  async beginCheck(check: PullJob) {
    const before = await this.readNewestCheck(check.repository.id, check.number);
    if ((before?.generation ?? 0) !== check.generation - 1) throw new Error("lost race: somebody else has begun one");
    this.supersede(check.number, false);
    this.closed.delete(check.number);
    this.rows.push(structuredClone(check));
  }

  async saveCheck(job: PullJob): Promise<PullJob> {
    const i = this.rows.findIndex(({ id }) => id === job.id);
    if (this.rows[i]?.version !== job.version) throw new Error(`lost race: check ${job.id} was changed`);
    const saved = { ...job, version: job.version + 1 };
    this.rows[i] = structuredClone(saved);
    return saved;
  }

  async closePull(_: Repository, number: number) {
    this.closed.add(number);
    this.supersede(number, true);
  }

  async reopenPull(_: number, number: number) {
    this.closed.delete(number);
  }

  async listSameHead({ number, head }: Pick<PullJob, "repository" | "number" | "head">) {
    return (await this.listPullsOf(0, head.commit)).filter((each) => each.number !== number);
  }

  async noteRepository(repository: Repository) {
    if (!this.repositories.has(repository.id)) this.repositories.set(repository.id, repository);
  }

  async findPullByCheckRun(repositoryId: number, checkRun: number) {
    const found = this.rows.find((row) => row.checkRun === checkRun);
    return found && this.readNewestCheck(repositoryId, found.number);
  }

  async listPullsOf(_: number, commit: string) {
    const numbers = [...new Set(this.rows.map(({ number }) => number))].filter((number) => !this.closed.has(number));
    const all = await Promise.all(numbers.map((number) => this.readNewestCheck(99, number)));
    return all.flatMap((job) => (job?.head.commit === commit ? [job] : []));
  }

  async listStalePulls() {
    const seen = await this.readPolicyStates();
    const stale = this.rows.filter(
      ({ phase, answersTo, number }) =>
        phase === "done" &&
        !this.closed.has(number) &&
        (["repository", "organisation"] as const).some((kind) => seen[kind] && seen[kind] !== answersTo[kind]),
    );
    return [...new Set(stale.map(({ repository, number }) => pullId(repository.id, number)))];
  }

  async claimListings() {
    return [...this.repositories.values()];
  }

  async findForecasts(_: number, inputs: readonly string[], now: Date, since: Date | undefined) {
    const found = this.kept.filter(
      (each) => inputs.includes(each.inputs) && each.freshUntil > now && (since === undefined || each.madeAt >= since),
    );
    return new Map(found.map((each): [string, ForecastAnswer] => [each.inputs, structuredClone(each.answer)]));
  }

  async keepForecast(_: Repository, kept: Parameters<ForecastStore["keepForecast"]>[1]) {
    this.kept.push(structuredClone(kept));
  }

  async readSeenPolicies(_: Repository, since: Date) {
    const of = (kind: PolicyText["kind"]) => {
      const known = this.seen.get(kind);
      return known !== undefined && known.at >= since.getTime() ? known.policy : undefined;
    };
    return { repository: of("repository"), organisation: of("organisation") };
  }

  async readPolicyStates(): Promise<PolicyStates> {
    return { repository: this.states.get("repository"), organisation: this.states.get("organisation") };
  }

  async savePolicyState(_: Repository, kind: PolicyText["kind"], state: PolicyState, text: PolicyText | undefined) {
    this.states.set(kind, state);
    if (text !== undefined) this.seen.set(kind, { policy: text, at: this.now() });
    else if (state === "absent") this.seen.set(kind, { policy: "absent", at: this.now() });
    else this.seen.delete(kind);
  }

  private supersede(number: number, isClosed: boolean) {
    for (const [i, row] of this.rows.entries()) {
      if (row.number !== number || row.phase !== "judging") continue;
      const outcome = { kind: "superseded" as const, ...(isClosed && { isClosed: true as const }) };
      const over = { phase: "settled" as const, outcome, version: row.version + 1, waiting: undefined, failures: 0 };
      this.rows[i] = { ...row, ...over };
    }
  }
}
