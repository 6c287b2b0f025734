import { PolicyError } from "../trust/policy-fault.ts";
import type { Build, PolicyStates, Repository } from "./build.ts";
import { type PolicyPorts, readOrganisationPolicy, readRepositoryPolicy } from "./policies.ts";
import type { PolicyText, StaleBuilds } from "./ports.ts";

/**
 * How many builds of one installation are judged anew at once. Each is a walk, some ten requests of GitHub and a check run: a policy
 * that turns a thousand tags turns them over hours, the newest first, and uses up nobody's limit.
 */
const MAX_AT_ONCE = 20;

/** What finding builds to judge anew needs of the world. */
export interface StalePorts extends PolicyPorts {
  readonly store: PolicyPorts["store"] & StaleBuilds;
  readonly now: () => Date;
}

/**
 * Looks at a policy that may have changed (RULES R2).
 *
 * @throws {CouldNotLook}
 */
export async function seePolicy(ports: PolicyPorts, repository: Repository, kind: PolicyText["kind"]): Promise<void> {
  const read = kind === "repository" ? readRepositoryPolicy : readOrganisationPolicy;
  try {
    await read(ports, repository);
  } catch (error) {
    // It is a change too, which each build's check run tells.
    if (!(error instanceof PolicyError)) throw error;
  }
}

/** The builds whose turn it is to be judged anew. */
export function staleBuilds({ store, now }: StalePorts): Promise<readonly string[]> {
  return store.listStaleBuilds(now(), MAX_AT_ONCE);
}

/**
 * What a round answers that ends without a verdict: what was seen of the policies that it reads. The first one has its own from the push,
 * as far as they were known by then.
 */
export function answeredBy({ round, answersTo }: Build, seen: PolicyStates): PolicyStates {
  const present = round === 1 ? { ...seen, ...known(answersTo) } : { ...answersTo, ...known(seen) };
  return { repository: present.repository, organisation: present.organisation };
}

function known({ repository, organisation }: PolicyStates): Partial<PolicyStates> {
  return { ...(repository !== undefined && { repository }), ...(organisation !== undefined && { organisation }) };
}

/**
 * The policies that a build has to answer now, where these aren't those that it answers; or where what its verdicts rest on has lapsed
 * (RULES R2, R12, R14). Undefined for a build that has nothing to judge, or is up to date.
 */
export function overdueFor(build: Build, seen: PolicyStates, now: Date): PolicyStates | undefined {
  const { outcome, run, request, answersTo, validUntil } = build;
  const isJudged = outcome?.kind === "verdict" || outcome?.kind === "undetermined" || outcome?.kind === "policy-wrong";
  if (!isJudged || run === undefined || request === undefined) return undefined;
  const present = { ...answersTo, ...known(seen) };
  const isChanged = present.repository !== answersTo.repository || present.organisation !== answersTo.organisation;
  return isChanged || (validUntil !== undefined && validUntil <= now) ? present : undefined;
}
