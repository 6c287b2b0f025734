import { type AdvancePorts, advance, type Pace } from "../../src/build/advance.ts";
import { type Build, conclusionOf, type Repository } from "../../src/build/build.ts";
import type { Happening } from "../../src/build/happening.ts";
import type { CheckRunReport, Walk } from "../../src/build/ports.ts";
import { type RespondPorts, respond } from "../../src/build/respond.ts";
import { type ImageReference, imageName, type PinnedImage, pin } from "../../src/image/reference.ts";
import { CouldNotLook, type CouldNotLookCode } from "../../src/trust/ports.ts";
import { type BuildOptions, type Built, commitOf, type Json, signerOf, World } from "../trust/world.ts";
import { Github, MINUTE, type StoredRun, urlOf } from "./github.ts";
import { MemoryStore } from "./store.ts";

/** The repository of these tests: its numbers are those of the certificates. */
export const REPOSITORY: Repository = {
  id: 99,
  ownerId: 1234,
  owner: "acme",
  name: "app",
  installation: 5,
  isPrivate: false,
};

export const ZEROS = "0".repeat(40);
export const PACE: Pace = {
  retriesMs: [MINUTE, 2 * MINUTE, 5 * MINUTE],
  pollMs: 2 * MINUTE,
  listingMs: 3 * MINUTE,
};

/** A policy that builds `ghcr.io/acme/app` from each tag, and takes the word of one workflow. */
export function policyText({ builds = "  - image: ghcr.io/acme/app", workflow = "v*", trust = "" } = {}): string {
  return `version: 1
builds:
${builds}
trust:
  builders:
    - images: ["ghcr.io/acme/{repo}"]
      github: { repository: "acme/{repo}", owner-id: 1234, workflow: "acme/builder/.github/workflows/build.yml@refs/tags/${workflow}" }
      level: 3
      builds: true
${trust}`;
}

/** The program is killed. It isn't CouldNotLook, so that nothing may catch it. */
export class Crash extends Error {}

/** What goes wrong with one call of a port: before it has an effect, or after, so that the answer is lost. */
export interface Failure {
  readonly when: "before" | "after";
  readonly error: Error;
}

/** GitHub with its wait, as the adapter throws it. */
export class Limited extends CouldNotLook {
  readonly retryAfter: number;
  constructor(retryAfter: number) {
    super("rate-limited", `asked GitHub: 429; wait ${retryAfter} s`);
    this.retryAfter = retryAfter;
  }
}

export function couldNotLook(code: CouldNotLookCode = "network"): CouldNotLook {
  return new CouldNotLook(code, `asked for something: ${code}`);
}

/** GitHub, a registry, a store, a clock, and the program that lives among them. */
export class Scene {
  time = Date.parse("2026-11-20T12:00:00Z");
  readonly github = new Github(() => this.time);
  readonly store = new MemoryStore(() => this.time);
  readonly images = new World();
  readonly imageTags = new Map<string, PinnedImage>();
  /** Every call of a port so far, by name. */
  calls: string[] = [];
  /** Decides what goes wrong: by the call's number, from 0, and its name. */
  failure: (index: number, name: string) => Failure | undefined = () => undefined;
  pace = PACE;
  /** Deliveries that were acknowledged and aren't answered. */
  readonly deliveries: { readonly happening: Happening; due: number }[] = [];
  private isDead = false;
  private ids = 0;

  constructor() {
    this.github.policy("repository", policyText());
    this.github.tag("v1.0.0", "A");
    this.github.work = (run) => this.leave(run);
  }

  /** What a run leaves under the image's tags; the certificate is the run's, but for what is changed. */
  leave(
    run: StoredRun,
    options: BuildOptions = {},
    certificate: Parameters<typeof signerOf>[1] = {},
    repo = run.request.image.split("/").at(-1) ?? "app",
  ): Built {
    const invocation = `${urlOf(run)}/attempts/${run.attempt}`;
    const by = signerOf("app", {
      sourceRepositoryDigest: run.commit,
      sourceRepositoryRef: run.ref,
      buildTrigger: "workflow_dispatch",
      runInvocationUri: invocation,
      ...certificate,
    });
    const built = this.images.build(repo, {
      by,
      builderId: invocation,
      label: invocation,
      ...options,
      edit: (predicate) =>
        replaceIn(predicate, [
          [commitOf(repo), run.commit],
          ["refs/tags/v1.0.0", run.ref],
          [`acme/${repo}.git`, "acme/app.git"],
        ]),
    });
    for (const tag of run.request.tags) this.imageTags.set(`${run.request.image}:${tag}`, built.image);
    return built;
  }

  /** The ports of a program that has just been started. */
  ports(): AdvancePorts & RespondPorts {
    const { github, store } = this;
    const now = () => new Date(this.time);
    return {
      tags: this.watched("tags", github),
      policies: this.watched("policies", github),
      workflows: this.watched("workflows", github),
      checkRuns: this.watched("checkRuns", github),
      store: this.watched("store", store),
      sightings: this.watched("sightings", store),
      describe: this.watched("report", { describe: async (build: Build) => describe(build, store) }).describe,
      openWalk: () => this.walk(),
      server: "https://github.com",
      now,
      newId: () => `00000000-0000-4000-8000-${String(++this.ids).padStart(12, "0")}`,
      pace: this.pace,
    };
  }

  private walk(): Walk {
    const { images, attestations, verifier } = this.images.ports();
    const registry = {
      resolve: async (reference: ImageReference) => {
        this.github.goOn();
        const image = this.imageTags.get(`${imageName(reference)}:${reference.tag}`);
        return image && pin(reference, image.digest);
      },
      close: async () => {},
    };
    const { resolve, close } = this.watched("registry", registry);
    return {
      images: this.watched("registry", images),
      attestations: this.watched("registry", attestations),
      verifier,
      resolve,
      close,
    };
  }

  /** The same methods, each of which can go wrong. Values go in and come out as copies of what the caller has. */
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

  /** A delivery was acknowledged. */
  tell(happening: Happening): void {
    this.deliveries.push({ happening, due: this.time });
  }

  /** What GitHub tells of a tag that was pushed, as it stands now. */
  pushed(name = "v1.0.0", before: string | undefined = ZEROS): Happening {
    const ref = `refs/tags/${name}`;
    const tag = this.github.tags.get(ref);
    const after = tag === undefined || tag instanceof Error ? undefined : tag.object;
    return { kind: "tag-pushed", push: { repository: REPOSITORY, ref, before, after } };
  }

  /** Tells of a tag, and lets the program live until nothing is left to do. */
  async push(name?: string, before?: string): Promise<void> {
    this.tell(this.pushed(name, before));
    await this.live();
  }

  /**
   * The program lives on, killed and started again as `failure` has it, until nothing is left to do; time passes only while it
   * waits. As with the real queue, what isn't known to be finished is done again.
   *
   * @param until - or until then.
   */
  async live(until = Number.POSITIVE_INFINITY): Promise<void> {
    for (let step = 0; step < 2000; step++) {
      this.isDead = false;
      const delivery = this.deliveries.find(({ due }) => due <= this.time);
      const [id] = [...this.store.work].find(([, due]) => due <= this.time) ?? [];
      try {
        if (delivery !== undefined) await this.answer(delivery);
        else if (id !== undefined) await this.moveOn(id);
        else {
          const next = Math.min(...this.store.work.values(), ...this.deliveries.map(({ due }) => due));
          if (next > until || next === Number.POSITIVE_INFINITY) return;
          this.time = next;
        }
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
      }
    }
    throw new Error(`it never rests: ${this.calls.slice(-30).join(" ")}`);
  }

  private async answer(delivery: { readonly happening: Happening; due: number }): Promise<void> {
    try {
      for (const id of await respond(this.ports(), delivery.happening)) this.store.work.set(id, this.time);
      this.deliveries.splice(this.deliveries.indexOf(delivery), 1);
    } catch (error) {
      if (!(error instanceof CouldNotLook)) throw error;
      delivery.due = this.time + MINUTE;
    }
  }

  private async moveOn(id: string): Promise<void> {
    const again = await advance(this.ports(), id);
    if (again === undefined) this.store.work.delete(id);
    else this.store.work.set(id, Math.max(again.getTime(), this.time));
  }
}

/** What a check run says in these tests: everything that the report may depend on. */
function describe(build: Build, store: MemoryStore): CheckRunReport {
  const { phase, outcome, waiting, run, runStatus, digest, failures, round } = build;
  const judgements = store.judgements.get(`${build.id} ${round}`) ?? [];
  const verdicts = judgements.map(({ policy, verdict }) => [
    policy.kind,
    policy.commit,
    verdict.outcome,
    ...verdict.faults.map(({ code }) => code),
  ]);
  if (outcome?.kind === "verdict" && judgements.length === 0) throw new Error("a verdict that nobody has given");
  const status = outcome !== undefined ? "completed" : phase === "requested" ? "queued" : "in_progress";
  return {
    status,
    ...(outcome !== undefined && { conclusion: conclusionOf(outcome) }),
    title: waiting === undefined ? (outcome?.kind ?? phase) : `waiting: ${waiting.reason}`,
    summary: JSON.stringify({ outcome, waiting, run, runStatus, digest, failures, verdicts }),
  };
}

/** Replaces texts wherever they stand in a document. */
function replaceIn(document: Json, pairs: readonly (readonly [string, string])[]): void {
  if (typeof document !== "object" || document === null) return;
  for (const [key, value] of Object.entries(document)) {
    if (typeof value === "string")
      (document as Record<string, Json>)[key] = pairs.reduce((text, [from, to]) => text.replaceAll(from, to), value);
    else replaceIn(value, pairs);
  }
}
