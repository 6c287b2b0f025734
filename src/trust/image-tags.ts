import { claimsOf } from "../attestation/identity.ts";
import { type ImageReference, isTag } from "../image/reference.ts";
import type { AcceptedProvenance } from "./accepted.ts";
import { judgedName } from "./mirror.ts";
import type { ExpectedBuild, Policy } from "./policy.ts";
import type { Fault, Verdict } from "./verdict.ts";

/** The tags that a build of this git tag gives its image, or why there are none. */
export type ImageTags =
  | { readonly kind: "tags"; readonly tags: readonly [string, ...string[]] }
  | { readonly kind: "unusable"; readonly reason: string };

/**
 * Makes the image's tags from a git tag by policy's templates (DESIGN §5): `{tag}` is the git tag as it is, `{version}` the same
 * without a `v` before a digit. Nothing is replaced or cut: two git tags would then share a name.
 */
export function imageTagsOf({ imageTags, path }: Pick<ExpectedBuild, "imageTags" | "path">, gitTag: string): ImageTags {
  const tags = imageTags.map((template) => renderImageTag(template, gitTag));
  const broken = tags.find((tag) => !isTag(tag));
  const [first, ...others] = [...new Set(tags)];
  if (broken !== undefined || first === undefined) {
    const reason = `the git tag "${gitTag}" makes the image tag "${broken ?? ""}" by image-tags of ${path}, and that is none: letters, digits, _ . - only, at most 128`;
    return { kind: "unusable", reason };
  }
  return { kind: "tags", tags: [first, ...others] };
}

/** One template, filled in. */
export function renderImageTag(template: string, gitTag: string): string {
  const values: Readonly<Record<string, string>> = { tag: gitTag, version: gitTag.replace(/^v(?=[0-9])/, "") };
  return template.replace(/\{(tag|version)\}/g, (_, name: string) => values[name] ?? "");
}

/**
 * Whether what stands under an image tag was built from a git tag that gives it (RULES R26): otherwise whoever may push could put
 * an old image, honestly signed, under a new name. A bare signature, or provenance that records no images, gives no tag: a later
 * run may vouch for an image without having built it.
 *
 * @param provenances - What counts of how it was built.
 * @returns what is wrong, or undefined where it fits or policy says nothing of the image's tags.
 */
export function tagMismatch(
  policy: Policy,
  image: ImageReference,
  provenances: readonly AcceptedProvenance[],
): string | undefined {
  const build = policy.builds.find((each) => each.image === judgedName(policy, image));
  if (build === undefined || image.tag === undefined) return undefined;
  const records = provenances.filter(({ record }) => record !== undefined);
  const refs = [...new Set(records.map(({ by }) => claimsOf(by.identity).sourceRepositoryRef ?? ""))];
  const fits = refs.some((ref) => {
    if (!ref.startsWith("refs/tags/")) return false;
    const made = imageTagsOf(build, ref.slice("refs/tags/".length));
    return made.kind === "tags" && made.tags.includes(image.tag ?? "");
  });
  return fits ? undefined : `the tag ${image.tag} isn't one that ${build.path} makes from ${refs.join(", ")}`;
}

/** A verdict on an image whose git tag has moved since: what the name says now is another commit (RULES R26). */
export function afterTagMoved(verdict: Verdict, ref: string, built: string, now: string): Verdict {
  const node = verdict.platforms[0]?.node ?? verdict.nodes[0]?.id ?? "";
  const fault: Fault = {
    code: "git-tag-moved",
    reason: `${ref} was ${built} when this was built, and is ${now} now`,
    node,
    path: [{ node, role: undefined }],
    mend: "ask for the image that was built from the tag as it is now; a tag that people rely on shouldn't move",
  };
  const platforms = verdict.platforms.map((platform) => ({ ...platform, outcome: "untrusted" as const }));
  return { ...verdict, outcome: "untrusted", platforms, faults: [...verdict.faults, fault] };
}
