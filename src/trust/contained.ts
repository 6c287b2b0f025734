import { type AcceptedProvenance, type AcceptedStatement, acceptProvenance, type Refused, tiesOf } from "./accepted.ts";
import { isAbout } from "./evidence.ts";
import type { Refusal } from "./finding.ts";
import {
  type HeldPorts,
  type HeldReader,
  type HeldStatement,
  IN_TOTO,
  mayBeProvenance,
  readHeldStatement,
  type SignersOfManifest,
  signersOf,
} from "./held-statement.ts";
import type { Policy } from "./policy.ts";
import { CouldNotLook } from "./ports.ts";
import { type AttestationManifest, type EnclosingIndex, type ImageNode, readAttestationManifests } from "./resolve.ts";
import { isTied } from "./ties.ts";

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

interface Contained extends HeldStatement {
  readonly manifest: AttestationManifest;
}

/** What one index says of a node. */
export interface Inside {
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
 * @param insides - What {@link readInsides} found there.
 * @param accepted - Accepted statements about the node.
 */
export async function judgeContained(
  ports: HeldPorts,
  policy: Policy,
  node: ImageNode,
  insides: readonly Inside[],
  accepted: readonly AcceptedStatement[],
): Promise<ContainedEvidence> {
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
    const over = await signersInside(ports, node, inside);
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

/** Reads what the indexes that enclose a node say of it: nobody's word yet, whoever signed. */
export function readInsides(reader: HeldReader, node: ImageNode): Promise<readonly Inside[]> {
  return Promise.all(node.indexes.map((enclosing) => readInside(reader, node, enclosing)));
}

async function readInside(reader: HeldReader, node: ImageNode, enclosing: EnclosingIndex): Promise<Inside> {
  try {
    const { manifests, unread } = await readAttestationManifests(reader.images, enclosing, node);
    const layers = manifests.flatMap((manifest) => manifest.manifest.layers.map((layer) => ({ manifest, layer })));
    const read = await Promise.all(
      layers
        .filter(({ layer }) => layer.mediaType === IN_TOTO && mayBeProvenance(layer))
        .map(async ({ manifest, layer }) => {
          const held = await readHeldStatement(reader, node, manifest.image, layer);
          return held !== undefined && "statement" in held ? { ...held, manifest } : held;
        }),
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

/** Signatures over the attestation manifest itself: what is in it is the signer's word, the rest of the index isn't. */
async function signersInside(ports: HeldPorts, node: ImageNode, inside: Inside): Promise<SignersOfManifest> {
  const manifests = inside.statements.map(({ manifest }) => manifest);
  const [manifest, ...others] = new Map(manifests.map((each) => [each.image.digest, each])).values();
  // Every statement about the platform must be covered by the signature that adopts it: one manifest must hold them all.
  if (manifest === undefined || others.length > 0) return { signers: [], refusals: [], failures: [], omitted: 0 };
  return signersOf(ports, node, manifest);
}
