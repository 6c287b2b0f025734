import type { Repository } from "../../src/build/build.ts";
import type { PolicyText } from "../../src/build/ports.ts";
import { advanceOnboarding } from "../../src/change/onboarding.ts";
import type { PullRequest, Writing } from "../../src/change/ports.ts";
import { WriteRefused } from "../../src/change/ports.ts";
import type { Foresight, ProposalKind, ProposalPorts, StoredProposal } from "../../src/change/proposal-ports.ts";
import { advancePins } from "../../src/change/renovation.ts";
import { NO_WRITES, takeSlots, type WritePace } from "../../src/change/write-pace.ts";
import { type Digest, digestOf } from "../../src/image/digest.ts";
import { DockerfileError, type DockerfileReading, type ImageUse } from "../../src/image/dockerfile/reading.ts";
import { parsePlatform } from "../../src/image/platform.ts";
import { formatReference, imageName, type PinnedImage, parseReference, pin } from "../../src/image/reference.ts";
import { onboardingCheck, onboardingPull } from "../../src/report/onboarding-words.ts";
import { pinsCheck, pinsPull } from "../../src/report/pins-words.ts";
import type { Forecast } from "../../src/trust/forecast.ts";
import type { Policy } from "../../src/trust/policy.ts";
import { CouldNotLook } from "../../src/trust/ports.ts";
import type { JudgedNode, Outcome, Verdict } from "../../src/trust/verdict.ts";
import { bytesOf } from "../trust/world.ts";

export const ACME: Repository = {
  id: 99,
  ownerId: 1234,
  owner: "acme",
  name: "app",
  installation: 5,
  isPrivate: false,
};
export const SERVER = "https://github.com";
export const MINUTE = 60_000;
export const DAY = 86_400_000;
const AMD64 = parsePlatform("linux/amd64");

/** Before a text whose file isn't UTF-8. */
export const LATIN1 = "latin1:";

/** The program is killed. It isn't CouldNotLook, so that nothing may catch it. */
export class Crash extends Error {}

export class Limited extends CouldNotLook {
  readonly retryAfter: number;
  constructor(ms: number) {
    super("rate-limited", "no slots");
    this.retryAfter = ms / 1000;
  }
}

export function digestFor(name: string): Digest {
  return digestOf(bytesOf(name));
}

/** One repository at GitHub: its files by commit, its branches, and what was opened from them. */
export class Repo {
  readonly commits = new Map<string, ReadonlyMap<string, string>>();
  readonly branches = new Map<string, string>();
  readonly pulls: (PullRequest & { title: string; body: string; isOpen: boolean; isMerged: boolean })[] = [];
  readonly checks: { readonly name: string; readonly commit: string; readonly externalId: string; title: string }[] =
    [];
  readonly tags: string[] = [];
  isArchived = false;
  isFork = false;
  readonly repository: Repository;
  constructor(repository: Repository, files: Readonly<Record<string, string>>) {
    this.repository = repository;
    if (Object.keys(files).length > 0) this.push("main", files);
  }

  /** A commit of a person's on top of a branch. */
  push(branch: string, files: Readonly<Record<string, string>>): string {
    const before = this.commits.get(this.branches.get(branch) ?? "") ?? new Map<string, string>();
    const id = digestOf(bytesOf(JSON.stringify([branch, this.commits.size, files]))).slice(7, 47);
    this.commits.set(id, new Map([...before, ...Object.entries(files)]));
    this.branches.set(branch, id);
    return id;
  }

  file(branch: string, path: string): string | undefined {
    return this.commits.get(this.branches.get(branch) ?? "")?.get(path);
  }

  close(number: number, isMerged: boolean): void {
    const pull = this.pulls[number - 1];
    if (pull !== undefined) Object.assign(pull, { isOpen: false, isMerged });
  }
}

/** GitHub, registries, a store and a clock, and the program among them. */
export class ProposalScene {
  time = Date.parse("2026-11-20T12:00:00Z");
  readonly repos = new Map<number, Repo>();
  writing: Writing = { contents: true, pullRequests: true, workflows: true };
  /** Where tags lead. */
  readonly imageTags = new Map<string, Digest>();
  /** What images are, by digest; trusted if not here. */
  readonly outcomes = new Map<string, Outcome>();
  readonly nodes = new Map<string, readonly JudgedNode[]>();
  /** Digests that no forecast judges, as those of a role that policy lets in; and those that none shows at all. */
  readonly unjudged = new Set<string>();
  readonly unseen = new Set<string>();
  readonly organisation = new Map<number, string>();
  readonly rows = new Map<string, StoredProposal & { readonly due: Date | undefined }>();
  readonly paces = new Map<number, WritePace>();
  /** Every write that GitHub counts: when, and for whom. */
  readonly writes: { readonly at: number; readonly what: string }[] = [];
  readonly accounts = new Map<string, number>();
  gone = new Set<number>();
  calls = 0;
  failure: (call: number, name: string) => { readonly when: "before" | "after"; readonly error: Error } | undefined =
    () => undefined;
  private isDead = false;

  add(files: Readonly<Record<string, string>>, repository = ACME): Repo {
    const repo = new Repo(repository, files);
    this.repos.set(repository.id, repo);
    return repo;
  }

  private of({ id }: Repository): Repo {
    const repo = this.repos.get(id);
    if (repo === undefined || this.gone.has(id)) throw new CouldNotLook("credentials-refused", "suspended");
    return repo;
  }

  private write(repository: Repository, what: string, count: number): void {
    const pace = this.paces.get(repository.installation) ?? NO_WRITES;
    const taken = takeSlots(pace, count, new Date(this.time));
    this.paces.set(repository.installation, taken.pace);
    if (taken.until !== undefined) throw new Limited(taken.until.getTime() - this.time);
    for (let i = 0; i < count; i++) this.writes.push({ at: this.time, what: `${repository.id} ${what}` });
  }

  ports(): ProposalPorts {
    this.isDead = false;
    const at = (repository: Repository) => this.of(repository);
    const permitted = (isPermitted: boolean) => {
      if (!isPermitted) throw new WriteRefused("not-permitted", "403");
    };
    const ports: ProposalPorts = {
      server: SERVER,
      now: () => new Date(this.time),
      retriesMs: [MINUTE, 5 * MINUTE],
      renovateMs: DAY,
      words: {
        onboardingPull: (repository, draft, without) => onboardingPull(repository, draft, without, { server: SERVER }),
        onboardingCheck: (repository, draft) => onboardingCheck(repository, draft, { server: SERVER }),
        pinsPull,
        pinsCheck: (repository, proposal, isOffered) => pinsCheck(repository, proposal, isOffered, { server: SERVER }),
      },
      store: {
        readRepository: async (id) => this.repos.get(id)?.repository,
        readProposal: async (id, kind) => this.rows.get(`${kind} ${id}`),
        saveProposal: async (id, kind, state, version, due) => {
          const row = this.rows.get(`${kind} ${id}`);
          if ((row?.version ?? 0) !== version) throw new Error("lost race");
          this.rows.set(`${kind} ${id}`, { state: JSON.parse(JSON.stringify(state)), version: version + 1, due });
          return version + 1;
        },
        listDueProposals: async () => [],
      },
      states: {
        readState: async (repository) => {
          const { isArchived, isFork, branches } = at(repository);
          return { defaultBranch: "main", head: branches.get("main"), isArchived, isFork };
        },
      },
      sources: {
        listFiles: async (repository, commit) =>
          new Map([...(at(repository).commits.get(commit) ?? [])].map(([path, text]) => [path, digestFor(text)])),
        readFile: async (repository, commit, path) => {
          const text = at(repository).commits.get(commit)?.get(path);
          if (text?.startsWith(LATIN1)) return Buffer.from(text.slice(LATIN1.length), "latin1");
          return text === undefined ? undefined : bytesOf(text);
        },
      },
      policies: {
        readRepositoryPolicy: async (repository) =>
          policyText("repository", at(repository).file("main", ".github/trusted-builds.yml")),
        readOrganisationPolicy: async (repository) =>
          policyText("organisation", this.organisation.get(repository.ownerId)),
      },
      tags: {
        listTags: async (repository) =>
          at(repository).tags.map((tag) => ({ ref: `refs/tags/${tag}`, object: digestFor(tag).slice(7, 47) })),
      },
      accounts: {
        readAccount: async (_, name) => {
          const id = this.accounts.get(name);
          return id === undefined ? undefined : { login: name, id };
        },
      },
      permissions: { readWriting: async () => this.writing },
      commits: {
        readBranch: async (repository, branch) => at(repository).branches.get(branch),
        commit: async (repository, { branch, isNew, on, files }) => {
          const repo = at(repository);
          permitted(this.writing.contents);
          if (files.some(({ path }) => path.startsWith(".github/workflows/"))) permitted(this.writing.workflows);
          const tip = repo.branches.get(branch);
          if (isNew ? tip !== undefined : tip !== on) throw new WriteRefused("moved-on", "moved on");
          this.write(repository, `commit ${branch}`, files.length + 3);
          repo.branches.set(branch, on);
          return repo.push(
            branch,
            Object.fromEntries(files.map(({ path, bytes }) => [path, new TextDecoder().decode(bytes)])),
          );
        },
        deleteBranch: async (repository, branch) => {
          const repo = at(repository);
          repo.branches.delete(branch);
          for (const pull of repo.pulls) if (pull.head.branch === branch && pull.isOpen) repo.close(pull.number, false);
        },
      },
      pulls: {
        findFromBranch: async (repository, branch) =>
          at(repository).pulls.findLast(({ head }) => head.branch === branch),
        open: async (repository, { branch, base, title, body }) => {
          const repo = at(repository);
          permitted(this.writing.pullRequests);
          if (repo.pulls.some(({ head, isOpen }) => isOpen && head.branch === branch))
            throw new WriteRefused("moved-on", "there is one");
          this.write(repository, `pull ${branch}`, 1);
          const number = repo.pulls.length + 1;
          const head = { commit: repo.branches.get(branch) ?? "", branch, repository };
          const url = `${SERVER}/acme/app/pull/${number}`;
          const commit = repo.branches.get(base) ?? "";
          repo.pulls.push({
            number,
            isOpen: true,
            isMerged: false,
            head,
            base: { commit, branch: base },
            url,
            title,
            body,
          });
          return number;
        },
        update: async (repository, number, words) => {
          this.write(repository, `update ${number}`, 1);
          Object.assign(at(repository).pulls[number - 1] ?? {}, words);
        },
        suggest: async () => {},
      },
      checkRuns: {
        find: async (repository, check) => {
          const i = at(repository).checks.findIndex(
            ({ commit, externalId }) => commit === check.commit && externalId === check.externalId,
          );
          return i < 0 ? undefined : i + 1;
        },
        create: async (repository, check, report) => {
          this.writes.push({ at: this.time, what: `${repository.id} check` });
          return at(repository).checks.push({ ...check, title: report.title });
        },
      },
      slots: {
        takeSlots: async (installation, writes, now) => {
          const taken = takeSlots(this.paces.get(installation) ?? NO_WRITES, writes, now);
          this.paces.set(installation, taken.pace);
          return taken.until;
        },
        pauseWrites: async () => {},
      },
      foresee: () => this.foresight(),
    };
    for (const port of ["store", "states", "sources", "permissions", "commits", "pulls", "checkRuns", "slots"] as const)
      Object.assign(ports, { [port]: this.watched(port, ports[port]) });
    return ports;
  }

  private watched<T extends object>(port: string, target: T): T {
    return new Proxy(target, {
      get:
        (_, method) =>
        async (...args: unknown[]) => {
          if (this.isDead) throw new Crash("a dead program calls nobody");
          const failure = this.failure(this.calls++, `${port}.${String(method)}`);
          const fail = (error: Error) => {
            this.isDead = error instanceof Crash;
            throw error;
          };
          if (failure?.when === "before") fail(failure.error);
          const answer = await (Reflect.get(target, method) as (...args: unknown[]) => Promise<unknown>)(...args);
          if (failure !== undefined) fail(failure.error);
          return answer;
        },
    });
  }

  /** Once more, from a start; as often as it is killed. */
  async run(kind: ProposalKind, id = ACME.id): Promise<Date | undefined> {
    for (let tries = 0; tries < 50; tries++) {
      try {
        return await (kind === "onboarding" ? advanceOnboarding : advancePins)(this.ports(), id);
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
      }
    }
    throw new Error("it never ends");
  }

  private foresight(): Foresight {
    return {
      read: async (text) => [readingOf(text)],
      forecast: async (policy, text) => this.forecast(policy, readingOf(text)),
      pin: (text, pins) => {
        let written = new TextDecoder().decode(text);
        for (const { place, digest } of [...pins].sort((a, b) => b.place.start - a.place.start))
          written = `${written.slice(0, place.start)}${written.slice(place.start, place.end).replace(/@.*/, "")}@${digest}${written.slice(place.end)}`;
        return bytesOf(written);
      },
      resolve: async (reference) => {
        const digest = this.imageTags.get(`${imageName(reference)}:${reference.tag}`);
        return digest === undefined ? undefined : pin(reference, digest);
      },
      close: async () => {},
    };
  }

  private forecast(policy: Policy, { images }: DockerfileReading): Forecast {
    const shown = images.filter(({ reference }) => !this.unseen.has(reference.digest ?? ""));
    const parents = shown.map((use) => {
      const { reference } = use;
      const digest =
        reference.digest ?? this.imageTags.get(formatReference(reference)) ?? digestFor(formatReference(reference));
      const image: PinnedImage = pin(reference, digest);
      const outcome = this.outcomes.get(`${policy.name} ${digest}`) ?? this.outcomes.get(digest) ?? "trusted";
      const nodes = this.nodes.get(digest) ?? [];
      const platforms = nodes.map(({ id, platform }) => ({ node: id, platform, counts: true }));
      const verdict = { outcome, image, nodes, platforms } as unknown as Verdict;
      const rule = "attested" as const;
      const judged = this.unjudged.has(digest) ? undefined : verdict;
      return { reference, role: use.role, platform: AMD64, uses: [use], rule, isPinned: true, image, verdict: judged };
    });
    const faults = parents.flatMap(({ verdict, uses }, parent) => {
      const { line = 1, endLine = 1 } = uses[0] ?? {};
      const fault = {
        code: "unattested",
        reason: "nothing signed refers to it",
        mend: "sign it",
        key: "k",
        isGrave: false,
      };
      return verdict?.outcome === "untrusted" ? [{ ...fault, lines: [{ line, endLine }], parent, path: [] }] : [];
    });
    const isUnseen = parents.some(({ verdict }) => verdict?.outcome === "undetermined");
    return {
      outcome: faults.length > 0 ? "untrusted" : isUnseen ? "undetermined" : "trusted",
      policy: { name: policy.name, digest: policy.digest },
      asOf: new Date(this.time),
      parents,
      faults,
      unreachable: [],
      level: undefined,
      validUntil: undefined,
    };
  }
}

/** A reading of `FROM` lines alone; one without a reference is a file that BuildKit refuses. */
function readingOf(bytes: Uint8Array): DockerfileReading {
  const text = new TextDecoder().decode(bytes);
  let start = 0;
  const images: ImageUse[] = [];
  for (const [i, line] of text.split("\n").entries()) {
    const [, written] = /^FROM (\S+)$/.exec(line) ?? [];
    if (line === "FROM") throw new DockerfileError("FROM has no image", i + 1, 5);
    if (written !== undefined && written !== "scratch") {
      const parsed = parseReference(written);
      const reference = parsed.tag === undefined && parsed.digest === undefined ? { ...parsed, tag: "latest" } : parsed;
      const place = { start: start + 5, end: start + 5 + written.length };
      const lines = { line: i + 1, endLine: i + 1 };
      images.push({
        reference,
        key: formatReference(reference),
        written,
        platform: AMD64,
        role: "base",
        by: "FROM",
        stage: "0",
        isReached: true,
        place,
        ...lines,
      });
    }
    start += line.length + 1;
  }
  return { images, unresolved: [], others: [], stages: [], target: "0", bases: images };
}

function policyText(kind: PolicyText["kind"], text: string | undefined): PolicyText | undefined {
  if (text === undefined) return undefined;
  const commit = "c".repeat(40);
  return {
    kind,
    bytes: bytesOf(text),
    name: kind,
    uri: `git+${SERVER}/acme/app@${commit}#x`,
    commit,
    isProtected: true,
  };
}
