import type { PolicyStates, Repository } from "../build/build.ts";
import { readOrganisationPolicy, readRepositoryPolicy } from "../build/policies.ts";
import type { PolicyText } from "../build/ports.ts";
import { digestOf } from "../image/digest.ts";
import { type ExpectedBuild, type Policy, parsePolicy } from "../trust/policy.ts";
import { defaultPolicy } from "../trust/policy-default.ts";
import { loosenedFor } from "../trust/policy-loosening.ts";
import type { PolicyOf } from "./pull.ts";
import type { PullJudgePorts, SeenPolicy } from "./pull-ports.ts";

/**
 * For so long a policy that was seen is taken for the policy, in milliseconds. It keeps R2 all the same: a push to it is told by an
 * event, the reconciler looks each hour at the policies of open pull requests, and either has judged anew what answers another one.
 */
export const SEEN_MS = 2 * 3_600_000;

/** A policy that a pull request must pass. */
export interface PullPolicy {
  readonly of: PolicyOf;
  readonly policy: Policy;
}

/** The policies of a pull request: those of the repository it is made to, never its own (DESIGN §4.5). */
export interface PullPolicies {
  /** The repository's or the default one, and the organisation's where there is one (RULES R2, R5). */
  readonly policies: readonly PullPolicy[];
  readonly builds: readonly ExpectedBuild[];
  readonly answersTo: PolicyStates;
}

/**
 * Reads the policies at default branches.
 *
 * @throws {CouldNotLook} also where it can't be proven that there is none. @throws {PolicyError}
 */
export async function policiesOfPull(ports: PullJudgePorts, repository: Repository): Promise<PullPolicies> {
  const seen = await ports.store.readSeenPolicies(repository, new Date(ports.now().getTime() - SEEN_MS));
  const own = await present(seen.repository, () => readRepositoryPolicy(ports, repository));
  const theirs = await present(seen.organisation, () => readOrganisationPolicy(ports, repository));
  const parse = ({ bytes, name }: SeenPolicy) => parsePolicy(bytes, name, { server: ports.server });
  const first: PullPolicy =
    own === "absent" ? { of: "default", policy: defaultPolicy } : { of: "repository", policy: parse(own) };
  const policies = [first];
  if (theirs !== "absent") {
    const organisation = parse(theirs);
    // A repository without a policy loosens nothing.
    const policy = own === "absent" ? organisation : loosenedFor(organisation, first.policy);
    policies.push({ of: "organisation", policy });
  }
  const state = (each: SeenPolicy | "absent") => (each === "absent" ? each : digestOf(each.bytes));
  return {
    policies,
    builds: first.policy.builds,
    answersTo: { repository: state(own), organisation: state(theirs) },
  };
}

async function present(
  seen: SeenPolicy | "absent" | undefined,
  read: () => Promise<PolicyText | undefined>,
): Promise<SeenPolicy | "absent"> {
  return seen ?? (await read()) ?? "absent";
}
