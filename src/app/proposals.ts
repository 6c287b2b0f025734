import type { Repository } from "../build/build.ts";
import type { Happening } from "../build/happening.ts";
import type { CheckRuns, OpenWalk, PolicyReader, TagReader } from "../build/ports.ts";
import { advanceOnboarding } from "../change/onboarding.ts";
import { parseOnboarding } from "../change/onboarding-state.ts";
import { readProposalHappening } from "../change/proposal-happening.ts";
import type { ProposalKind, ProposalPorts } from "../change/proposal-ports.ts";
import { advancePins, nextTurn } from "../change/renovation.ts";
import { createAccountNumbers } from "../github/account-numbers.ts";
import type { Clients } from "../github/ask.ts";
import { createCommitWriter } from "../github/commits.ts";
import { createPermissions } from "../github/permissions.ts";
import { createPullRequestWriter } from "../github/pull-request-writer.ts";
import { createRepositoryStates } from "../github/repository-states.ts";
import { createSourceReader } from "../github/source-files.ts";
import { onboardingPage } from "../report/onboarding-page.ts";
import { onboardingCheck, onboardingPull } from "../report/onboarding-words.ts";
import { pinsCheck, pinsPull } from "../report/pins-words.ts";
import { parseProposalWork, proposalWork } from "../store/proposals.ts";
import type { Store } from "../store/store.ts";
import type { Config } from "./config.ts";
import { foresightBy } from "./foresight.ts";

/**
 * How far apart repositories are looked at that come at once, in milliseconds. Each takes some ten requests: two thousand at the same second
 * would leave nothing of the installation's hour to the checks that people wait for, and what is written is paced far slower anyhow.
 */
const APART_MS = 10_000;

/** So many are taken up in one round of the reconciler. */
const MAX_DUE = 50;

const KINDS: readonly ProposalKind[] = ["onboarding", "pins"];

/** What others have made already. */
export interface ProposalParts {
  readonly clients: Clients;
  readonly store: Store;
  readonly checkRuns: CheckRuns;
  readonly policies: PolicyReader;
  readonly tags: TagReader;
  readonly openWalk: OpenWalk;
  readonly now: () => Date;
}

/** Proposals on GitHub, registries and the store. */
export function proposalPorts(config: Config, parts: ProposalParts): ProposalPorts {
  const { clients, store, checkRuns, policies, tags, openWalk, now } = parts;
  const { server } = config;
  const writer = { octokitFor: clients.octokitFor, slots: store, now };
  const options = (repository: Repository) => ({ server, page: pageOf(config, repository) });
  return {
    store,
    states: createRepositoryStates(clients),
    sources: createSourceReader(clients),
    policies,
    tags,
    accounts: createAccountNumbers(clients),
    permissions: createPermissions(clients),
    commits: createCommitWriter(writer),
    pulls: createPullRequestWriter(writer),
    checkRuns,
    slots: store,
    foresee: foresightBy(openWalk, now),
    words: {
      onboardingPull: (repository, draft, withoutWorkflow) =>
        onboardingPull(repository, draft, withoutWorkflow, options(repository)),
      onboardingCheck: (repository, draft) => onboardingCheck(repository, draft, options(repository)),
      pinsPull,
      pinsCheck: (repository, proposal, isOffered) => pinsCheck(repository, proposal, isOffered, { server }),
    },
    server,
    now,
    retriesMs: config.retriesMs,
    renovateMs: config.renovateMs,
  };
}

/** A private repository's proposal has no page: whoever may see it reads the check run. */
function pageOf({ publicUrl }: Config, { id, isPrivate }: Repository): string | undefined {
  return publicUrl === undefined || isPrivate ? undefined : `${publicUrl}/onboarding/${id}`;
}

/** Moves a proposal on, and sees to it that someone does again when its time comes. */
export async function handleProposal(ports: ProposalPorts & { readonly store: Store }, id: string): Promise<void> {
  const work = parseProposalWork(id);
  if (work === undefined) return;
  const advance = work.kind === "onboarding" ? advanceOnboarding : advancePins;
  const due = await advance(ports, work.repositoryId);
  if (due !== undefined) await ports.store.wake("proposal", id, due);
}

/** Wakes what a delivery is about. Told twice, it changes nothing: whoever is woken looks first. */
export async function wakeProposals(
  { store, now, renovateMs }: Pick<ProposalPorts, "now" | "renovateMs"> & { readonly store: Store },
  { event, payload, happening }: { event: string; payload: unknown; happening: Happening | undefined },
): Promise<void> {
  if (happening?.kind === "repositories-added") {
    for (const [i, { id }] of happening.repositories.entries()) {
      await store.wake("proposal", proposalWork("onboarding", id), apart(now(), i));
      if (renovateMs > 0) await store.wake("proposal", proposalWork("pins", id), nextTurn(id, now(), renovateMs));
    }
  }
  const told = readProposalHappening(event, payload);
  switch (told?.kind) {
    case "proposal-decided":
      await store.wake("proposal", proposalWork(told.proposal, told.repositoryId));
      break;
    case "permissions-changed": {
      const all = await store.listRepositories();
      const theirs = all.filter(({ repository }) => repository.installation === told.installation);
      for (const [i, { repository }] of theirs.entries())
        await store.wake("proposal", proposalWork("onboarding", repository.id), apart(now(), i));
      break;
    }
    case undefined:
      break;
  }
}

/** Finds, for the reconciler, what no event told and what a crash left between its row and its wake. */
export async function reconcileProposals(
  { now, renovateMs }: Pick<ProposalPorts, "now" | "renovateMs">,
  store: Store,
): Promise<void> {
  for (const kind of KINDS) {
    if (kind === "pins" && renovateMs === 0) continue;
    const due = await store.listDueProposals(kind, now(), MAX_DUE);
    for (const [i, id] of due.entries()) await store.wake("proposal", proposalWork(kind, id), apart(now(), i));
  }
}

function apart(now: Date, index: number): Date | undefined {
  return index === 0 ? undefined : new Date(now.getTime() + index * APART_MS);
}

/** The page of what is proposed to a public repository where the app may not write; undefined where there is none. */
export async function readOnboardingPage(store: Store, server: string, id: number): Promise<string | undefined> {
  const repository = await store.readRepository(id);
  if (repository === undefined || repository.isPrivate) return undefined;
  const stored = await store.readProposal(id, "onboarding");
  const { phase, draft } = stored === undefined ? {} : parseOnboarding(stored.state);
  return phase === "shown" && draft !== undefined ? onboardingPage(repository, draft, server) : undefined;
}
