import { isSbomType } from "../attestation/sbom.ts";
import { imageName } from "../image/reference.ts";
import type { AcceptedProvenance, AcceptedStatement } from "./accepted.ts";
import { isNameless } from "./beside.ts";
import type { FoundUnsigned } from "./evidence.ts";
import {
  type HeldPorts,
  type HeldReader,
  IN_TOTO,
  mayBeSbom,
  placeOf,
  readHeldStatement,
  signersOf,
} from "./held-statement.ts";
import { BeyondLimit, CouldNotLook } from "./ports.ts";
import { type AcceptedSboms, allSboms, readHeldSbom } from "./read-sbom.ts";
import { type EnclosingIndex, type ImageNode, readAttestationManifests } from "./resolve.ts";

/** In how many manifests beside an image lists are looked for: anyone may put one there. */
const MAX_BESIDE = 16;

/** Who signed provenance that was adopted from a manifest, by the place where the provenance stands. */
export type AdoptedPlaces = ReadonlyMap<string, AcceptedStatement>;

/** Of the provenance that counts, what stood unsigned in a manifest. */
export function adoptedPlaces(provenances: readonly AcceptedProvenance[]): AdoptedPlaces {
  return new Map(
    provenances.flatMap(({ containedIn, by }) => (containedIn === undefined ? [] : [[containedIn, by] as const])),
  );
}

/**
 * Unsigned lists in an index. Nothing in them says which run made them, so that the provenance beside them speaks for both: where it was
 * adopted from the same manifest, the same signature covers the list, and the run that it is tied to wrote the two (RULES R11).
 */
export async function sbomsInIndex(
  reader: HeldReader,
  node: ImageNode,
  enclosing: EnclosingIndex,
  adopted: AdoptedPlaces,
): Promise<AcceptedSboms> {
  if (adopted.size === 0) return allSboms([]);
  try {
    const { manifests } = await readAttestationManifests(reader.images, enclosing, node);
    const read = await Promise.all(
      manifests.flatMap(({ image, manifest: { layers } }) => {
        const by = layers.flatMap(({ digest }) => adopted.get(placeOf(digest, image.digest)) ?? [])[0];
        if (by === undefined) return [];
        return layers
          .filter((layer) => layer.mediaType === IN_TOTO && mayBeSbom(layer))
          .map(async (layer) => readHeldSbom(await readHeldStatement(reader, node, image, layer, isSbomType), by));
      }),
    );
    return allSboms(read);
  } catch (error) {
    if (!(error instanceof CouldNotLook)) throw error;
    return allSboms([], [error]);
  }
}

/**
 * Unsigned lists in manifests that refer to the node, as Docker Hardened Images have theirs. Beside adopted provenance they are its
 * signer's word. Alone they are that of whoever signed the manifest, if policy says that he builds and nothing is known of him that a list
 * could be held to: as for provenance there (RULES R11).
 */
export async function sbomsBeside(
  ports: HeldPorts,
  node: ImageNode,
  unsigned: readonly FoundUnsigned[],
  adopted: AdoptedPlaces,
): Promise<AcceptedSboms> {
  const listed = new Set(node.indexes.flatMap(({ index }) => index.manifests.map(({ digest }) => digest)));
  const beside = unsigned.filter(({ manifest }) => !listed.has(manifest.digest));
  const manifests = [...Map.groupBy(beside, ({ manifest }) => `${imageName(manifest)}@${manifest.digest}`).values()]
    .filter((held) => held.some(({ layer }) => mayBeSbom(layer)))
    .slice(0, MAX_BESIDE);
  const read = await Promise.all(manifests.map((held) => readManifest(ports, node, held, adopted)));
  return { sboms: read.flatMap(({ sboms }) => sboms), unread: read.flatMap(({ unread }) => unread) };
}

async function readManifest(
  ports: HeldPorts,
  node: ImageNode,
  held: readonly FoundUnsigned[],
  adopted: AdoptedPlaces,
): Promise<AcceptedSboms> {
  const [first] = held;
  if (first === undefined) return allSboms([]);
  const { manifest } = first;
  try {
    const by =
      held.flatMap(({ layer }) => adopted.get(placeOf(layer.digest, manifest.digest)) ?? [])[0] ??
      (await namelessSigner(ports, node, first));
    if (by === undefined) return allSboms([]);
    const lists = held.filter(({ layer }) => mayBeSbom(layer));
    return allSboms(
      await Promise.all(
        lists.map(async ({ layer }) =>
          readHeldSbom(await readHeldStatement(ports, node, manifest, layer, isSbomType), by),
        ),
      ),
    );
  } catch (error) {
    // A stranger's manifest that is too large is no reason to tell.
    if (error instanceof BeyondLimit) return allSboms([]);
    if (!(error instanceof CouldNotLook)) throw error;
    return allSboms([], [error]);
  }
}

async function namelessSigner(
  ports: HeldPorts,
  node: ImageNode,
  { manifest }: FoundUnsigned,
): Promise<AcceptedStatement | undefined> {
  const stored = await ports.images.readManifest(manifest);
  if (stored === undefined) return undefined;
  const { signers } = await signersOf(ports, node, { image: manifest, bytes: stored.bytes });
  return signers.find((by) => isNameless(by) && by.acceptance.builder.builds);
}
