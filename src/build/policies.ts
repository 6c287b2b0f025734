import { digestOf } from "../image/digest.ts";
import { PolicyError } from "../trust/policy-fault.ts";
import { BeyondLimit } from "../trust/ports.ts";
import type { Outcome, PolicyState, Repository } from "./build.ts";
import type { PolicyReader, PolicyStateStore, PolicyText } from "./ports.ts";

/** What looking at policies needs of the world. */
export interface PolicyPorts {
  readonly policies: PolicyReader;
  readonly store: PolicyStateStore;
}

/**
 * The repository's policy as it is now. What was seen is kept: builds that answer another one are judged anew (RULES R2).
 * @returns undefined if it is proven that there is none.
 * @throws {CouldNotLook} @throws {PolicyError} if it is too large, or no file.
 */
export function readRepositoryPolicy(ports: PolicyPorts, repository: Repository): Promise<PolicyText | undefined> {
  return seen(ports, "repository", repository, () => ports.policies.readRepositoryPolicy(repository));
}

/**
 * The organisation's policy as it is now, kept as the repository's is.
 * @returns undefined if it is proven that there is none.
 * @throws {CouldNotLook} @throws {PolicyError} if it is too large, or no file.
 */
export function readOrganisationPolicy(ports: PolicyPorts, repository: Repository): Promise<PolicyText | undefined> {
  return seen(ports, "organisation", repository, () => ports.policies.readOrganisationPolicy(repository));
}

/** Not having been able to look is kept nowhere: it says nothing of the policy. */
async function seen(
  { store }: PolicyPorts,
  kind: PolicyText["kind"],
  repository: Repository,
  read: () => Promise<PolicyText | undefined>,
): Promise<PolicyText | undefined> {
  const name = kind === "repository" ? `${repository.owner}/${repository.name}` : repository.owner;
  try {
    const text = await readable(`the policy of ${name}`, read);
    await store.savePolicyState(repository, kind, stateOf(text), text);
    return text;
  } catch (error) {
    if (error instanceof PolicyError) await store.savePolicyState(repository, kind, "unusable", undefined);
    throw error;
  }
}

/** What a policy that was read is compared by. */
export function stateOf(text: PolicyText | undefined): PolicyState {
  return text === undefined ? "absent" : digestOf(text.bytes);
}

/** Too large is a fact about the policy, which asking again doesn't change. */
async function readable<T>(name: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof BeyondLimit)) throw error;
    throw new PolicyError(name, [{ line: 1, column: 1, path: "", message: error.message }]);
  }
}

/** What is told of a policy that can't be used; there is no verdict. */
export function policyWrong({ policy, faults }: PolicyError): Outcome {
  return { kind: "policy-wrong", policy, faults };
}
