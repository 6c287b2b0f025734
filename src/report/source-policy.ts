import { formatReference, type ImageReference, type PinnedImage } from "../image/reference.ts";
import type { Verdict } from "../trust/verdict.ts";

/** An image that builds may use: how they name it, and the bytes that they get for it. */
export interface AdmittedImage {
  readonly asked: ImageReference;
  /** With the tag that was asked for: its verdict is about that tag too (RULES R26). */
  readonly pinned: PinnedImage;
}

/** What a verdict admits to builds. */
export type Admission =
  | { readonly kind: "admitted"; readonly image: AdmittedImage }
  | { readonly kind: "refused" }
  /** Trusted on some platforms of the index, left out on others: a source policy knows no platforms, and can't admit the half of it. */
  | { readonly kind: "mixed" };

/** A source of BuildKit's that is an image, wherever it comes from: a later scheme for parts of one (`docker-image+blob`) too. */
const IMAGE_SOURCES = ["docker-image*", "oci-layout*"] as const;

/** All that a reference is written with. `*` and `$` would mean something to BuildKit, and no name has them. */
const PLAIN = /^[A-Za-z0-9./:@_[\]-]+$/;

/** A rule of BuildKit's `sourcepolicy.Policy`; the type of match is left to its default, as what is written has no wildcard in it. */
interface Rule {
  readonly action: "ALLOW" | "DENY" | "CONVERT";
  readonly selector: { readonly identifier: string };
  readonly updates?: { readonly identifier: string };
}

/**
 * What builds may use of an image with this verdict. BuildKit takes from an index the platform that it builds for: the index is admitted
 * where every platform of it was judged and counts, one platform's manifest where that is the only one, and else nothing.
 *
 * @param asked - As builds name it.
 */
export function admissionOf(asked: ImageReference, verdict: Verdict): Admission {
  const { outcome, image, platforms, nodes, onlyPlatform } = verdict;
  if (outcome !== "trusted" || image.digest === undefined) return { kind: "refused" };
  const admit = (digest: PinnedImage["digest"]): Admission => ({
    kind: "admitted",
    image: { asked, pinned: { ...asked, digest } },
  });
  if (onlyPlatform === undefined && platforms.every(({ counts }) => counts)) return admit(image.digest);
  const [only, ...more] = platforms.filter(({ counts }) => counts);
  if (more.length > 0) return { kind: "mixed" };
  const manifest = nodes.find(({ id }) => id === only?.node)?.digest;
  return manifest === undefined ? { kind: "refused" } : admit(manifest);
}

/**
 * Writes a source policy: with it BuildKit refuses every image but these, and takes these by digest, whatever their tags name by then.
 *
 * The order decides: of the rules that allow and deny, the last that matches wins; a conversion ends the round, and what it makes is
 * looked at from the first rule on. A policy without rules would be none at all, so it always begins with what is refused. The type of match
 * `EXACT` isn't used: with it BuildKit's conversions change nothing.
 *
 * @param denyOthers - Refuse every other source too (git, http), but for what the client itself sends (`local://`).
 */
export function sourcePolicyJson(images: readonly AdmittedImage[], denyOthers: boolean): string {
  const denied = denyOthers ? ["*"] : IMAGE_SOURCES;
  const rules: Rule[] = denied.map((identifier) => ({ action: "DENY", selector: { identifier } }));
  if (denyOthers) rules.push({ action: "ALLOW", selector: { identifier: "local://*" } });
  for (const { asked, pinned } of images) {
    const [from, to] = [identifierOf(asked), identifierOf(pinned)];
    if (from !== to) rules.push({ action: "CONVERT", selector: { identifier: from }, updates: { identifier: to } });
    rules.push({ action: "ALLOW", selector: { identifier: to } });
  }
  return `${JSON.stringify({ rules }, undefined, 2)}\n`;
}

/** As BuildKit's frontends write it: the whole name, with `latest` where there is neither tag nor digest. */
function identifierOf(reference: ImageReference): string {
  const text = formatReference(reference);
  if (!PLAIN.test(text)) throw new Error(`no reference is written like ${JSON.stringify(text)}`);
  return `docker-image://${text}`;
}
