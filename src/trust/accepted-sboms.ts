import { claimsOf } from "../attestation/identity.ts";
import type { PinnedImage } from "../image/reference.ts";
import { acceptKnowingBranch } from "./accept-knowing-branch.ts";
import { type AcceptedProvenance, type AcceptedStatement, acceptSbom, acceptStatement } from "./accepted.ts";
import { type Evidence, type FoundStatement, gatherEvidence, openReading } from "./evidence.ts";
import { withExternalReferrers } from "./external-referrers.ts";
import { adoptedPlaces, sbomsBeside, sbomsInIndex } from "./held-sboms.ts";
import { judgedName } from "./mirror.ts";
import type { Policy } from "./policy.ts";
import {
  type AttestationSource,
  type BundleVerifier,
  CouldNotLook,
  type DefaultBranches,
  type ImageReader,
} from "./ports.ts";
import { type AcceptedSboms, allSboms, readSbom } from "./read-sbom.ts";
import type { ImageNode } from "./resolve.ts";
import { revokedCommit } from "./revocation.ts";

/** What reading SBOMs needs of the world: what the walk had. */
export interface SbomPorts {
  readonly images: ImageReader;
  readonly attestations: AttestationSource;
  readonly verifier: BundleVerifier;
  readonly defaultBranches?: DefaultBranches;
}

/** What the walk found of the node. */
export interface ExaminedNode {
  readonly accepted: readonly AcceptedStatement[];
  readonly provenances: readonly AcceptedProvenance[];
}

/** What was found of the packages of one node, and why signed lists about it don't count. */
export interface NodeSboms extends AcceptedSboms {
  /** For people; anyone may have put them there. */
  readonly refused: readonly string[];
  /** How many attestations beyond the limit were not read: there may be lists among them. */
  readonly omitted: number;
}

/** Why a statement is no list of the node's packages, whoever signed it. */
const NO_LIST_OF_IT: readonly string[] = ["predicate-type", "subject-mismatch"];

/**
 * The lists of packages of an image that whoever policy lets speak for it has signed. No verdict rests on them; what isn't accepted is as
 * good as not there, whatever it lists: anyone may put one beside an image.
 *
 * A signer for a repository counts only if what the verdict rests on was signed for the same one: by those repositories it is decided who
 * may be told (RULES R3).
 *
 * @param node - One that was judged, and that policy doesn't revoke.
 */
export async function acceptedSboms(
  { images, attestations, verifier, defaultBranches }: SbomPorts,
  policy: Policy,
  node: ImageNode,
  { accepted, provenances }: ExaminedNode,
): Promise<NodeSboms> {
  const source = withExternalReferrers(attestations, policy.referrers, (image) => judgedName(policy, image));
  const failures: CouldNotLook[] = [];
  const reading = openReading();
  const evidenceOf = async (image: PinnedImage): Promise<Evidence> => {
    try {
      const evidence = await gatherEvidence(source, verifier, image, policy.keys, reading);
      failures.push(...evidence.failures);
      return evidence;
    } catch (error) {
      if (!(error instanceof CouldNotLook)) throw error;
      failures.push(error);
      return { statements: [], unsigned: [], refusals: [], failures: [], omitted: 0 };
    }
  };
  const gathered = await Promise.all([node.image, ...node.indexes.map(({ image }) => image)].map(evidenceOf));
  const found = new Map(gathered.flatMap(({ statements }) => statements).map((each) => [each.verified.bundle, each]));
  const judging =
    <How extends typeof acceptSbom>(how: How) =>
    (about: ImageNode, each: FoundStatement) =>
      acceptKnowingBranch(defaultBranches, each, failures, (isDefaultBranch) =>
        how(policy, about, each, isDefaultBranch),
      );
  const judged = await Promise.all([...found.values()].map((each) => judging(acceptSbom)(node, each)));
  const repositories = new Set(accepted.flatMap(({ identity }) => repositoryOf(identity) ?? []));
  const statements = judged.filter((each) => each.kind === "statement");
  const signed = statements.filter(isOfTheImage);
  const adopted = adoptedPlaces(provenances);
  const held = { images, keeps: () => true, evidenceOf, accept: judging(acceptStatement) };
  const parts = await Promise.all([
    ...node.indexes.map((enclosing) => sbomsInIndex(held, node, enclosing, adopted)),
    sbomsBeside(
      held,
      node,
      gathered.flatMap(({ unsigned }) => unsigned),
      adopted,
    ),
  ]);
  const own = allSboms(
    signed.map((by) => readSbom(by.found.verified.statement, by, by.coversIndex, by.found.where)),
    failures,
  );
  return {
    sboms: [own, ...parts].flatMap(({ sboms }) => sboms),
    unread: [own, ...parts].flatMap(({ unread }) => unread),
    omitted: gathered.reduce((sum, evidence) => sum + evidence.omitted, 0),
    refused: [
      ...judged.flatMap((each) => (each.kind === "refusal" && !NO_LIST_OF_IT.includes(each.code) ? [each.reason] : [])),
      ...statements
        .filter((each) => !isOfTheImage(each))
        .map(
          ({ identity, found: { verified } }) =>
            revokedCommit(policy, verified) ?? `it was signed for ${repositoryOf(identity)}, and the image wasn't`,
        ),
    ],
  };

  function isOfTheImage({ identity, found: { verified } }: AcceptedStatement): boolean {
    const repository = repositoryOf(identity);
    return (repository === undefined || repositories.has(repository)) && revokedCommit(policy, verified) === undefined;
  }
}

function repositoryOf(identity: AcceptedStatement["identity"]): string | undefined {
  const { sourceRepositoryIdentifier, sourceRepositoryUri } = claimsOf(identity);
  return sourceRepositoryIdentifier ?? sourceRepositoryUri;
}
