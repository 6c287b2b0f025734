import { imageName } from "../image/reference.ts";
import type { Ancestry, AncestryNode } from "./ancestry.ts";
import { chainOf, firstSigned, originOf } from "./known-images.ts";
import type { KnownImage } from "./ports.ts";
import { isUnder } from "./seam.ts";

/** The content of a layer in which nothing is: every builder makes the same one, and it tells nobody's image. */
const EMPTY_LAYER = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";

/** An image that lies under another one whose provenance doesn't name it. */
export interface Undeclared {
  /** `hint` where something is missing of what makes it sure. */
  readonly kind: "fault" | "hint";
  readonly known: KnownImage;
  readonly reason: string;
}

/**
 * Whether an image rests on a known one that nobody declared (RULES R22): then what it rests on isn't what was judged.
 *
 * It is a fault only where the known image was there before the child was built, lies further up than every declared parent, and is
 * another source's. Images of one source share layers by right: each release is built on the cached layers of the one before, and
 * one stage of a Dockerfile on another; whoever signs both could have made either.
 */
export function undeclaredBase(ancestry: Ancestry, child: AncestryNode): Undeclared | undefined {
  const { node: image, examination, links } = child;
  if (image === undefined || examination === undefined) return undefined;
  const declared = links.flatMap(({ to }) => ancestry.nodes.get(to) ?? []);
  const looked = declared.flatMap(({ node }) => node ?? []);
  const named = new Set([
    ...[image, ...looked].flatMap((each) => [each.image.digest, ...each.indexes.map((index) => index.image.digest)]),
    ...declared.flatMap((parent) => parent.image?.digest ?? []),
  ]);
  const reach = Math.max(0, ...looked.map((node) => (isUnder(image, node) ? node.config.diffIds.length : 0)));
  const isUnseen = declared.some((parent) => parent.node === undefined && parent.image !== undefined);
  const own = new Set(examination.accepted.map(({ identity }) => originOf(identity)));
  const signed = firstSigned(examination.accepted);
  const begun = beginOf(child);

  let hint: Undeclared | undefined;
  const chain = chainOf(image);
  const firstContent = image.config.diffIds.findIndex((diffId) => diffId !== EMPTY_LAYER);
  if (firstContent < 0) return undefined;
  for (let length = chain.length; length > Math.max(reach, firstContent); length--) {
    const chainId = chain[length - 1];
    for (const known of (chainId && ancestry.known.byChain.get(chainId)) ?? []) {
      if (named.has(known.digest) || (known.index !== undefined && named.has(known.index))) continue;
      // Older and newer images of one name are not each other's base, and what came later is no base at all.
      if (known.name === imageName(image.image)) continue;
      if (known.signedAt !== undefined && signed !== undefined && known.signedAt >= signed) continue;
      const doubt = isUnseen
        ? "a parent that wasn't looked at may be the same"
        : known.origins.length === 0 || known.origins.some((origin) => own.has(origin))
          ? "one source makes both, or it isn't known whose that is"
          : known.signedAt === undefined || begun === undefined || known.signedAt >= begun
            ? "it isn't proven that it was there before this was built"
            : undefined;
      const words = `its lowest ${length} layers are those of ${known.name}@${known.digest}, which its provenance doesn't name`;
      if (doubt === undefined) return { kind: "fault", known, reason: words };
      hint ??= { kind: "hint", known, reason: `${words} (no fault: ${doubt})` };
    }
  }
  return hint;
}

/** When the build began, by its own word, the earliest of several. Without it nothing is sure: signatures come after the build. */
function beginOf({ examination }: AncestryNode): Date | undefined {
  const begun = (examination?.provenances ?? [])
    .map(({ provenance }) => Date.parse(provenance.startedOn ?? ""))
    .filter((time) => !Number.isNaN(time));
  return begun.length === 0 ? undefined : new Date(Math.min(...begun));
}
