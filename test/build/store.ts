import type { Build, BuildKey, PolicyState, PolicyStates, Repository } from "../../src/build/build.ts";
import type {
  BuildIndex,
  BuildStore,
  Judgement,
  KnownRepository,
  NoticeStore,
  PassStore,
  PolicyStateStore,
  PolicyText,
  RepositoryStore,
  SightingStore,
  StaleBuilds,
  StoredPolicies,
  TagSightings,
  TagState,
  TagStore,
} from "../../src/build/ports.ts";
import type { Sighting } from "../../src/trust/tag-watch.ts";

/** A row, and how often it was written. */
interface Row {
  build: Build;
  version: number;
}

/**
 * A store in memory that behaves as the real one: what isn't saved is lost, whoever saves over somebody else's write is refused, and
 * builds that a push makes are woken up with it. Nothing else wakes a build.
 */
export class MemoryStore
  implements
    BuildStore,
    TagStore,
    BuildIndex,
    RepositoryStore,
    PolicyStateStore,
    StaleBuilds,
    SightingStore,
    NoticeStore,
    PassStore
{
  readonly rows = new Map<string, Row>();
  readonly tagStates = new Map<string, TagState>();
  readonly policies = new Map<string, StoredPolicies>();
  readonly judgements = new Map<string, readonly Judgement[]>();
  readonly sightings = new Map<string, readonly Sighting[]>();
  repositories = new Map<number, KnownRepository>();
  readonly builders = new Map<string, string>();
  rivals: readonly string[] = [];
  readonly policyStates = new Map<PolicyText["kind"], PolicyState>();
  private readonly policiesTried = new Map<PolicyText["kind"], number>();
  /** What there is to do, and since when. */
  readonly work = new Map<string, number>();
  private readonly now: () => number;
  private readonly versions = new WeakMap<BuildKey, number>();

  constructor(now: () => number) {
    this.now = now;
  }

  /** Every build, the oldest first. */
  get builds(): readonly Build[] {
    return [...this.rows.values()].map(({ build }) => structuredClone(build));
  }

  async readBuild(id: string): Promise<Build | undefined> {
    const row = this.rows.get(id);
    if (row === undefined) return undefined;
    const build = structuredClone(row.build);
    this.versions.set(build.key, row.version);
    return build;
  }

  async saveBuild(build: Build): Promise<void> {
    const row = this.rows.get(build.id);
    const version = this.versions.get(build.key);
    if (row === undefined || version === undefined) throw new Error(`build ${build.id} was not read from here`);
    if (row.version !== version) throw new Error(`lost race: build ${build.id} was changed by somebody else`);
    row.build = structuredClone(build);
    row.version += 1;
    this.versions.set(build.key, row.version);
  }

  async readPolicies(id: string): Promise<StoredPolicies> {
    const policies = this.policies.get(id);
    if (policies === undefined) throw new Error(`build ${id} has no policies`);
    return structuredClone(policies);
  }

  async savePolicies(id: string, policies: StoredPolicies): Promise<void> {
    this.policies.set(id, structuredClone(policies));
  }

  async saveJudgements(build: Build, judgements: readonly Judgement[]): Promise<void> {
    await this.saveBuild(build);
    this.judgements.set(`${build.id} ${build.round}`, judgements);
  }

  async readPassedWith({ id, round, key, createdAt }: Build, kind: PolicyText["kind"]) {
    const passed = this.builds
      .filter((each) => each.key.image === key.image && (each.createdAt < createdAt || each.id === id))
      .flatMap((each) =>
        Array.from({ length: each.id === id ? round - 1 : each.round }, (_, i) => ({
          at: each.createdAt.getTime(),
          round: i + 1,
          judgements: this.judgements.get(`${each.id} ${i + 1}`) ?? [],
        })),
      )
      .sort((a, b) => b.at - a.at || b.round - a.round)
      .flatMap(({ judgements }) => judgements.filter(({ policy }) => policy.kind === kind))
      .flatMap(({ passedWith }) => (passedWith === undefined ? [] : [passedWith]));
    return passed[0];
  }

  async readTagState(repositoryId: number, ref: string): Promise<TagState | undefined> {
    return this.tagStates.get(`${repositoryId} ${ref}`);
  }

  async recordPush({ repository, ref, state, builds, policies }: Parameters<TagStore["recordPush"]>[0]) {
    const known = this.tagStates.get(`${repository.id} ${ref}`);
    const isSame = known?.object === state.object || (state.object === undefined && state.before === known?.object);
    const follows = state.generation === (known?.generation ?? 0) + 1;
    if (known !== undefined && !follows && !(state.generation === known.generation && isSame))
      throw new Error(`lost race: ${ref} has moved`);
    this.tagStates.set(`${repository.id} ${ref}`, structuredClone(state));
    const keyOf = ({ key }: Build) => JSON.stringify(Object.entries(key).sort());
    const keys = new Set(this.builds.map(keyOf));
    const made = builds.filter((build) => !keys.has(keyOf(build)) && keys.add(keyOf(build)));
    for (const build of made) {
      this.rows.set(build.id, { build: structuredClone(build), version: 1 });
      if (policies !== undefined) this.policies.set(build.id, structuredClone(policies));
      this.work.set(build.id, this.now());
    }
    return made.map(({ id }) => id);
  }

  async listBuilds(repositoryId: number, ref: string): Promise<readonly Build[]> {
    const tag = this.tagStates.get(`${repositoryId} ${ref}`);
    if (tag === undefined) return [];
    const all = this.builds.filter(({ key }) => key.repositoryId === repositoryId && key.ref === ref);
    const present = all.filter(({ key }) => key.generation === tag.generation).map(({ key }) => key.commit);
    return all.filter(
      ({ key, outcome }) =>
        outcome?.kind === "verdict" &&
        (tag.object === undefined || (key.generation < tag.generation && !present.includes(key.commit))),
    );
  }

  async keepFirstDigest(_: Repository, builder: string, digest: string): Promise<string> {
    const first = this.builders.get(builder) ?? digest;
    this.builders.set(builder, first);
    return first;
  }

  async listRivals() {
    return { named: this.rivals, hidden: 0 };
  }

  async readPolicyStates(): Promise<PolicyStates> {
    return { repository: this.policyStates.get("repository"), organisation: this.policyStates.get("organisation") };
  }

  async savePolicyState(_: Repository, kind: PolicyText["kind"], state: PolicyState): Promise<void> {
    this.policyStates.set(kind, state);
    this.policiesTried.set(kind, this.now());
  }

  async claimPolicies(now: Date, notSince: Date) {
    const [build] = this.builds.filter(isJudged);
    if (build === undefined) return [];
    const kinds = (["repository", "organisation"] as const).filter(
      (kind) => (this.policiesTried.get(kind) ?? Number.NEGATIVE_INFINITY) < notSince.getTime(),
    );
    for (const kind of kinds) this.policiesTried.set(kind, now.getTime());
    return kinds.map((kind) => ({ repository: build.repository, kind }));
  }

  async listStaleBuilds(now: Date, limit: number): Promise<readonly string[]> {
    const seen = await this.readPolicyStates();
    const nameOf = ({ key }: Build) => `${key.ref} ${key.image}`;
    const newest = new Map(
      this.builds.toSorted((a, b) => a.key.generation - b.key.generation).map((build) => [nameOf(build), build]),
    );
    const isStale = ({ answersTo, validUntil }: Build) =>
      (["repository", "organisation"] as const).some((kind) => seen[kind] && seen[kind] !== answersTo[kind]) ||
      (validUntil !== undefined && validUntil <= now);
    return [...newest.values()]
      .filter((build) => isJudged(build) && isStale(build))
      .map(({ id }) => id)
      .reverse()
      .slice(0, limit);
  }

  async readSightings({ id }: Repository, image: string, tag: string): Promise<readonly Sighting[]> {
    return structuredClone(this.sightings.get(`${id} ${image}:${tag}`) ?? []);
  }

  async recordSightings({ id }: Repository, image: string, seen: readonly TagSightings[]): Promise<void> {
    for (const { tag, sightings } of seen) {
      const key = `${id} ${image}:${tag}`;
      this.sightings.set(key, [...(this.sightings.get(key) ?? []), ...structuredClone(sightings)]);
    }
  }

  async findBuildByRun(repositoryId: number, runId: number): Promise<Build | undefined> {
    return this.findLast(({ key, run }) => key.repositoryId === repositoryId && run?.id === runId);
  }

  async findBuildByCheckRun(repositoryId: number, checkRun: number): Promise<Build | undefined> {
    return this.findLast((build) => build.key.repositoryId === repositoryId && build.checkRun === checkRun);
  }

  async listBuildsOfCommit(repositoryId: number, commit: string): Promise<readonly Build[]> {
    const newest = new Map(
      this.builds
        .filter(({ key }) => key.repositoryId === repositoryId)
        .toSorted((a, b) => a.key.generation - b.key.generation)
        .map((build) => [`${build.key.ref} ${build.key.image}`, build]),
    );
    const found = [];
    for (const { id, key } of newest.values()) if (key.commit === commit) found.push(await this.readBuild(id));
    return found.flatMap((build) => build ?? []);
  }

  async rememberRepository(repository: Repository): Promise<void> {
    const isBaselined = this.repositories.get(repository.id)?.isBaselined ?? false;
    this.repositories.set(repository.id, { repository, isBaselined });
  }

  async readRepository(id: number): Promise<Repository | undefined> {
    return this.repositories.get(id)?.repository;
  }

  async forgetRepository(id: number): Promise<void> {
    this.repositories.delete(id);
  }

  async forgetInstallation(installation: number): Promise<void> {
    for (const { repository } of [...this.repositories.values()])
      if (repository.installation === installation) this.repositories.delete(repository.id);
  }

  async listRepositories(): Promise<readonly KnownRepository[]> {
    return [...this.repositories.values()];
  }

  async recordBaseline(repositoryId: number, tags: readonly { ref: string; object: string }[]): Promise<void> {
    const known = this.repositories.get(repositoryId);
    if (known !== undefined) this.repositories.set(repositoryId, { ...known, isBaselined: true });
    for (const { ref, object } of tags) {
      const key = `${repositoryId} ${ref}`;
      if (!this.tagStates.has(key)) this.tagStates.set(key, { generation: 1, object, before: undefined });
    }
  }

  private async findLast(matches: (build: Build) => boolean): Promise<Build | undefined> {
    const found = this.builds.findLast(matches);
    return found && this.readBuild(found.id);
  }
}

function isJudged({ phase, run, outcome }: Build): boolean {
  const kinds: readonly unknown[] = ["verdict", "undetermined", "policy-wrong"];
  return phase === "done" && run !== undefined && kinds.includes(outcome?.kind);
}
