import { type SignerIdentity, signerName } from "../attestation/identity.ts";
import { chainIdsOf } from "../image/chain-id.ts";
import type { Digest } from "../image/digest.ts";
import { imageName } from "../image/reference.ts";
import type { AcceptedStatement } from "./accepted.ts";
import type { Ancestry, AncestryNode } from "./ancestry.ts";
import type { Policy } from "./policy.ts";
import type { KnownImage, KnownImages } from "./ports.ts";

/** Of how many layers the chain is followed: runtimes stack fewer, and a config can tell of any number. */
const MAX_LAYERS = 256;

/** The images with which layers were compared, to find a base that nobody declared (RULES R22). */
export interface KnownSet {
  /** Which they are, for people. */
  readonly description: string;
  /** By the chain id of all their layers. */
  readonly byChain: ReadonlyMap<Digest, readonly KnownImage[]>;
}

/** The chain ids of an image's layers, the lowest first. */
export function chainOf({ config }: NonNullable<AncestryNode["node"]>): readonly Digest[] {
  return chainIdsOf(config.diffIds.slice(0, MAX_LAYERS));
}

/** Whose word something is: the source repository by number where there is one, so that a renamed one stays itself. */
export function originOf(identity: SignerIdentity): string {
  if (identity.kind === "key") return identity.fingerprint;
  const { sourceRepositoryIdentifier, sourceRepositoryUri } = identity.extensions;
  return `${identity.issuer} ${sourceRepositoryIdentifier ?? sourceRepositoryUri ?? signerName(identity)}`;
}

/** The earliest proven time at which one of them was signed; undefined if none is proven. */
export function firstSigned(statements: readonly AcceptedStatement[]): Date | undefined {
  const times = statements.flatMap(({ found }) => found.verified.times.map((time) => time.getTime()));
  return times.length === 0 ? undefined : new Date(Math.min(...times));
}

/** What an image of an ancestry is to others, if policy accepts it. */
export function knownImageOf({ node, finding, examination }: AncestryNode): KnownImage | undefined {
  if (node === undefined || (finding.kind !== "attested" && finding.kind !== "root")) return undefined;
  const layers = node.config.diffIds.length;
  const chainId = layers > MAX_LAYERS ? undefined : chainOf(node).at(-1);
  if (chainId === undefined) return undefined;
  const accepted = finding.kind === "attested" ? (examination?.accepted ?? []) : [];
  const index = node.indexes.at(-1)?.image.digest;
  const signedAt = firstSigned(accepted);
  return {
    name: imageName(node.image),
    digest: node.image.digest,
    ...(index && { index }),
    chainId,
    layers,
    origins: [...new Set(accepted.map(({ identity }) => originOf(identity)))].sort(),
    ...(signedAt && { signedAt }),
  };
}

/** The images of one walk know of each other. */
export function knownTogether(nodes: ReadonlyMap<string, AncestryNode>): KnownSet {
  return setOf(
    [...nodes.values()].flatMap((node) => knownImageOf(node) ?? []),
    "the images of this ancestry",
  );
}

/** Asks who remembers more: for all attested images at once, by every chain id that a base of theirs can have. */
export async function knownBeside(remembered: KnownImages, ancestry: Ancestry, policy: Policy): Promise<KnownSet> {
  const chains = new Set<Digest>();
  for (const { node, finding } of ancestry.nodes.values()) {
    if (node !== undefined && finding.kind === "attested") for (const chain of chainOf(node)) chains.add(chain);
  }
  const found = chains.size === 0 ? [] : await remembered.findByChain(policy.digest, [...chains]);
  const { description, byChain } = ancestry.known;
  return setOf([...[...byChain.values()].flat(), ...found], `${description}, and ${remembered.description}`);
}

function setOf(images: readonly KnownImage[], description: string): KnownSet {
  return { description, byChain: Map.groupBy(images, ({ chainId }) => chainId) };
}
