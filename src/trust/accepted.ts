import type { BuildRecord } from "../attestation/build-record.ts";
import { imageRecording } from "../attestation/build-type.ts";
import { claimsOf, type SignerIdentity, signerName } from "../attestation/identity.ts";
import { type Provenance, ProvenanceError, parseProvenance } from "../attestation/provenance.ts";
import { isSbomType } from "../attestation/sbom.ts";
import type { Statement } from "../attestation/statement.ts";
import { type FoundStatement, isAbout } from "./evidence.ts";
import type { Refusal } from "./finding.ts";
import { type Acceptance, accepts } from "./identity.ts";
import { judgedName } from "./mirror.ts";
import { type OwnBuild, ownBuildFailure } from "./own-build.ts";
import type { Policy } from "./policy.ts";
import { requestFailure } from "./request.ts";
import type { ImageNode } from "./resolve.ts";
import { revokedIdentity } from "./revocation.ts";
import { runTie, sourceTie, type Tie } from "./ties.ts";

/** What cosign signs when it is asked for a signature and no more: it says "I publish this". */
const SIGN_PREDICATE = "https://sigstore.dev/cosign/sign/v1";
const PROVENANCE_PREDICATES: readonly string[] = ["https://slsa.dev/provenance/v0.2", "https://slsa.dev/provenance/v1"];

/** A statement about a node whose signer policy accepts. */
export interface AcceptedStatement {
  readonly kind: "statement";
  readonly found: FoundStatement;
  readonly identity: SignerIdentity;
  readonly acceptance: Acceptance & { readonly kind: "accepted" };
  /** Whether it is about the index rather than the platform's manifest. */
  readonly coversIndex: boolean;
}

/** Provenance that counts: signed itself, or inside something signed (RULES R11). */
export interface AcceptedProvenance {
  readonly kind: "provenance";
  readonly by: AcceptedStatement;
  /** Where the provenance stands, if not in the signed statement itself. */
  readonly containedIn: string | undefined;
  readonly provenance: Provenance;
  /** What went in; undefined if this build type doesn't record images. */
  readonly record: BuildRecord | undefined;
  /** Whether the build's git source is the certificate's (RULES R10). */
  readonly source: Tie;
}

/** A refusal, told apart from what is accepted. */
export type Refused = Refusal & { readonly kind: "refusal" };

/** Whether a statement of this type says anything about how the image came to be. */
export function isAboutBuilding(predicateType: string): boolean {
  return predicateType === SIGN_PREDICATE || PROVENANCE_PREDICATES.includes(predicateType);
}

/** Whether the predicate type is provenance. */
export function isProvenanceType(predicateType: string): boolean {
  return PROVENANCE_PREDICATES.includes(predicateType);
}

/**
 * Policy's answer to one found statement about a node: subject, kind and signer, in this order.
 *
 * @param own - The build that the node is asked for as, if whoever asks has started one.
 */
export function acceptStatement(
  policy: Policy,
  node: ImageNode,
  found: FoundStatement,
  isDefaultBranch?: boolean,
  own?: OwnBuild,
): AcceptedStatement | Refused {
  return acceptOf(
    isAboutBuilding,
    "says nothing of how the image was built",
    policy,
    node,
    found,
    isDefaultBranch,
    own,
  );
}

/**
 * The same for a statement that lists what is in the image. It is held to what provenance is held to, and no verdict rests on it: a list
 * of packages is told beside the verdict, in the name of whoever policy lets speak for the image.
 */
export function acceptSbom(
  policy: Policy,
  node: ImageNode,
  found: FoundStatement,
  isDefaultBranch?: boolean,
): AcceptedStatement | Refused {
  return acceptOf(isSbomType, "is no SBOM", policy, node, found, isDefaultBranch);
}

function acceptOf(
  isWanted: (predicateType: string) => boolean,
  otherwise: string,
  policy: Policy,
  node: ImageNode,
  found: FoundStatement,
  isDefaultBranch?: boolean,
  own?: OwnBuild,
): AcceptedStatement | Refused {
  const { verified, where } = found;
  const { statement, identity, bundle } = verified;
  const signer = signerName(identity);
  const refusal = (code: Refusal["code"], reason: string): Refused => ({
    kind: "refusal",
    code,
    reason,
    where,
    bundle,
    signer,
  });

  const coversIndex = node.indexes.some(({ bytes }) => isAbout(statement, bytes));
  if (!coversIndex && !isAbout(statement, node.manifestBytes))
    return refusal("subject-mismatch", "its subject is something else");
  if (!isWanted(statement.predicateType)) return refusal("predicate-type", `${statement.predicateType} ${otherwise}`);
  const acceptance = accepts(policy, judgedName(policy, node.image), verified, isDefaultBranch);
  if (acceptance.kind === "refused") {
    const { code, reason, policyPath } = acceptance;
    return { ...refusal(code, reason), identity, ...(policyPath !== undefined && { policyPath }) };
  }
  const foreign = own === undefined ? undefined : ownBuildFailure(own, identity, acceptance.builder);
  if (foreign !== undefined) return refusal(foreign.code, foreign.reason);
  const revoked = revokedIdentity(policy, verified);
  if (revoked !== undefined) return refusal("revoked", revoked);
  return { kind: "statement", found, identity, acceptance, coversIndex };
}

/**
 * Reads the provenance in a statement and holds it to what its signer's certificate says.
 *
 * @param signed - Whose word it is.
 * @param containedIn - Where it stands, if it isn't the signed statement itself.
 * @returns undefined if the statement is no provenance.
 */
export function acceptProvenance(
  policy: Policy,
  node: ImageNode,
  signed: AcceptedStatement,
  statement: Statement,
  containedIn?: string,
): AcceptedProvenance | Refused | undefined {
  const refusal = (code: Refusal["code"], reason: string): Refused => ({
    kind: "refusal",
    code,
    reason,
    where: containedIn ?? signed.found.where,
    bundle: signed.found.verified.bundle,
    signer: signerName(signed.identity),
  });
  let provenance: Provenance | undefined;
  let record: BuildRecord | undefined;
  try {
    provenance = parseProvenance(statement);
    if (provenance === undefined) return undefined;
    record = imageRecording(provenance);
  } catch (error) {
    if (error instanceof ProvenanceError) return refusal("malformed-provenance", error.message);
    throw error;
  }
  const by = record === undefined ? signed : throughEntryOf(record, signed);
  const expected = policy.builds.find(({ image }) => image === judgedName(policy, node.image));
  if (expected?.tags !== undefined) {
    const ref = claimsOf(by.identity).sourceRepositoryRef ?? "";
    const tag = ref.startsWith("refs/tags/") ? ref.slice("refs/tags/".length) : undefined;
    if (tag === undefined || !expected.tags.some((glob) => glob.match(tag) !== undefined)) {
      const reason = `ref (.14) is "${ref}", and ${expected.path} builds from other tags`;
      return { ...refusal("ref", reason), policyPath: `${expected.path}.tags` };
    }
  }
  if (expected !== undefined && record !== undefined) {
    const failure = requestFailure(expected, provenance, record, node.platform);
    if (failure !== undefined) return { ...refusal(failure.code, failure.reason), policyPath: expected.path };
  }
  const source = record === undefined ? "absent" : sourceTie(record, by.identity, by.acceptance);
  const { builder } = by.acceptance;
  if (builder.kind === "key" && builder.source !== undefined && record !== undefined && source !== "agrees") {
    const got = record.source === undefined ? "none" : `"${record.source.uri}"`;
    const reason = `the git source of the build is ${got}, policy wants ${builder.source}`;
    return { ...refusal("source-repository", reason), policyPath: builder.path };
  }
  return {
    kind: "provenance",
    by,
    containedIn,
    provenance,
    record,
    source,
  };
}

/** A key signs for several sources, and has an entry for each: the one that the build's record fits, else one that binds no source. */
function throughEntryOf(record: BuildRecord, signed: AcceptedStatement): AcceptedStatement {
  const { others, ...first } = signed.acceptance;
  const entries = [first, ...others];
  const fitting =
    entries.find((entry) => sourceTie(record, signed.identity, entry) === "agrees") ??
    entries.find(({ builder }) => builder.kind !== "key" || builder.source === undefined);
  return fitting === undefined || others.length === 0
    ? signed
    : { ...signed, acceptance: { kind: "accepted", ...fitting, others } };
}

/** The ties of contained provenance to its signer's run (RULES R11). */
export function tiesOf({ by, provenance, source }: AcceptedProvenance): readonly Tie[] {
  return [source, runTie(provenance, by.identity, by.acceptance)];
}
