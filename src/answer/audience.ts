import { claimsOf } from "../attestation/identity.ts";
import type { Repository } from "../build/build.ts";
import type { Verdict } from "../trust/verdict.ts";
import type { Audience } from "./answer.ts";
import type { RepositoryVisibility } from "./ports.ts";

/** What deciding who may be told needs of the world. */
export interface AudiencePorts {
  readonly visibility: RepositoryVisibility;
  /** The GitHub server, as certificates name it: a number of a repository is that server's. */
  readonly server: string;
}

/**
 * Who may be told of a verdict. A signature that names a repository in private says that it exists, also on an image that everyone may
 * pull: whoever attests there has published its name, and perhaps by mistake.
 *
 * @param walkedFor - The repository with whose credentials was read, where it isn't public; such an answer is never everyone's.
 * @throws {CouldNotLook} where it can't be said now: then nobody is told yet.
 */
export async function audienceOf(
  { visibility, server }: AudiencePorts,
  verdict: Verdict,
  walkedFor: Repository | undefined,
): Promise<Audience> {
  const repositoryIds = new Set(walkedFor === undefined ? [] : [String(walkedFor.id)]);
  for (const { id, repository } of sourcesOf(verdict, server)) {
    if ((id !== undefined && repositoryIds.has(id)) || (await visibility.isPublic(repository, id))) continue;
    // Nobody can be asked who may read what has no number: then nobody may be told.
    if (id === undefined) return { kind: "readers", repositoryIds: [] };
    repositoryIds.add(id);
  }
  return repositoryIds.size === 0
    ? { kind: "everyone" }
    : { kind: "readers", repositoryIds: [...repositoryIds].toSorted() };
}

/** A repository as a certificate names it; old ones have no numbers (RULES R6, R8). */
interface NamedRepository {
  readonly repository: string;
  readonly id: string | undefined;
}

/** The repositories of the server that accepted statements on the image asked about name, each once. */
function sourcesOf({ platforms, nodes }: Verdict, server: string): Iterable<NamedRepository> {
  const asked = new Set(platforms.map(({ node }) => node));
  const sources = new Map<string, NamedRepository>();
  for (const { accepted } of nodes.filter(({ id }) => asked.has(id)))
    for (const { identity } of accepted) {
      const { sourceRepositoryUri: repository, sourceRepositoryIdentifier: id } = claimsOf(identity);
      if (repository?.startsWith(`${server}/`)) sources.set(id ?? repository, { repository, id });
    }
  return sources.values();
}
