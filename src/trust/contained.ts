import type { Statement } from "../attestation/statement.ts";
import type { PinnedImage } from "../image/reference.ts";
import {
  type AcceptedProvenance,
  type AcceptedStatement,
  acceptProvenance,
  acceptStatement,
  isProvenanceType,
  tiesOf,
} from "./accepted.ts";
import { type Evidence, isAbout, parseContainedStatement } from "./evidence.ts";
import type { Refusal } from "./finding.ts";
import type { Policy } from "./policy.ts";
import { BeyondLimit, CouldNotLook, type ImageReader } from "./ports.ts";
import { type AttestationManifest, type EnclosingIndex, type ImageNode, readAttestationManifests } from "./resolve.ts";
import { isTied } from "./ties.ts";

/** The largest statement inside an index, in bytes (DESIGN §7). */
const MAX_STATEMENT_BYTES = 64 * 1024 * 1024;

/** What an index's own attestation manifests gave. */
export interface ContainedEvidence {
  readonly provenances: readonly AcceptedProvenance[];
  readonly refusals: readonly Refusal[];
  readonly failures: readonly CouldNotLook[];
  /** Why provenance that is there wasn't adopted, for people; undefined if none is there. */
  readonly notAdopted: string | undefined;
}

interface Contained {
  readonly where: string;
  readonly statement: Statement;
  readonly manifest: AttestationManifest;
}

/**
 * Provenance inside the indexes that enclose a node (RULES R11). It is unsigned, and becomes a signer's word when that signer's
 * accepted signature covers the index or the attestation manifest, policy says that the signer builds, and the provenance is tied to
 * the signer's run. Where several statements are about one platform, all must pass.
 *
 * @param accepted - Accepted statements about the node.
 * @param evidenceOf - What refers to an attestation manifest itself (docker/github-builder signs there).
 */
export async function readContained(
  reader: ImageReader,
  policy: Policy,
  node: ImageNode,
  accepted: readonly AcceptedStatement[],
  evidenceOf: (image: PinnedImage) => Promise<Evidence>,
): Promise<ContainedEvidence> {
  const failures: CouldNotLook[] = [];
  const refusals: Refusal[] = [];
  const provenances: AcceptedProvenance[] = [];
  let notAdopted: string | undefined;
  for (const enclosing of node.indexes) {
    const contained = await readStatements(reader, node, enclosing, refusals, failures);
    if (contained.length === 0) continue;
    const overIndex = accepted.filter(
      ({ found, coversIndex }) => coversIndex && isAbout(found.verified.statement, enclosing.bytes),
    );
    const adopt = (signers: readonly AcceptedStatement[]): boolean => {
      const adopted = signers.map((by) => {
        const read = contained.map(({ statement, where }) => acceptProvenance(policy, node, by, statement, where));
        refusals.push(...read.filter((each) => each?.kind === "refusal"));
        const good = read.filter((each) => each?.kind === "provenance");
        const why = whyNotAdopted(by, good, contained.length);
        if (why === undefined) provenances.push(...good);
        else notAdopted = why;
        return why === undefined;
      });
      return adopted.includes(true);
    };
    if (adopt(overIndex)) continue;
    const overManifest = await signersOfManifest(policy, node, contained, evidenceOf, refusals, failures);
    if (!adopt(overManifest))
      notAdopted ??= "provenance inside the index is unsigned, and no accepted signature covers it";
  }
  return { provenances, refusals, failures, notAdopted };
}

function whyNotAdopted(
  { acceptance: { builder } }: AcceptedStatement,
  good: readonly AcceptedProvenance[],
  all: number,
): string | undefined {
  if (!builder.builds) {
    return `${builder.path} doesn't say that this signer builds (builds: true), so provenance inside the index isn't its word`;
  }
  if (good.length < all) return "not all provenance for this platform inside the index can be accepted";
  if (good.every((each) => isTied(tiesOf(each)))) return undefined;
  return "provenance inside the index isn't tied to the run that signed: neither its builder.id nor its git source agrees, or one contradicts";
}

async function readStatements(
  reader: ImageReader,
  node: ImageNode,
  enclosing: EnclosingIndex,
  refusals: Refusal[],
  failures: CouldNotLook[],
): Promise<readonly Contained[]> {
  const found: Contained[] = [];
  try {
    for (const manifest of await readAttestationManifests(reader, enclosing)) {
      for (const layer of manifest.manifest.layers) {
        const hint = layer.annotations["in-toto.io/predicate-type"];
        if (layer.mediaType !== "application/vnd.in-toto+json" || (hint !== undefined && !isProvenanceType(hint)))
          continue;
        const where = `statement ${layer.digest} in attestation manifest ${manifest.image.digest}`;
        const statement = await readStatement(reader, manifest.image, layer.digest, where, refusals);
        if (
          statement === undefined ||
          !isProvenanceType(statement.predicateType) ||
          !isAbout(statement, node.manifestBytes)
        )
          continue;
        found.push({ where, statement, manifest });
      }
    }
  } catch (error) {
    if (!(error instanceof CouldNotLook)) throw error;
    failures.push(error);
  }
  return found;
}

async function readStatement(
  reader: ImageReader,
  image: PinnedImage,
  digest: AttestationManifest["image"]["digest"],
  where: string,
  refusals: Refusal[],
): Promise<Statement | undefined> {
  try {
    const bytes = await reader.readBlob(image, digest, MAX_STATEMENT_BYTES);
    const statement = bytes === undefined ? undefined : parseContainedStatement(bytes);
    if (statement === undefined) {
      const reason =
        bytes === undefined
          ? "the repository can be read and doesn't hold it"
          : "not an in-toto statement that can be read in one way only";
      refusals.push({ code: "malformed-statement", reason, where });
    }
    return statement;
  } catch (error) {
    if (!(error instanceof BeyondLimit)) throw error;
    refusals.push({ code: "too-large", reason: error.message, where });
    return undefined;
  }
}

/** Signatures over the attestation manifest itself: what is in it is the signer's word, the rest of the index isn't. */
async function signersOfManifest(
  policy: Policy,
  node: ImageNode,
  contained: readonly Contained[],
  evidenceOf: (image: PinnedImage) => Promise<Evidence>,
  refusals: Refusal[],
  failures: CouldNotLook[],
): Promise<readonly AcceptedStatement[]> {
  const [manifest, ...others] = new Map(contained.map((each) => [each.manifest.image.digest, each.manifest])).values();
  // Every statement about the platform must be covered by the signature that adopts it: one manifest must hold them all.
  if (manifest === undefined || others.length > 0) return [];
  const evidence = await evidenceOf(manifest.image);
  failures.push(...evidence.failures);
  refusals.push(...evidence.refusals);
  // The attestation manifest stands in for the node: subject and signer are judged as ever, about its bytes.
  const { image, manifest: document, bytes } = manifest;
  const standIn: ImageNode = { ...node, image, manifest: document, manifestBytes: bytes, indexes: [] };
  const judged = evidence.statements.map((found) => acceptStatement(policy, standIn, found));
  refusals.push(...judged.filter((each) => each.kind === "refusal"));
  return judged.filter((each) => each.kind === "statement");
}
