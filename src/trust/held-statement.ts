import { isSbomType } from "../attestation/sbom.ts";
import type { Statement } from "../attestation/statement.ts";
import type { Descriptor } from "../image/descriptor.ts";
import type { Digest } from "../image/digest.ts";
import { parseManifest } from "../image/manifest.ts";
import { type PinnedImage, pin } from "../image/reference.ts";
import { type AcceptedStatement, isProvenanceType, type Refused } from "./accepted.ts";
import { type Evidence, type FoundStatement, isAbout, parseContainedStatement } from "./evidence.ts";
import type { Refusal } from "./finding.ts";
import { BeyondLimit, type CouldNotLook, type ImageReader } from "./ports.ts";
import { type ImageNode, readConfig } from "./resolve.ts";

/** The largest statement in a manifest, in bytes (DESIGN §7). */
const MAX_STATEMENT_BYTES = 64 * 1024 * 1024;
/** How many statements of one manifest are asked for ahead: builders write one of provenance. */
const MAX_ASKED_AHEAD = 2;
/** The media type of the statements in BuildKit's attestation manifests. */
export const IN_TOTO = "application/vnd.in-toto+json";

/**
 * Asks for what an attestation manifest holds before anyone knows that it will be judged: the reader keeps it. Whatever is wrong with it
 * is found again, and told, when it is.
 */
export async function askAhead(reader: ImageReader, image: PinnedImage, { mediaType }: Descriptor): Promise<void> {
  const stored = await reader.readManifest(image);
  if (stored === undefined) return;
  const manifest = parseManifest(stored.bytes, { contentType: stored.contentType, mediaType });
  if (manifest.kind === "index") return;
  const statements = manifest.layers.filter((layer) => layer.mediaType === IN_TOTO && mayBeProvenance(layer));
  await Promise.all([
    readConfig(reader, image, manifest),
    ...statements.slice(0, MAX_ASKED_AHEAD).map(({ digest }) => reader.readBlob(image, digest, MAX_STATEMENT_BYTES)),
  ]);
}

/** Where statements in manifests are read. */
export interface HeldReader {
  readonly images: ImageReader;
  /** Whether a statement may be kept beside what the walk keeps already: whoever signs anything can sign as many as he likes. */
  readonly keeps: (statement: Statement) => boolean;
}

/** What unsigned statements need of the world to become somebody's word. */
export interface HeldPorts extends HeldReader {
  /** What refers to the manifest that holds them (docker/github-builder and Docker Hardened Images sign there). */
  readonly evidenceOf: (image: PinnedImage) => Promise<Evidence>;
  readonly accept: (node: ImageNode, found: FoundStatement) => Promise<AcceptedStatement | Refused>;
}

/** An unsigned statement in a manifest, about the node, and where it stands. */
export interface HeldStatement {
  readonly where: string;
  readonly statement: Statement;
}

/** The annotation is a hint that saves downloads; what is downloaded says itself what it is. */
export function mayBeProvenance({ annotations }: Pick<Descriptor, "annotations">): boolean {
  const hint = annotations["in-toto.io/predicate-type"];
  return hint === undefined || isProvenanceType(hint);
}

/** The same for a list of packages. */
export function mayBeSbom({ annotations }: Pick<Descriptor, "annotations">): boolean {
  const hint = annotations["in-toto.io/predicate-type"];
  return hint === undefined || isSbomType(hint);
}

/** What a statement in a manifest is called in reports; no two have one name. */
export function placeOf(statement: Digest, manifest: Digest): string {
  return `statement ${statement} in attestation manifest ${manifest}`;
}

/**
 * Reads a statement that a manifest holds.
 *
 * @param isWanted - By its predicate type.
 * @returns undefined if it is about something else, or of another type.
 * @throws {CouldNotLook}
 */
export async function readHeldStatement(
  { images, keeps }: HeldReader,
  node: ImageNode,
  manifest: PinnedImage,
  { digest, size }: Pick<Descriptor, "digest" | "size">,
  isWanted: (predicateType: string) => boolean = isProvenanceType,
): Promise<HeldStatement | Refusal | undefined> {
  const where = placeOf(digest, manifest.digest);
  try {
    const bytes = await images.readBlob(manifest, digest, MAX_STATEMENT_BYTES);
    if (bytes === undefined)
      return { code: "malformed-statement", reason: "the repository can be read and doesn't hold it", where };
    const statement = bytes.length === size ? parseContainedStatement(bytes) : undefined;
    if (statement === undefined) {
      const reason = "not an in-toto statement of the size told that can be read in one way only";
      return { code: "malformed-statement", reason, where };
    }
    const isOurs = isWanted(statement.predicateType) && isAbout(statement, node.manifestBytes);
    if (isOurs && !keeps(statement))
      return { code: "too-large", reason: "with it, this ancestry's statements are more than is kept", where };
    return isOurs ? { where, statement } : undefined;
  } catch (error) {
    if (!(error instanceof BeyondLimit)) throw error;
    return { code: "too-large", reason: error.message, where };
  }
}

/** Who signed a manifest. */
export interface SignersOfManifest {
  readonly signers: readonly AcceptedStatement[];
  readonly refusals: readonly Refusal[];
  readonly failures: readonly CouldNotLook[];
  /** Candidates beyond the limit. */
  readonly omitted: number;
}

/**
 * The signers that policy accepts for the node, of signatures over a manifest that holds statements. The manifest stands in for the
 * node: subject and signer are judged as ever, about its bytes, under the node's name; it may be kept in another place.
 */
export async function signersOf(
  ports: HeldPorts,
  node: ImageNode,
  { image, bytes }: { readonly image: PinnedImage; readonly bytes: Uint8Array },
): Promise<SignersOfManifest> {
  const { statements, refusals, failures, omitted } = await ports.evidenceOf(image);
  const standIn: ImageNode = { ...node, image: pin(node.image, image.digest), manifestBytes: bytes, indexes: [] };
  const judged = await Promise.all(statements.map((found) => ports.accept(standIn, found)));
  return {
    signers: judged.filter((each) => each.kind === "statement"),
    refusals: [...refusals, ...judged.filter((each) => each.kind === "refusal")],
    failures,
    omitted,
  };
}
