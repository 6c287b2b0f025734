import { claimsOf } from "../attestation/identity.ts";
import { imageName } from "../image/reference.ts";
import { type AcceptedProvenance, type AcceptedStatement, acceptProvenance, type Refused, tiesOf } from "./accepted.ts";
import type { ContainedEvidence } from "./contained.ts";
import type { FoundUnsigned } from "./evidence.ts";
import type { Refusal } from "./finding.ts";
import { type HeldPorts, type HeldStatement, mayBeProvenance, readHeldStatement, signersOf } from "./held-statement.ts";
import type { Policy } from "./policy.ts";
import { BeyondLimit, CouldNotLook } from "./ports.ts";
import type { ImageNode } from "./resolve.ts";
import { isTied } from "./ties.ts";

const NOTHING: ContainedEvidence = {
  provenances: [],
  signers: [],
  refusals: [],
  refusedProvenance: [],
  failures: [],
  omitted: 0,
  notAdopted: undefined,
  isUncovered: false,
};

/**
 * Provenance beside a node, in manifests that refer to it: as Docker Hardened Images have theirs. Nobody signed the statement, and
 * somebody may have signed the manifest that holds it. Then it is that signer's word, if policy says that the signer builds: to sign a
 * manifest is not to have made what is in it (`cosign sign --recursive` signs every one).
 *
 * Anyone may put such a manifest there: each is judged for itself, and one that nobody accepted has signed changes nothing
 * (RULES R15, R17). Those that an index around the node lists are judged with the index (RULES R11).
 */
export async function readBeside(
  ports: HeldPorts,
  policy: Policy,
  node: ImageNode,
  unsigned: readonly FoundUnsigned[],
): Promise<ContainedEvidence> {
  const listed = new Set(node.indexes.flatMap(({ index }) => index.manifests.map(({ digest }) => digest)));
  const beside = unsigned.filter(({ manifest }) => !listed.has(manifest.digest));
  const others = beside.filter(({ layer }) => !mayBeProvenance(layer));
  const manifests = Map.groupBy(
    beside.filter(({ layer }) => mayBeProvenance(layer)),
    ({ manifest }) => `${imageName(manifest)}@${manifest.digest}`,
  );
  const read = await Promise.all([...manifests.values()].map((held) => readManifest(ports, policy, node, held)));
  return joinContained([{ ...NOTHING, refusals: refusalsOf(others) }, ...read]);
}

/** All that several places gave together. */
export function joinContained(parts: readonly ContainedEvidence[]): ContainedEvidence {
  return {
    provenances: parts.flatMap(({ provenances }) => provenances),
    signers: parts.flatMap(({ signers }) => signers),
    refusals: parts.flatMap(({ refusals }) => refusals),
    refusedProvenance: parts.flatMap(({ refusedProvenance }) => refusedProvenance),
    failures: parts.flatMap(({ failures }) => failures),
    omitted: parts.reduce((sum, { omitted }) => sum + omitted, 0),
    notAdopted: parts.map(({ notAdopted }) => notAdopted).find((reason) => reason !== undefined),
    isUncovered: parts.some(({ isUncovered }) => isUncovered),
  };
}

async function readManifest(
  ports: HeldPorts,
  policy: Policy,
  node: ImageNode,
  held: readonly FoundUnsigned[],
): Promise<ContainedEvidence> {
  const [first] = held;
  if (first === undefined) return NOTHING;
  const { manifest: image } = first;
  try {
    const stored = await ports.images.readManifest(image);
    if (stored === undefined) return { ...NOTHING, refusals: refusalsOf(held) };
    const { signers, refusals, failures, omitted } = await signersOf(ports, node, { image, bytes: stored.bytes });
    const over = { ...NOTHING, refusals, failures, omitted };
    // Only what an accepted signer covers is worth reading: it may be large, and anyone may have put it there.
    if (signers.length === 0) return { ...over, refusals: refusals.length > 0 ? refusals : refusalsOf(held) };
    const read = await Promise.all(held.map(({ layer }) => readHeldStatement(ports, node, image, layer)));
    const broken = read.filter((each) => each !== undefined && "code" in each);
    const statements = read.filter((each) => each !== undefined && "statement" in each);
    if (statements.length === 0) {
      const reason = "the statement that was signed is no provenance of this image";
      const foreign: Refusal[] = broken.length > 0 ? [] : [{ code: "subject-mismatch", reason, where: first.where }];
      return { ...over, refusals: [...refusals, ...broken, ...foreign] };
    }
    const adopted = signers.map((by) => adopt(policy, node, by, statements, broken.length === 0));
    return joinContained([{ ...over, signers, refusals: [...refusals, ...broken] }, ...adopted]);
  } catch (error) {
    if (error instanceof BeyondLimit)
      return { ...NOTHING, refusals: [{ code: "too-large", reason: error.message, where: first.where }] };
    if (!(error instanceof CouldNotLook)) throw error;
    return { ...NOTHING, failures: [error] };
  }
}

/** What one signer of a manifest says by it about the node. */
function adopt(
  policy: Policy,
  node: ImageNode,
  by: AcceptedStatement,
  statements: readonly HeldStatement[],
  isWhole: boolean,
): ContainedEvidence {
  const read = statements.map(({ statement, where }) => acceptProvenance(policy, node, by, statement, where));
  const refusedProvenance: readonly Refused[] = read.filter((each) => each?.kind === "refusal");
  const good = read.filter((each) => each?.kind === "provenance");
  const why = whyNotAdopted(by, good, isWhole && good.length === read.length);
  if (why === undefined) return { ...NOTHING, provenances: good };
  const isTold = good.some(({ record }) => record !== undefined);
  return { ...NOTHING, refusedProvenance, notAdopted: isTold ? why : undefined };
}

function whyNotAdopted(
  by: AcceptedStatement,
  good: readonly AcceptedProvenance[],
  isWhole: boolean,
): string | undefined {
  const { builder } = by.acceptance;
  if (!builder.builds) {
    return `${builder.path} doesn't say that this signer builds (builds: true), so provenance in a manifest that it signed isn't its word`;
  }
  if (!isWhole) return "not all provenance in the signed manifest can be accepted";
  if (good.every((each) => isBound(by, each))) return undefined;
  return "provenance in the signed manifest isn't tied to the run that signed: neither its builder.id nor its git source agrees, or one contradicts";
}

/**
 * A signer whose run or source is known is held to it, as for what is inside an index (RULES R11). A key, or a certificate that names
 * neither, has nothing to be held to: that it signed this manifest, which holds this statement and no image, is all that can be asked.
 */
function isBound(by: AcceptedStatement, provenance: AcceptedProvenance): boolean {
  const ties = tiesOf(provenance);
  return isNameless(by) ? !ties.includes("differs") : isTied(ties);
}

/** Whether nothing is known of the signer's run and source that a statement could be held to. */
export function isNameless({ identity, acceptance }: AcceptedStatement): boolean {
  const { sourceRepositoryUri, runInvocationUri } = claimsOf(identity);
  return sourceRepositoryUri === undefined && runInvocationUri === undefined && acceptance.builder.kind !== "github";
}

/** Why what nobody signed doesn't count. What is always unsigned is as good as not there: an image with nothing else is unattested. */
function refusalsOf(unsigned: readonly FoundUnsigned[]): readonly Refusal[] {
  const reason = "it is an unsigned statement, and nobody signed the manifest";
  return unsigned
    .filter(({ isRoutine }) => !isRoutine)
    .map(({ where }) => ({ code: "malformed-attestation", reason, where }));
}
