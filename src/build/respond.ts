import type { Build } from "./build.ts";
import type { Happening } from "./happening.ts";
import { type BuildIndex, type BuildStore, DispatchRefused, type RepositoryStore, type Workflows } from "./ports.ts";
import { forAttempt, forDispatch, forJudgement } from "./round.ts";
import { type StartPorts, startBuilds } from "./start.ts";

/** What answering a delivery needs of the world. */
export interface RespondPorts extends StartPorts {
  readonly store: StartPorts["store"] & BuildStore & BuildIndex & RepositoryStore;
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
    case "run-changed":
      return runChanged(ports, happening);
    case "check-rerun-asked":
      return rerunAsked(ports, happening);
    case "repositories-added":
      for (const repository of happening.repositories) await store.rememberRepository(repository);
      return [];
    case "repositories-removed":
      for (const id of happening.ids) await store.forgetRepository(id);
      return [];
    case "installation-gone":
      await store.forgetInstallation(happening.installation);
      return [];
  }
}

/** A tag that moved after its build turns the verdict (RULES R26): what was trusted under it is judged again. */
async function overtaken({ store }: RespondPorts, repositoryId: number, ref: string): Promise<readonly string[]> {
  const state = await store.readTagState(repositoryId, ref);
  const builds = state?.object === undefined ? [] : await store.listBuilds(repositoryId, ref);
  const old = builds.filter(
    ({ key, phase, outcome }) =>
      phase === "done" &&
      outcome?.kind === "verdict" &&
      outcome.verdict === "trusted" &&
      key.generation < (state?.generation ?? 0),
  );
  for (const build of old) await store.saveBuild(forJudgement(build));
  return old.map(({ id }) => id);
}

/** An id of ours in a run's title: the workflow's `run-name` puts it there. */
const BUILD_ID = /\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b/;

async function runChanged(
  { store, workflows }: RespondPorts,
  { repositoryId, runId, title }: Happening & { readonly kind: "run-changed" },
): Promise<readonly string[]> {
  const build = await store.findBuildByRun(repositoryId, runId);
  if (build === undefined) {
    // The answer to our dispatch may have been lost; whether this is its run is found out by looking for it.
    const [id] = BUILD_ID.exec(title) ?? [];
    const waiting = id === undefined ? undefined : await store.readBuild(id);
    return waiting?.run === undefined && waiting?.key.repositoryId === repositoryId ? [waiting.id] : [];
  }
  if (build.phase !== "done") return [build.id];
  const state = await workflows.readRun(build.repository, runId);
  if (state === undefined || build.run === undefined || state.attempt <= build.run.attempt) return [];
  const { id, attempt, url } = state;
  await store.saveBuild(forAttempt(build, { id, attempt, url }));
  return [build.id];
}

/** Someone clicked "re-run" on a check run: judge again what there is to judge, build again what failed, ask policy again where it was wrong. */
async function rerunAsked(
  ports: RespondPorts,
  { repositoryId, checkRun }: Happening & { readonly kind: "check-rerun-asked" },
): Promise<readonly string[]> {
  const build = await ports.store.findBuildByCheckRun(repositoryId, checkRun);
  if (build?.phase !== "done" || build.outcome === undefined) return [];
  switch (build.outcome.kind) {
    case "verdict":
    case "undetermined":
      await ports.store.saveBuild(build.run === undefined ? forDispatch(build) : forJudgement(build));
      return [build.id];
    case "no-workflow":
      await ports.store.saveBuild(forDispatch(build));
      return [build.id];
    case "build-failed":
    case "cancelled":
      // GitHub tells of the new attempt, and that is followed.
      if (build.run !== undefined) await rerun(ports, build.repository, build.run.id);
      return [];
    case "policy-wrong":
    case "tag-unusable":
      return again(ports, build);
  }
}

/** Refused, it is running already: someone else was quicker, or we were and didn't live to know. */
async function rerun({ workflows }: RespondPorts, repository: Build["repository"], runId: number): Promise<void> {
  try {
    await workflows.rerun(repository, runId);
  } catch (error) {
    if (!(error instanceof DispatchRefused)) throw error;
  }
}

/** From the beginning, with the policy as it is now. */
async function again(ports: RespondPorts, { repository, key }: Build): Promise<readonly string[]> {
  const tag = await ports.tags.readTag(repository, key.ref);
  if (tag === undefined) return [];
  return startBuilds(ports, { repository, ref: key.ref, before: undefined, after: tag.object });
}
