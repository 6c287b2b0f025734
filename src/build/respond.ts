import { type Build, conclusionOf } from "./build.ts";
import type { Happening } from "./happening.ts";
import {
  type BuildIndex,
  type BuildStore,
  DispatchRefused,
  type RepositoryStore,
  type StaleBuilds,
  type Workflows,
} from "./ports.ts";
import { forDispatch, fromWhereItCame } from "./round.ts";
import { seePolicy, staleBuilds } from "./stale.ts";
import { type StartPorts, startBuilds } from "./start.ts";

/** What answering a delivery needs of the world. */
export interface RespondPorts extends StartPorts {
  readonly store: StartPorts["store"] & BuildStore & BuildIndex & RepositoryStore & StaleBuilds;
  readonly workflows: Workflows;
}

/**
 * Does what a delivery asks for. Told twice, it changes nothing the second time.
 *
 * @returns the builds that have something to do now.
 * @throws {CouldNotLook} and may be called again.
 */
export async function respond(ports: RespondPorts, happening: Happening): Promise<readonly string[]> {
  const { store } = ports;
  switch (happening.kind) {
    case "tag-pushed": {
      const started = await startBuilds(ports, happening.push);
      return [...started, ...(await overtaken(ports, happening.push.repository.id, happening.push.ref))];
    }
    case "policy-pushed":
      for (const kind of happening.kinds) await seePolicy(ports, happening.repository, kind);
      return staleBuilds(ports);
    case "run-changed":
      return runChanged(ports, happening);
    case "check-rerun-asked":
      return rerunAsked(ports, happening);
    case "suite-rerun-asked": {
      const woken: string[] = [];
      for (const build of await store.listBuildsOfCommit(happening.repositoryId, happening.commit))
        woken.push(...(await rerun(ports, build)));
      return woken;
    }
    case "repositories-added":
      for (const repository of happening.repositories) await store.rememberRepository(repository);
      return [];
    case "repository-hidden": {
      const known = await store.readRepository(happening.id);
      if (known !== undefined) await store.rememberRepository({ ...known, isPrivate: true });
      return [];
    }
    case "repositories-removed":
      for (const id of happening.ids) await store.forgetRepository(id);
      return [];
    case "installation-gone":
      await store.forgetInstallation(happening.installation);
      return [];
  }
}

/** A tag that moved after its build turns the verdict (RULES R26): what was trusted under it looks at the tag again. */
export async function overtaken(
  { store }: Pick<RespondPorts, "store">,
  repositoryId: number,
  ref: string,
): Promise<readonly string[]> {
  return (await store.listBuilds(repositoryId, ref))
    .filter(({ outcome }) => outcome !== undefined && conclusionOf(outcome) === "success")
    .map(({ id }) => id);
}

/** An id of ours in a run's title: the workflow's `run-name` puts it there. */
const BUILD_ID = /\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b/;

async function runChanged(
  { store }: RespondPorts,
  { repositoryId, runId, title }: Happening & { readonly kind: "run-changed" },
): Promise<readonly string[]> {
  const build = await store.findBuildByRun(repositoryId, runId);
  if (build !== undefined) return [build.id];
  // The answer to our dispatch may have been lost; whether this is its run is found out by looking for it.
  const waiting = await buildNamed(store, repositoryId, title);
  return waiting === undefined || waiting.run !== undefined ? [] : [waiting.id];
}

/** The build whose id stands in a text. Anyone may have written it there, so that the build is woken and nothing else. */
async function buildNamed(store: BuildStore, repositoryId: number, text: string): Promise<Build | undefined> {
  const [id] = BUILD_ID.exec(text) ?? [];
  const build = id === undefined ? undefined : await store.readBuild(id);
  return build?.key.repositoryId === repositoryId ? build : undefined;
}

/** Someone clicked "re-run" on a check run: judge again what there is to judge, build again what failed, ask policy again where it was wrong. */
async function rerunAsked(
  ports: RespondPorts,
  { repositoryId, checkRun, externalId }: Happening & { readonly kind: "check-rerun-asked" },
): Promise<readonly string[]> {
  const { store } = ports;
  const build = await store.findBuildByCheckRun(repositoryId, checkRun);
  if (build === undefined) {
    // The round that was asked for may have begun, and whoever began it may not have lived to say so.
    const begun = await buildNamed(store, repositoryId, externalId);
    return begun === undefined || begun.phase === "done" ? [] : [begun.id];
  }
  return rerun(ports, build);
}

async function rerun(ports: RespondPorts, build: Build): Promise<readonly string[]> {
  if (build.phase !== "done" || build.outcome === undefined) return [build.id];
  switch (build.outcome.kind) {
    case "verdict":
    case "undetermined":
      return begin(ports, fromWhereItCame(build));
    case "no-workflow":
      return begin(ports, forDispatch(build));
    case "build-failed":
    case "cancelled":
      return runAgain(ports, build);
    case "policy-wrong":
      return build.run === undefined ? again(ports, build) : begin(ports, fromWhereItCame(build));
    case "tag-unusable":
      return again(ports, build);
  }
}

async function begin({ store }: RespondPorts, build: Build): Promise<readonly string[]> {
  await store.saveBuild(build);
  return [build.id];
}

/** A new attempt of the run, which is then followed; another run where GitHub starts this one no more. */
async function runAgain(ports: RespondPorts, build: Build): Promise<readonly string[]> {
  const { run, repository } = build;
  const { workflows } = ports;
  if (run === undefined) return begin(ports, forDispatch(build));
  const isRunning = async () => {
    const state = await workflows.readRun(repository, run.id);
    return state !== undefined && (state.attempt > run.attempt || state.status !== "completed");
  };
  // Someone else was quicker, or we were and didn't live to know.
  if (await isRunning()) return [build.id];
  try {
    await workflows.rerun(repository, run.id);
  } catch (error) {
    if (!(error instanceof DispatchRefused)) throw error;
    if (!(await isRunning())) return begin(ports, forDispatch(build));
  }
  return [build.id];
}

/** From the beginning, with the policy as it is now. */
async function again(ports: RespondPorts, { repository, key }: Build): Promise<readonly string[]> {
  const tag = await ports.tags.readTag(repository, key.ref);
  if (tag === undefined) return [];
  return startBuilds(ports, { repository, ref: key.ref, before: undefined, after: tag.object });
}
