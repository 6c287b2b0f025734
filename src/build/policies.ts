import { PolicyError } from "../trust/policy-fault.ts";
import { BeyondLimit } from "../trust/ports.ts";
import type { Outcome, Repository } from "./build.ts";
import type { PolicyReader, PolicyText } from "./ports.ts";

/**
 * The repository's policy as it is now.
 * @returns undefined if it is proven that there is none.
 * @throws {CouldNotLook} @throws {PolicyError} if it is too large.
 */
export function readRepositoryPolicy(reader: PolicyReader, repository: Repository): Promise<PolicyText | undefined> {
  return readable(`the policy of ${repository.owner}/${repository.name}`, () =>
    reader.readRepositoryPolicy(repository),
  );
}

/**
 * The organisation's policy as it is now.
 * @returns undefined if it is proven that there is none.
 * @throws {CouldNotLook} @throws {PolicyError} if it is too large.
 */
export function readOrganisationPolicy(reader: PolicyReader, repository: Repository): Promise<PolicyText | undefined> {
  return readable(`the policy of ${repository.owner}`, () => reader.readOrganisationPolicy(repository));
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
