import { claimsOf } from "../attestation/identity.ts";
import type { AttestedPackages } from "../attestation/packages.ts";
import { isSbomType, parseSbom, SbomError } from "../attestation/sbom.ts";
import type { Statement } from "../attestation/statement.ts";
import { acceptKnowingBranch } from "./accept-knowing-branch.ts";
import { type AcceptedProvenance, type AcceptedStatement, acceptSbom } from "./accepted.ts";
import { gatherEvidence } from "./evidence.ts";
import { withExternalReferrers } from "./external-referrers.ts";
import { IN_TOTO, mayBeSbom, placeOf, readHeldStatement } from "./held-statement.ts";
import { judgedName } from "./mirror.ts";
import type { Policy } from "./policy.ts";
import {
  type AttestationSource,
  type BundleVerifier,
  CouldNotLook,
  type DefaultBranches,
  type ImageReader,
} from "./ports.ts";
import { type AttestationManifest, type ImageNode, readAttestationManifests } from "./resolve.ts";
import { revokedCommit } from "./revocation.ts";

/** A list of packages that counts as somebody's word: signed itself, or beside provenance that was adopted (RULES R11). */
export interface AcceptedSbom {
  readonly by: AcceptedStatement;
  /** Whether it is about the index rather than the platform's manifest. */
  readonly coversIndex: boolean;
  readonly packages: AttestedPackages;
}

/** What was found of an image's packages. */
export interface AcceptedSboms {
  readonly sboms: readonly AcceptedSbom[];
  /** Why there may be more, for people. What strangers put there is no reason. */
  readonly unread: readonly string[];
}

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
  ports: SbomPorts,
  policy: Policy,
  node: ImageNode,
  examined: ExaminedNode,
): Promise<AcceptedSboms> {
  const parts = await Promise.all([
    signedSboms(ports, policy, node, examined),
    ...node.indexes.map((_, index) => heldSboms(ports, node, index, examined.provenances)),
  ]);
  return { sboms: parts.flatMap(({ sboms }) => sboms), unread: parts.flatMap(({ unread }) => unread) };
}

async function signedSboms(
  { attestations, verifier, defaultBranches }: SbomPorts,
  policy: Policy,
  node: ImageNode,
  { accepted }: ExaminedNode,
): Promise<AcceptedSboms> {
  const source = withExternalReferrers(attestations, policy.referrers, (image) => judgedName(policy, image));
  const failures: CouldNotLook[] = [];
  const gathered = await Promise.all(
    [node.image, ...node.indexes.map(({ image }) => image)].map(async (image) => {
      try {
        return await gatherEvidence(source, verifier, image, policy.keys);
      } catch (error) {
        if (!(error instanceof CouldNotLook)) throw error;
        failures.push(error);
        return { statements: [], failures: [] };
      }
    }),
  );
  failures.push(...gathered.flatMap((each) => each.failures));
  const found = new Map(gathered.flatMap(({ statements }) => statements).map((each) => [each.verified.bundle, each]));
  const judged = await Promise.all(
    [...found.values()].map((each) =>
      acceptKnowingBranch(defaultBranches, each, failures, (isDefaultBranch) =>
        acceptSbom(policy, node, each, isDefaultBranch),
      ),
    ),
  );
  const repositories = new Set(accepted.flatMap(({ identity }) => repositoryOf(identity) ?? []));
  const read = judged
    .filter((each) => each.kind === "statement")
    .filter(({ identity, found: { verified } }) => {
      const repository = repositoryOf(identity);
      return (
        (repository === undefined || repositories.has(repository)) && revokedCommit(policy, verified) === undefined
      );
    })
    .map((by) => sbomIn(by.found.verified.statement, by, by.coversIndex, by.found.where));
  return joined(read, failures);
}

function repositoryOf(identity: AcceptedStatement["identity"]): string | undefined {
  const { sourceRepositoryIdentifier, sourceRepositoryUri } = claimsOf(identity);
  return sourceRepositoryIdentifier ?? sourceRepositoryUri;
}

/**
 * Unsigned lists in an index. Nothing in them says which run made them, so that the provenance beside them speaks for both: where it was
 * adopted from the same manifest, the same signature covers the list, and the run that it is tied to wrote the two (RULES R11).
 */
async function heldSboms(
  { images }: SbomPorts,
  node: ImageNode,
  index: number,
  provenances: readonly AcceptedProvenance[],
): Promise<AcceptedSboms> {
  const enclosing = node.indexes[index];
  const adopted = new Map(
    provenances.flatMap(({ containedIn, by }) => (containedIn === undefined ? [] : [[containedIn, by] as const])),
  );
  if (enclosing === undefined || adopted.size === 0) return { sboms: [], unread: [] };
  try {
    const { manifests } = await readAttestationManifests(images, enclosing, node);
    const read = await Promise.all(
      manifests.flatMap((manifest) => {
        const by = signerOfManifest(manifest, adopted);
        if (by === undefined) return [];
        return manifest.manifest.layers
          .filter((layer) => layer.mediaType === IN_TOTO && mayBeSbom(layer))
          .map(async (layer) => {
            const held = await readHeldStatement(images, node, manifest.image, layer, isSbomType);
            if (held === undefined || "code" in held) return held && `${held.where}: ${held.reason}`;
            return sbomIn(held.statement, by, false, held.where);
          });
      }),
    );
    return joined(read, []);
  } catch (error) {
    if (!(error instanceof CouldNotLook)) throw error;
    return joined([], [error]);
  }
}

function signerOfManifest(
  { image, manifest }: AttestationManifest,
  adopted: ReadonlyMap<string, AcceptedStatement>,
): AcceptedStatement | undefined {
  return manifest.layers.flatMap(({ digest }) => adopted.get(placeOf(digest, image.digest)) ?? [])[0];
}

function sbomIn(
  statement: Statement,
  by: AcceptedStatement,
  coversIndex: boolean,
  where: string,
): AcceptedSbom | string | undefined {
  try {
    const packages = parseSbom(statement);
    return packages && { by, coversIndex, packages };
  } catch (error) {
    if (!(error instanceof SbomError)) throw error;
    return `${where}: ${error.message}`;
  }
}

function joined(
  read: readonly (AcceptedSbom | string | undefined)[],
  failures: readonly CouldNotLook[],
): AcceptedSboms {
  return {
    sboms: read.filter((each) => typeof each === "object"),
    unread: [...failures.map(({ message }) => message), ...read.filter((each) => typeof each === "string")],
  };
}
