import { GITHUB_ISSUERS } from "./builder-schema.ts";
import { parsePolicy } from "./policy.ts";
import { formatPath, PolicyError } from "./policy-fault.ts";
import { type Insertion, insertKeys } from "./policy-insertion.ts";
import { readPolicyForm } from "./policy-reading.ts";
import { policySchema } from "./policy-schema.ts";
import type { PolicyWarning } from "./policy-warnings.ts";
import { CouldNotLook, type RepositoryNumbers } from "./ports.ts";
import { GITHUB } from "./preset-entry.ts";
import { foldCase } from "./repository-uri.ts";

/** A number that was written into a policy. */
export interface WrittenId {
  /** `trust.builders[0].github.owner-id` */
  readonly path: string;
  readonly key: "repository-id" | "owner-id";
  readonly value: number;
  /** Whose it is: `acme/app`, or an account. */
  readonly name: string;
}

/** A name of which GitHub did not tell the numbers. */
export interface UnseenName {
  /** `trust.builders[0].github.repository` */
  readonly path: string;
  readonly code: CouldNotLook["code"];
  readonly message: string;
}

/** A policy with the numbers of its names. */
export interface PolicyWithIds {
  readonly bytes: Uint8Array;
  readonly written: readonly WrittenId[];
  readonly unseen: readonly UnseenName[];
  /** Of names that aren't whose the policy says. */
  readonly warnings: readonly PolicyWarning[];
}

/** A name in a policy that GitHub can be asked for. */
interface NamedSource {
  /** Of the map that holds it. */
  readonly path: readonly PropertyKey[];
  readonly key: "repository" | "source";
  /** Its URL. */
  readonly server: string;
  readonly owner: string;
  /** Undefined where the image's name says which. */
  readonly repository: string | undefined;
  readonly repositoryId: string | undefined;
  readonly ownerId: string | undefined;
}

/**
 * Writes the numbers of the repositories and owners that a policy names (RULES R8). A number that is there is never changed: where
 * it isn't GitHub's, the name may have changed hands, and which of both is meant only a person can say.
 *
 * Sources of other issuers are left alone: their certificates carry numbers of their own, or none, and GitHub's would match nothing.
 *
 * @throws {PolicyError} where the policy can't be used. Not for what could not be looked at: that is told.
 */
export async function writeIds(bytes: Uint8Array, name: string, numbers: RepositoryNumbers): Promise<PolicyWithIds> {
  parsePolicy(bytes, name);
  const insertions = new Map<Insertion, readonly WrittenId[]>();
  const unseen: UnseenName[] = [];
  const warnings: PolicyWarning[] = [];
  for (const source of namedSources(bytes, name)) {
    const path = formatPath([...source.path, source.key]);
    try {
      const found = await numbersOf(source, numbers);
      const warning = disagreementOf(source, found);
      if (warning !== undefined) warnings.push({ ...warning, path });
      else {
        const written = missingFrom(source, found);
        if (written.length > 0) insertions.set({ path: source.path, after: source.key, entries: written }, written);
      }
    } catch (error) {
      if (!(error instanceof CouldNotLook)) throw error;
      unseen.push({ path, code: error.code, message: error.message });
    }
  }
  const { bytes: after, done } = insertKeys(bytes, [...insertions.keys()]);
  for (const [insertion, ids] of insertions) {
    if (done.includes(insertion)) continue;
    const lines = ids.map(({ key, value }) => `${key}: ${value}`).join(", ");
    const message = `can't be added to as it is spelled, or the file would be too large: write ${lines} yourself`;
    warnings.push({ code: "ids-not-written", path: formatPath([...insertion.path, insertion.after]), message });
  }
  parsePolicy(after, name);
  return { bytes: after, written: done.flatMap((each) => insertions.get(each) ?? []), unseen, warnings };
}

function namedSources(bytes: Uint8Array, name: string): readonly NamedSource[] {
  const { whole, faults } = readPolicyForm(policySchema, bytes, name);
  if (whole === undefined) throw new PolicyError(name, faults);
  const { builders, verifiers, "roots-from": feeds } = whole.trust;
  const ofBuilders = builders.flatMap(({ github }, i) => {
    if (github === undefined) return [];
    const { server = GITHUB, repository } = github;
    const at = { path: ["trust", "builders", i, "github"], key: "repository", server } as const;
    return sourceOf(at, repository.split("/"), github);
  });
  const signers = { verifiers, "roots-from": feeds };
  const ofSigners = Object.entries(signers).flatMap(([list, entries]) =>
    entries.flatMap(({ identity }, i) => {
      if (identity?.source === undefined || !GITHUB_ISSUERS.test(identity.issuer)) return [];
      const [, server = "", path = ""] = /^(https:\/\/[^/]+)\/(.+)$/.exec(identity.source) ?? [];
      return sourceOf({ path: ["trust", list, i, "identity"], key: "source", server }, path.split("/"), identity);
    }),
  );
  return [...ofBuilders, ...ofSigners];
}

function sourceOf(
  at: Pick<NamedSource, "path" | "key" | "server">,
  [owner = "", repository = "", ...rest]: readonly string[],
  ids: { readonly "repository-id"?: string | undefined; readonly "owner-id"?: string | undefined },
): readonly NamedSource[] {
  const isPattern = (text: string) => /[*{}]/.test(text);
  if (isPattern(at.server) || isPattern(owner) || repository === "" || rest.length > 0) return [];
  return [
    {
      ...at,
      owner,
      repository: isPattern(repository) ? undefined : repository,
      repositoryId: ids["repository-id"],
      ownerId: ids["owner-id"],
    },
  ];
}

/** What GitHub says of a name. */
interface Found {
  readonly name: string;
  readonly repositoryId: number | undefined;
  readonly ownerId: number;
}

async function numbersOf({ server, owner, repository }: NamedSource, numbers: RepositoryNumbers): Promise<Found> {
  if (repository === undefined) {
    const { login, id } = await numbers.readAccount(server, owner);
    return { name: login, repositoryId: undefined, ownerId: id };
  }
  const { fullName, id, ownerId } = await numbers.readRepository(server, owner, repository);
  return { name: fullName, repositoryId: id, ownerId };
}

function disagreementOf(source: NamedSource, found: Found): Omit<PolicyWarning, "path"> | undefined {
  const name = nameOf(source);
  // GitHub answers for an old name with whoever has the repository now; nobody has said that he is trusted.
  if (foldCase(found.name) !== foldCase(name)) {
    const message = `${name} is ${found.name} at GitHub now, and no number was written: if it is the same one that you trust, name it so`;
    return { code: "renamed", message };
  }
  const differing = [
    ["repository-id", source.repositoryId, found.repositoryId],
    ["owner-id", source.ownerId, found.ownerId],
  ].filter(([, here, there]) => here !== undefined && there !== undefined && here !== String(there));
  if (differing.length === 0) return undefined;
  const told = differing.map(([key, here, there]) => `${key} is ${here} here, and ${there} at GitHub`).join("; ");
  const message = `${name}: ${told}; the name may have changed hands: nothing was written, find out who has it now`;
  return { code: "id-differs", message };
}

function missingFrom(source: NamedSource, { repositoryId, ownerId }: Found): readonly WrittenId[] {
  const written = (key: WrittenId["key"], value: number, name: string): WrittenId => ({
    ...{ key, value, name },
    path: formatPath([...source.path, key]),
  });
  return [
    ...(source.repositoryId === undefined && repositoryId !== undefined
      ? [written("repository-id", repositoryId, nameOf(source))]
      : []),
    ...(source.ownerId === undefined ? [written("owner-id", ownerId, source.owner)] : []),
  ];
}

function nameOf({ owner, repository }: NamedSource): string {
  return repository === undefined ? owner : `${owner}/${repository}`;
}
