import type { CheckRunReport } from "../../src/build/ports.ts";
import { conclusionOfPull } from "../../src/change/conclusion.ts";
import type { Foreseen, Foresight } from "../../src/change/foresee.ts";
import { gitIdOf } from "../../src/change/git-id.ts";
import type { ChangedFile, PullRequest } from "../../src/change/ports.ts";
import { advancePull } from "../../src/change/pull-advance.ts";
import { type PullJob, pullId } from "../../src/change/pull-check.ts";
import type { PullHappening } from "../../src/change/pull-happening.ts";
import type { PullPorts } from "../../src/change/pull-ports.ts";
import { type PullRespondPorts, respondPull } from "../../src/change/pull-respond.ts";
import type { Forecast } from "../../src/trust/forecast.ts";
import type { Policy } from "../../src/trust/policy.ts";
import { Github, MINUTE } from "../build/github.ts";
import { Crash, type Failure, policyText, REPOSITORY } from "../build/world.ts";
import { PinsMemory } from "./pull-pins-memory.ts";
import { PullMemory } from "./pull-store.ts";

/** A commit's id, by a letter. */
export const commit = (letter: string) => letter.repeat(40);
const bytesOf = (text: string) => new TextEncoder().encode(text);

/** GitHub with pull requests, forecasts by what stands in the file, a store, a clock, and the program that lives among them. */
export class PullScene {
  time = Date.parse("2026-11-20T12:00:00Z");
  readonly github = new Github(() => this.time);
  readonly store = new PullMemory(() => this.time);
  readonly pulls = new Map<number, PullRequest>();
  /** The files of commits. */
  readonly files = new Map<string, Record<string, string>>();
  readonly changed = new Map<number, readonly ChangedFile[] | Error>();
  listing: Error | undefined;
  /** Every call of a port so far, by name. */
  calls: string[] = [];
  failure: (index: number, name: string) => Failure | undefined = () => undefined;
  /** Called in the middle of a forecast. */
  meanwhile: () => Promise<void> = async () => {};
  writers = new Set(["ada"]);
  readonly work = new Map<string, number>();
  readonly deliveries: PullHappening[] = [];
  readonly pins = new PinsMemory(this);
  private isDead = false;
  private ids = 0;

  constructor() {
    this.github.policy("repository", `${policyText()}enforce: strict\n`);
    this.files.set(commit("b"), { Dockerfile: "good\n" });
    this.push(1, "a", { Dockerfile: "good\nmore\n" });
  }

  /** A pull request's head, with these files; what differs from its base is changed. */
  push(number: number, head: string, files: Record<string, string>, base = "main"): void {
    const before = this.files.get(commit("b")) ?? {};
    this.files.set(commit(head), files);
    const paths = [...new Set([...Object.keys(before), ...Object.keys(files)])];
    this.changed.set(
      number,
      paths
        .filter((path) => before[path] !== files[path])
        .map((path) => ({
          path,
          previousPath: undefined,
          isRemoved: files[path] === undefined,
          blob: files[path] === undefined ? undefined : gitIdOf(bytesOf(files[path]), commit("a")),
        })),
    );
    this.pulls.set(number, {
      number,
      isOpen: true,
      isMerged: false,
      head: { commit: commit(head), branch: "topic", repository: { id: 99, owner: "acme", name: "app" } },
      base: { commit: commit("b"), branch: base },
      url: `https://github.com/acme/app/pull/${number}`,
    });
  }

  close(number: number): void {
    const pull = this.pulls.get(number);
    if (pull !== undefined) this.pulls.set(number, { ...pull, isOpen: false });
  }

  /** The ports of a program that has just been started. */
  ports(): PullPorts & PullRespondPorts {
    const { github } = this;
    const now = () => new Date(this.time);
    const source = {
      listFiles: async (_: unknown, at: string) => {
        if (this.listing !== undefined) throw this.listing;
        const files = Object.entries(this.files.get(at) ?? {});
        return new Map(files.map(([path, text]) => [path, gitIdOf(bytesOf(text), at)]));
      },
      readFile: async (_: unknown, at: string, path: string) => {
        const text = this.files.get(at)?.[path];
        return text === undefined ? undefined : bytesOf(text);
      },
    };
    const reader = {
      readPull: async (_: unknown, number: number) => this.pulls.get(number),
      listChangedFiles: async (_: unknown, number: number) => {
        const changed = this.changed.get(number) ?? [];
        if (changed instanceof Error) throw changed;
        return changed;
      },
    };
    const foresee = async (file: Foreseen, policies: readonly Policy[]) => {
      await this.meanwhile();
      return policies.map((policy) => foresightOf(new TextDecoder().decode(file.text), policy, now()));
    };
    return {
      policies: this.watched("policies", github),
      pulls: this.watched("pulls", reader),
      sources: this.watched("sources", source),
      foresee: this.watched("registry", { foresee }).foresee,
      store: this.watched("store", this.store),
      checkRuns: this.watched("checkRuns", github),
      describePull: async (job) => describe(job),
      wakePull: async (id) => void this.work.set(id, this.time),
      permissions: this.watched("permissions", this.pins),
      pins: {
        permissions: this.watched("permissions", this.pins),
        commits: this.watched("commits", this.pins),
        writer: this.watched("writer", this.pins),
        reviews: this.watched("reviews", this.pins),
        judgedPins: this.pins.judgedPins,
      },
      server: "https://github.com",
      now,
      newId: () => `id-${++this.ids}`,
      pace: { retriesMs: [MINUTE, 2 * MINUTE] },
    };
  }

  private watched<T extends object>(port: string, target: T): T {
    return new Proxy(target, {
      get: (_, method) => {
        const call = Reflect.get(target, method) as (...args: unknown[]) => Promise<unknown>;
        return async (...args: unknown[]) => {
          if (this.isDead) throw new Crash("a dead program calls nobody");
          const name = `${port}.${String(method)}`;
          const failure = this.failure(this.calls.push(name) - 1, name);
          const fail = (error: Error) => {
            this.isDead = error instanceof Crash;
            throw error;
          };
          if (failure?.when === "before") fail(failure.error);
          const answer = await call.apply(target, args);
          if (failure !== undefined) fail(failure.error);
          return answer;
        };
      },
    });
  }

  /** GitHub tells of it, and the program lives until nothing is left to do. */
  async tell(number = 1): Promise<void> {
    this.deliveries.push({ kind: "pull-changed", repository: REPOSITORY, number });
    await this.live();
  }

  /** Somebody clicks on the button that pins, on a check run; by default the last one. */
  async click(by = "ada", checkRun = this.github.checks.at(-1)?.id ?? 0): Promise<void> {
    this.deliveries.push({ kind: "pins-asked", repositoryId: REPOSITORY.id, checkRun, by });
    await this.live();
  }

  async live(): Promise<void> {
    for (let step = 0; step < 500; step++) {
      this.isDead = false;
      const [delivery] = this.deliveries;
      const [id] = [...this.work].find(([, due]) => due <= this.time) ?? [];
      try {
        if (delivery !== undefined) {
          for (const each of await respondPull(this.ports(), delivery)) this.work.set(each, this.time);
          this.deliveries.shift();
        } else if (id !== undefined) {
          const again = await advancePull(this.ports(), id);
          const isWoken = again !== undefined;
          if (isWoken) this.work.set(id, Math.max(again.getTime(), this.time));
          else this.work.delete(id);
        } else {
          if (this.work.size === 0) return;
          this.time = Math.min(...this.work.values());
        }
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
      }
    }
    throw new Error(`it never rests: ${this.calls.slice(-30).join(" ")}`);
  }

  /** How each check run ended, in the order in which they were opened: the head's letter, and the last that was written. */
  get ends(): readonly string[] {
    return this.github.checks.map(({ commit: at, writes }) => `${at[0]} ${writes.at(-1)?.conclusion ?? "open"}`);
  }

  /** Requests to GitHub and registries among calls; reading a policy takes several, and is counted by name. */
  static requests(calls: readonly string[]): readonly string[] {
    return calls.filter((name) => !name.startsWith("store."));
  }
}

export const FIRST = pullId(REPOSITORY.id, 1);

/** A line `bad X` is a fault, `unseen` could not be looked at, `refused` is no Dockerfile; `tag` and `lapses` are as they say. */
function foresightOf(text: string, policy: Policy, asOf: Date): Foresight {
  const lines = text.split("\n");
  if (lines.includes("refused")) return { kind: "refused", line: 1, column: 1, reason: "unknown instruction" };
  const faults = lines
    .filter((line) => line.startsWith("bad"))
    .map((key) => ({ key, code: "unattested", isGrave: key.includes("grave") }));
  const isPartial = lines.includes("unseen");
  const outcome = faults.length > 0 ? "untrusted" : isPartial ? "undetermined" : "trusted";
  const validUntil = lines.includes("lapses") ? new Date(asOf.getTime() + 10 * MINUTE) : undefined;
  const standing = { outcome, faults, isPartial, asOf, validUntil } as const;
  const parents = lines.includes("tag") ? [{ isPinned: false }] : [];
  const forecast = { outcome, parents, policy: { name: policy.name, digest: policy.digest } } as unknown as Forecast;
  return { kind: "forecast", forecast, standing, document: { text } };
}

function describe({ outcome, waiting, failures, pins }: PullJob): CheckRunReport {
  return {
    status: outcome === undefined ? "in_progress" : "completed",
    ...(outcome !== undefined && { conclusion: conclusionOfPull(outcome) }),
    title: waiting === undefined ? (outcome?.kind ?? "judging") : `waiting: ${waiting.reason}`,
    summary: JSON.stringify({ failures, waiting, kind: outcome?.kind, pins: pins?.answer }),
  };
}
