import { CouldNotLook } from "../trust/ports.ts";
import type { OpenPulls, Permissions } from "./ports.ts";
import { newCheck, type PullJob, pullId } from "./pull-check.ts";
import type { PullHappening } from "./pull-happening.ts";
import { askedForPins } from "./pull-pins.ts";
import type { PullIndex, PullStore, StalePulls } from "./pull-ports.ts";

/** How many pull requests of one installation are judged anew at once: the others with the next rounds, so that nobody's limits are used up. */
const MAX_AT_ONCE = 20;
/** So many repositories' open pull requests are listed in one round, by one request each. */
const MAX_LISTINGS = 50;
/** After so long they are listed again, in milliseconds. */
const UNLISTED_MS = 3_600_000;

/** What answering a delivery about pull requests needs of the world. */
export interface PullRespondPorts {
  readonly store: PullStore & PullIndex & StalePulls;
  readonly permissions: Pick<Permissions, "mayWrite">;
  readonly now: () => Date;
  readonly newId: () => string;
}

/**
 * Does what a delivery asks for. Told twice or out of order, it changes nothing: it only says which pull request is to be looked at, and
 * a question about a check run that has a newer one was answered already.
 *
 * @param askedAt - When it was first told.
 * @returns the pull requests that have something to do now.
 * @throws {CouldNotLook} and may be called again.
 */
export async function respondPull(
  ports: PullRespondPorts,
  happening: PullHappening,
  askedAt: Date = ports.now(),
): Promise<readonly string[]> {
  const { store } = ports;
  switch (happening.kind) {
    case "pull-changed":
      await store.noteRepository(happening.repository);
      return [pullId(happening.repository.id, happening.number)];
    case "pull-rerun-asked": {
      const newest = await store.findPullByCheckRun(happening.repositoryId, happening.checkRun);
      if (newest === undefined) return [];
      const { by } = happening;
      // GitHub shows the buttons to more people than may write (RULES R33).
      if (by !== undefined && !(await ports.permissions.mayWrite(newest.repository, by))) return [];
      return anew(ports, newest, newest.checkRun === happening.checkRun);
    }
    case "pins-asked": {
      const newest = await store.findPullByCheckRun(happening.repositoryId, happening.checkRun);
      // What an older check has judged is of another head, or was judged anew since.
      if (newest?.checkRun !== happening.checkRun) return [];
      const { by } = happening;
      const may = await ports.permissions.mayWrite(newest.repository, by);
      const asked = askedForPins(newest, by, may, ports.now());
      if (asked !== undefined) await store.saveCheck(asked);
      // Whoever saved it may have been killed before anybody was woken.
      return [pullId(newest.repository.id, newest.number)];
    }
    case "pulls-rerun-asked": {
      const woken: string[] = [];
      for (const newest of await store.listPullsOf(happening.repositoryId, happening.commit)) {
        // Its check runs stay the same: only the time tells that it was done.
        const isAnswered = newest.judgedSince !== undefined && newest.judgedSince >= askedAt;
        woken.push(...(await anew(ports, newest, !isAnswered)));
      }
      return woken;
    }
  }
}

/** Another check of the same head, for which nothing that was forecast before counts. One that isn't done is looked at anyway. */
async function anew(ports: PullRespondPorts, newest: PullJob, isAsked: boolean): Promise<readonly string[]> {
  if (isAsked && newest.phase === "done") await ports.store.beginCheck(newCheck(ports, newest, newest, ports.now()));
  return [pullId(newest.repository.id, newest.number)];
}

/** The pull requests whose turn it is to be judged anew: for another policy (RULES R2), or because something has lapsed (RULES R14). */
export function stalePulls({ store, now }: Pick<PullRespondPorts, "store" | "now">): Promise<readonly string[]> {
  return store.listStalePulls(now(), MAX_AT_ONCE);
}

/** What looking for pull requests that no event told of needs of the world. */
export interface PullReconcilePorts extends Pick<PullRespondPorts, "store" | "now"> {
  readonly openPulls: OpenPulls;
  /** Told of what could not be looked at; everything else goes on. */
  readonly onFailure: (what: string, error: CouldNotLook) => void;
}

/**
 * Lists the open pull requests of some repositories, in turn, and finds those whose head or base nobody told of.
 *
 * @returns the pull requests that have something to do now.
 */
export async function reconcilePulls({
  store,
  now,
  openPulls,
  onFailure,
}: PullReconcilePorts): Promise<readonly string[]> {
  const woken: string[] = [];
  const notSince = new Date(now().getTime() - UNLISTED_MS);
  for (const repository of await store.claimListings(now(), notSince, MAX_LISTINGS)) {
    try {
      for (const { number, head, base } of await openPulls.listOpenPulls(repository)) {
        const known = await store.readNewestCheck(repository.id, number);
        const isKnown = known?.head.commit === head && known.base.branch === base;
        // It is open, and what was closed and opened again counts again: a policy that changes judges it anew (RULES R2).
        if (isKnown) await store.reopenPull(repository.id, number);
        if (!isKnown || known.outcome?.kind === "superseded") woken.push(pullId(repository.id, number));
      }
    } catch (error) {
      if (!(error instanceof CouldNotLook)) throw error;
      onFailure(`the pull requests of ${repository.owner}/${repository.name}`, error);
    }
  }
  return woken;
}
