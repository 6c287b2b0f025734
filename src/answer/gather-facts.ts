import { claimsOf } from "../attestation/identity.ts";
import type { SbomPorts } from "../trust/accepted-sboms.ts";
import type { Ancestry } from "../trust/ancestry.ts";
import { imagePackages } from "../trust/image-packages.ts";
import type { Policy } from "../trust/policy.ts";
import type { AcceptedSbom } from "../trust/read-sbom.ts";
import type { JudgedNode, Verdict } from "../trust/verdict.ts";
import { type DockerfileReader, dockerfilesOf } from "./dockerfiles.ts";
import { type AnswerFacts, MAX_REASON_LENGTH, type PackageList, type SourceFact } from "./facts.ts";
import { withinBudget } from "./package-budget.ts";

/** Largest facts that are kept, in bytes of JSON as far as packages go; Dockerfiles have at most half as much. */
const MAX_PACKAGE_BYTES = 2 * 1024 * 1024;

/** Most sources and lists of packages of one image, and most reasons why something is missing. */
const MAX_SOURCES = 64;
const MAX_LISTS = 64;
const MAX_REASONS = 20;

/** What gathering facts needs of the world. */
export interface FactPorts {
  /** What the walk had. Lists of packages inside an index are read here that the walk left alone. */
  readonly walk: SbomPorts;
  /** Reads with no more rights than whoever will be told has. */
  readonly dockerfiles: DockerfileReader;
}

/**
 * What is told of an image beside the verdict: sources, Dockerfiles and packages of the images that were asked about, and of no ancestor.
 * Only what accepted signers say is among it. The verdict stands before, and nothing here changes it: what can't be read is told with the
 * reason.
 *
 * @param ancestry - The one that was judged.
 */
export async function gatherFacts(
  { walk, dockerfiles: reader }: FactPorts,
  policy: Policy,
  ancestry: Ancestry,
  verdict: Verdict,
): Promise<AnswerFacts> {
  const asked = new Set(verdict.platforms.map(({ node }) => node));
  const nodes = verdict.nodes.filter(({ id }) => asked.has(id));
  const sources = new Map(nodes.flatMap(sourcesOf).map((source) => [JSON.stringify(source), source]));
  const [dockerfiles, found] = await Promise.all([
    dockerfilesOf(
      reader,
      nodes.flatMap(({ provenances }) => provenances),
    ),
    imagePackages(walk, policy, ancestry, nodes),
  ]);
  const lists = new Map(
    found
      .flatMap(({ sboms, platform }) => sboms.map((sbom) => listOf(sbom, sbom.coversIndex ? null : (platform ?? null))))
      .map((list) => [JSON.stringify([list.platform, list.bundle, list.packages]), list]),
  );
  const packages = withinBudget([...lists.values()].slice(0, MAX_LISTS), MAX_PACKAGE_BYTES);
  const unread = [
    ...dockerfiles.unread,
    ...beyond(sources.size, MAX_SOURCES, "sources"),
    ...beyond(lists.size, MAX_LISTS, "lists of packages"),
    ...found.flatMap((each) => each.unread),
  ];
  const reasons = [...new Set(unread.map((reason) => reason.slice(0, MAX_REASON_LENGTH)))].slice(0, MAX_REASONS);
  return {
    sources: [...sources.values()].slice(0, MAX_SOURCES),
    dockerfiles: [...dockerfiles.dockerfiles],
    packages: [...packages],
    ...(reasons.length > 0 && { unread: reasons }),
  };
}

function beyond(count: number, limit: number, what: string): readonly string[] {
  return count > limit ? [`${count - limit} more ${what} aren't shown`] : [];
}

/** By the certificates; a key says nothing of where its holder built from. */
function sourcesOf({ accepted }: JudgedNode): readonly SourceFact[] {
  return accepted.flatMap(({ identity }) => {
    const claims = claimsOf(identity);
    if (claims.sourceRepositoryUri === undefined) return [];
    return [
      {
        repository: claims.sourceRepositoryUri,
        repositoryId: claims.sourceRepositoryIdentifier ?? null,
        ownerId: claims.sourceRepositoryOwnerIdentifier ?? null,
        commit: claims.sourceRepositoryDigest ?? null,
        ref: claims.sourceRepositoryRef ?? null,
        run: claims.runInvocationUri ?? null,
        builder: claims.buildSignerUri ?? null,
      },
    ];
  });
}

function listOf({ by, packages: { format, packages, omitted } }: AcceptedSbom, platform: string | null): PackageList {
  const kept = packages.map(({ licences, ...each }) => ({ ...each, licences: [...licences] }));
  return { platform, format, bundle: by.found.verified.bundle, packages: kept, omitted };
}
