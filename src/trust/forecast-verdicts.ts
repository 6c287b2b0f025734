import type { PinnedImage } from "../image/reference.ts";
import { type WalkPorts, walkParents } from "./ancestry.ts";
import { claimOf } from "./claimed-parents.ts";
import type { NamedParent } from "./forecast-parents.ts";
import type { Policy } from "./policy.ts";
import { judgeParents, type Verdict } from "./verdict.ts";

/** A parent of which it is known which image it is. */
export interface LocatedParent {
  readonly parent: NamedParent;
  readonly image: PinnedImage;
}

/**
 * What is to be said of parents, one verdict each: claims are made of them as provenance would make them, and these go the way of every
 * claim. So what the file is judged by before the build is what the image is judged by after it.
 *
 * @param children - How many images they would be the parents of.
 */
export async function verdictsOnParents(
  ports: WalkPorts,
  policy: Policy,
  located: readonly LocatedParent[],
  children: number,
  asOf: Date,
): Promise<readonly Verdict[]> {
  if (located.length === 0) return [];
  const claims = located.map(({ parent: { reference, role, platform, isPinned }, image: { digest } }) => {
    const { digest: _, ...name } = reference;
    // For which platform a frontend runs nobody knows beforehand: all of its images are judged, as they are where provenance names it.
    const where = role === "frontend" ? {} : { platform };
    const claim = { kind: "image", reference: name, digest, role, pinned: isPinned, ...where } as const;
    // The steps of a build tell the base from the inputs; builds of this program record them.
    return claimOf(policy, platform, claim, { kind: "image" });
  });
  const { ancestry, parents } = await walkParents(ports, policy, claims, children, asOf);
  const asked = located.map(({ image }, i) => {
    const claim = claims[i];
    const wanted = claim?.kind === "image" ? claim.wanted : "every";
    return { image, nodes: parents[i] ?? [], platform: wanted === "every" ? undefined : wanted };
  });
  return judgeParents(ancestry, policy, asked, asOf);
}
