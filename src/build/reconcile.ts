import { BeyondLimit, CouldNotLook } from "../trust/ports.ts";
import type { Deliveries, HookDelivery, Installations, KnownRepository } from "./ports.ts";
import { overtaken, type RespondPorts, respond } from "./respond.ts";
import { seePolicy, staleBuilds } from "./stale.ts";

/** How far back GitHub's memory of deliveries is searched, in milliseconds: what it can send again (three days on github.com). */
const REDELIVERABLE_MS = 3 * 24 * 3_600_000;
/** A delivery of this age may still be on its way, in milliseconds. */
const FRESH_MS = 60_000;
/** After so long a policy is looked at though nothing told of it, in milliseconds. */
const POLICY_UNSEEN_MS = 3_600_000;
/** So many policies are looked at in one round: each takes some four requests. */
const MAX_POLICIES = 50;
/** How often one delivery is asked for again; what still fails then fails for a reason of ours. */
const MAX_ATTEMPTS = 5;

/** What looking for what events didn't tell needs of the world. */
export interface ReconcilePorts extends RespondPorts {
  readonly installations: Installations;
  readonly deliveries: Deliveries;
  /** Whether a delivery is stored: then it has arrived, whatever GitHub thinks. */
  readonly hasDelivery: (guid: string) => Promise<boolean>;
  /** Told of what could not be looked at; everything else goes on. */
  readonly onFailure: (what: string, error: CouldNotLook | BeyondLimit) => void;
}

/**
 * Compares the tags of every repository with what is known of them: GitHub sends no event for more than three tags that are pushed at
 * once, and nothing twice (DESIGN §5). Tags that were there before the app are taken for known: nobody asked to build them.
 *
 * @returns the builds that have something to do now.
 */
export async function reconcileTags(ports: ReconcilePorts): Promise<readonly string[]> {
  const { store } = ports;
  const woken: string[] = [];
  const attempt = attempts(ports);
  await attempt("the app's installations", async () => {
    for (const { id, isSuspended } of await ports.installations.listInstallations()) {
      if (isSuspended) continue;
      await attempt(`the repositories of installation ${id}`, async () => {
        for (const repository of await ports.installations.listRepositories(id))
          await store.rememberRepository(repository);
      });
    }
  });
  for (const known of await store.listRepositories()) {
    await attempt(`the tags of ${known.repository.owner}/${known.repository.name}`, async () => {
      woken.push(...(await reconcileRepository(ports, known)));
    });
  }
  return woken;
}

/**
 * Looks at the policies of what is judged, where no event told of them for long, and finds what has to be judged anew: for a change of
 * policy (RULES R2), or because what a verdict rests on has lapsed (RULES R14).
 *
 * @returns the builds whose turn it is.
 */
export async function reconcilePolicies(ports: ReconcilePorts): Promise<readonly string[]> {
  const attempt = attempts(ports);
  const now = ports.now();
  const notSince = new Date(now.getTime() - POLICY_UNSEEN_MS);
  for (const { repository, kind } of await ports.store.claimPolicies(now, notSince, MAX_POLICIES)) {
    const name = kind === "repository" ? `${repository.owner}/${repository.name}` : repository.owner;
    await attempt(`the policy of ${name}`, () => seePolicy(ports, repository, kind));
  }
  return staleBuilds(ports);
}

/** One thing that can't be looked at keeps nobody from the others. */
function attempts({ onFailure }: ReconcilePorts) {
  return async (what: string, run: () => Promise<void>) => {
    try {
      await run();
    } catch (error) {
      if (!(error instanceof CouldNotLook || error instanceof BeyondLimit)) throw error;
      onFailure(what, error);
    }
  };
}

async function reconcileRepository(
  ports: ReconcilePorts,
  { repository, isBaselined }: KnownRepository,
): Promise<readonly string[]> {
  const tags = await ports.tags.listTags(repository);
  if (!isBaselined) {
    await ports.store.recordBaseline(repository.id, tags);
    return [];
  }
  const woken: string[] = [];
  for (const { ref, object } of tags) {
    const state = await ports.store.readTagState(repository.id, ref);
    if (state?.object === object) {
      // Whoever recorded the move may not have lived to wake what it turns.
      woken.push(...(await overtaken(ports, repository.id, ref)));
      continue;
    }
    const push = { repository, ref, before: undefined, after: object };
    woken.push(...(await respond(ports, { kind: "tag-pushed", push })));
  }
  return woken;
}

/**
 * Asks GitHub for deliveries that never arrived: it doesn't send them again by itself.
 *
 * @returns how many it was asked for.
 * @throws {CouldNotLook}
 */
export async function redeliverFailures(ports: ReconcilePorts): Promise<number> {
  const now = ports.now().getTime();
  const attempts = new Map<string, HookDelivery[]>();
  let cursor: string | undefined;
  do {
    const page = await ports.deliveries.listDeliveries(new Date(now - REDELIVERABLE_MS), cursor);
    for (const each of page.deliveries) attempts.set(each.guid, [...(attempts.get(each.guid) ?? []), each]);
    cursor = page.next;
  } while (cursor !== undefined);
  let asked = 0;
  for (const [guid, tries] of attempts) {
    const [newest] = tries;
    const isOnItsWay = tries.some(({ deliveredAt }) => now - deliveredAt.getTime() < FRESH_MS);
    if (newest === undefined || isOnItsWay || tries.length > MAX_ATTEMPTS) continue;
    if (tries.some(({ isReceived }) => isReceived) || (await ports.hasDelivery(guid))) continue;
    if (await ports.deliveries.redeliver(newest.id)) asked += 1;
  }
  return asked;
}
