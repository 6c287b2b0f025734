import type { Statement } from "../attestation/statement.ts";
import type { Descriptor } from "../image/descriptor.ts";
import type { PinnedImage } from "../image/reference.ts";
import {
  type AcceptedProvenance,
  type AcceptedStatement,
  acceptProvenance,
  isProvenanceType,
  type Refused,
  tiesOf,
} from "./accepted.ts";
import { type Evidence, type FoundStatement, isAbout, parseContainedStatement } from "./evidence.ts";
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
  /** Accepted statements about attestation manifests: their signers stand for what is inside. */
  readonly signers: readonly AcceptedStatement[];
  readonly refusals: readonly Refusal[];
  /** Provenance of accepted signers that doesn't count for what it says. */
  readonly refusedProvenance: readonly Refused[];
  readonly failures: readonly CouldNotLook[];
  /** Candidates beyond the limit. */
  readonly omitted: number;
  /** Why provenance that records images wasn't adopted from an accepted signer, for people; undefined if none was up for it. */
  readonly notAdopted: string | undefined;
  /** Whether provenance is there that no accepted signature covers, or that couldn't be read. */
  readonly isUncovered: boolean;
}

/** What containment needs of the world. */
export interface ContainedPorts {
  readonly images: ImageReader;
  /** What refers to an attestation manifest itself (docker/github-builder signs there). */
  readonly evidenceOf: (image: PinnedImage) => Promise<Evidence>;
  readonly accept: (node: ImageNode, found: FoundStatement) => Promise<AcceptedStatement | Refused>;
}

interface Contained {
  readonly where: string;
  readonly statement: Statement;
  readonly manifest: AttestationManifest;
}

/** What one index says of a node. */
interface Inside {
  readonly statements: readonly Contained[];
  readonly refusals: readonly Refusal[];
  readonly failures: readonly CouldNotLook[];
  /** Whether everything was read that may be provenance of the node: what wasn't could contradict what was. */
  readonly whole: boolean;
}

/**
 * Provenance inside the indexes that enclose a node (RULES R11). It is unsigned, and becomes a signer's word when that signer's
 * accepted signature covers the index or the attestation manifest, policy says that the signer builds, and the provenance is tied to
 * the signer's run. Where several statements are about one platform, all that the signature covers must pass.
 *
 * @param accepted - Accepted statements about the node.
 */
export async function readContained(
  ports: ContainedPorts,
  policy: Policy,
  node: ImageNode,
  accepted: readonly AcceptedStatement[],
): Promise<ContainedEvidence> {
  const insides = await Promise.all(node.indexes.map((enclosing) => readInside(ports.images, node, enclosing)));
  const refusals = insides.flatMap((inside) => inside.refusals);
  const failures = insides.flatMap((inside) => inside.failures);
  const provenances: AcceptedProvenance[] = [];
  const refusedProvenance: Refused[] = [];
  const signers: AcceptedStatement[] = [];
  const reasons: string[] = [];
  let omitted = 0;
  let isUncovered = false;
  const adopt = (by: AcceptedStatement, covered: readonly Inside[]): boolean => {
    const read = covered
      .flatMap(({ statements }) => statements)
      .map(({ statement, where }) => acceptProvenance(policy, node, by, statement, where));
    refusedProvenance.push(...read.filter((each) => each?.kind === "refusal"));
    const good = read.filter((each) => each?.kind === "provenance");
    const why = whyNotAdopted(by, good, read.length, covered);
    if (why === undefined) provenances.push(...good);
    // Of a kind that records no images it would have told nothing more.
    else if (good.some(({ record }) => record !== undefined)) reasons.push(why);
    return why === undefined;
  };

  const open = new Set(insides.filter(({ statements, whole }) => statements.length > 0 || !whole));
  for (const by of accepted) {
    // A signature over an outer index reaches the inner ones, and every byte in them.
    const outermost = node.indexes.findIndex(({ bytes }) => isAbout(by.found.verified.statement, bytes));
    const covered = outermost < 0 ? [] : insides.slice(outermost);
    if (covered.some(({ statements }) => statements.length > 0) && adopt(by, covered))
      for (const inside of covered) open.delete(inside);
  }
  for (const inside of open) {
    const over = await signersOfManifest(ports, node, inside);
    signers.push(...over.signers);
    refusals.push(...over.refusals);
    failures.push(...over.failures);
    omitted += over.omitted;
    const adopted = over.signers.map((by) => adopt(by, [inside]));
    isUncovered ||= !adopted.includes(true);
  }
  return { provenances, signers, refusals, refusedProvenance, failures, omitted, notAdopted: reasons[0], isUncovered };
}

function whyNotAdopted(
  { acceptance: { builder } }: AcceptedStatement,
  good: readonly AcceptedProvenance[],
  all: number,
  covered: readonly Inside[],
): string | undefined {
  if (!builder.builds) {
    return `${builder.path} doesn't say that this signer builds (builds: true), so provenance inside the index isn't its word`;
  }
  if (covered.some(({ whole }) => !whole)) return "not all that may be provenance inside the index can be read";
  if (good.length < all) return "not all provenance for this platform inside the index can be accepted";
  if (good.every((each) => isTied(tiesOf(each)))) return undefined;
  return "provenance inside the index isn't tied to the run that signed: neither its builder.id nor its git source agrees, or one contradicts";
}

async function readInside(reader: ImageReader, node: ImageNode, enclosing: EnclosingIndex): Promise<Inside> {
  try {
    const { manifests, unread } = await readAttestationManifests(reader, enclosing, node);
    const layers = manifests.flatMap((manifest) => manifest.manifest.layers.map((layer) => ({ manifest, layer })));
    const read = await Promise.all(
      layers.filter(({ layer }) => mayBeProvenance(layer)).map((each) => readStatement(reader, node, each)),
    );
    const refusals = [
      ...unread.map(({ descriptor, reason }): Refusal => {
        return { code: "malformed-attestation", reason, where: `attestation manifest ${descriptor.digest}` };
      }),
      ...read.filter((each) => each !== undefined && "code" in each),
    ];
    const statements = read.filter((each) => each !== undefined && "statement" in each);
    return { statements, refusals, failures: [], whole: refusals.length === 0 };
  } catch (error) {
    if (!(error instanceof CouldNotLook)) throw error;
    return { statements: [], refusals: [], failures: [error], whole: false };
  }
}

/** The annotation is a hint that saves downloads; what is downloaded says itself what it is. */
function mayBeProvenance({ mediaType, annotations }: Descriptor): boolean {
  const hint = annotations["in-toto.io/predicate-type"];
  return mediaType === "application/vnd.in-toto+json" && (hint === undefined || isProvenanceType(hint));
}

/** @returns undefined if it is about something else, or no provenance. */
async function readStatement(
  reader: ImageReader,
  node: ImageNode,
  { manifest, layer }: { readonly manifest: AttestationManifest; readonly layer: Descriptor },
): Promise<Contained | Refusal | undefined> {
  const where = `statement ${layer.digest} in attestation manifest ${manifest.image.digest}`;
  try {
    const bytes = await reader.readBlob(manifest.image, layer.digest, MAX_STATEMENT_BYTES);
    if (bytes === undefined)
      return { code: "malformed-statement", reason: "the repository can be read and doesn't hold it", where };
    const statement = bytes.length === layer.size ? parseContainedStatement(bytes) : undefined;
    if (statement === undefined) {
      const reason = "not an in-toto statement of the size told that can be read in one way only";
      return { code: "malformed-statement", reason, where };
    }
    const isOurs = isProvenanceType(statement.predicateType) && isAbout(statement, node.manifestBytes);
    return isOurs ? { where, statement, manifest } : undefined;
  } catch (error) {
    if (!(error instanceof BeyondLimit)) throw error;
    return { code: "too-large", reason: error.message, where };
  }
}

interface OverManifest {
  readonly signers: readonly AcceptedStatement[];
  readonly refusals: readonly Refusal[];
  readonly failures: readonly CouldNotLook[];
  readonly omitted: number;
}

/** Signatures over the attestation manifest itself: what is in it is the signer's word, the rest of the index isn't. */
async function signersOfManifest(ports: ContainedPorts, node: ImageNode, inside: Inside): Promise<OverManifest> {
  const manifests = inside.statements.map(({ manifest }) => manifest);
  const [manifest, ...others] = new Map(manifests.map((each) => [each.image.digest, each])).values();
  // Every statement about the platform must be covered by the signature that adopts it: one manifest must hold them all.
  if (manifest === undefined || others.length > 0) return { signers: [], refusals: [], failures: [], omitted: 0 };
  const { statements, refusals, failures, omitted } = await ports.evidenceOf(manifest.image);
  // The attestation manifest stands in for the node: subject and signer are judged as ever, about its bytes.
  const { image, manifest: document, bytes } = manifest;
  const standIn: ImageNode = { ...node, image, manifest: document, manifestBytes: bytes, indexes: [] };
  const judged = await Promise.all(statements.map((found) => ports.accept(standIn, found)));
  return {
    signers: judged.filter((each) => each.kind === "statement"),
    refusals: [...refusals, ...judged.filter((each) => each.kind === "refusal")],
    failures,
    omitted,
  };
}
