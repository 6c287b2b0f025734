import type { ParentClaim } from "../attestation/parents.ts";
import { formatPlatform, type Platform, samePlatform } from "../image/platform.ts";
import { imageName, type PinnedImage } from "../image/reference.ts";
import type { Role } from "./ancestry.ts";
import type { Examination } from "./examine.ts";
import type { Finding } from "./finding.ts";
import type { Policy } from "./policy.ts";
import type { ImageNode, Resolution } from "./resolve.ts";
import type { BaseClaim } from "./standing.ts";

/** What stands where a parent should, before it is looked at. */
export type Claim =
  | { readonly kind: "image"; readonly role: Role; readonly image: PinnedImage; readonly wanted: Platform | "every" }
  | { readonly kind: "leaf"; readonly role: Role; readonly resolution: Leaf };

/** Something in the place of a parent, with the words that provenance has for it. */
export type Leaf = Resolution & { readonly kind: "finding"; readonly text?: string };

/** Two claims of the same key lead to the same images. */
export function keyOf({ image, wanted }: Claim & { readonly kind: "image" }): string {
  return `${imageName(image)}@${image.digest} ${wanted === "every" ? wanted : formatPlatform(wanted)}`;
}

/** The parents of an image that was looked at, and what can't be understood among them. */
export function claimsOf(
  policy: Policy,
  node: ImageNode,
  { parents, unresolved, base }: Examination,
): readonly Claim[] {
  const leaves = unresolved.map(({ uri, why }): Claim => {
    const finding: Finding = { kind: "unresolved", code: "dependency-not-understood", reason: why };
    return { kind: "leaf", role: "input", resolution: { kind: "finding", image: node.image, text: uri, finding } };
  });
  return [...parents.map((parent) => claimOf(policy, node.platform, parent, base)), ...leaves];
}

/** Policy wants the digest in the build's request, and only a name is there (RULES R19). */
export function notPinned(role: Role): Finding & { readonly kind: "unresolved" } {
  const reason = `policy wants ${role}s pinned, and the build was asked for with a name without digest`;
  return { kind: "unresolved", code: "not-pinned", reason };
}

/**
 * What is to be looked at of a parent, by what policy asks of its role (RULES R19).
 *
 * @param child - The platform that the child is built for.
 */
export function claimOf(
  policy: Policy,
  child: Platform,
  parent: Omit<ParentClaim, "recordedIn">,
  { kind: base }: Pick<BaseClaim, "kind">,
): Claim {
  const { role, reference, digest, pinned, kind } = parent;
  const image: PinnedImage = { ...reference, digest };
  const leafOf = (finding: Finding): Claim => ({ kind: "leaf", role, resolution: { kind: "finding", image, finding } });
  // With the list alone any input may be the base, and only those that are looked at can be found to be.
  const mayBeBase = role === "base" || (role === "input" && base === "longest-prefix");
  const rule = mayBeBase ? "attested" : policy.roles[role];
  if (rule === "allow") return leafOf({ kind: "allowed" });
  if (rule === "pinned") return leafOf(pinned ? { kind: "pinned" } : notPinned(role));
  // Named by digest in the policy: taken for what it is, and no more is known of it (RULES R20).
  if (kind === "oci-layout" && policy.allow.layouts.includes(digest)) return leafOf({ kind: "pinned" });
  if (kind !== "image") {
    const reason =
      kind === "blob"
        ? "a blob, which nothing can attest as an image"
        : "an image from a local store, which nobody else can look at";
    return leafOf({ kind: "unresolved", code: "local-image", reason });
  }
  // Frontends and scanners run on the builder, whose platform provenance of theirs doesn't tell: every one of theirs is judged.
  // The child's own platform says more than provenance does: Windows images of several versions differ in os.version only.
  const platform = parent.platform !== undefined && samePlatform(parent.platform, child) ? child : parent.platform;
  const wanted = platform ?? (role === "base" || role === "input" ? child : "every");
  return { kind: "image", role, image, wanted };
}
