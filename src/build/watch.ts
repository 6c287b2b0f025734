import { formatReference, type ImageReference, type PinnedImage } from "../image/reference.ts";
import { walkAncestry } from "../trust/ancestry.ts";
import type { Policy } from "../trust/policy.ts";
import { BeyondLimit, CouldNotLook } from "../trust/ports.ts";
import {
  afterTagUnseen,
  afterTagWentBack,
  besideOtherImage,
  movingTags,
  type Sighting,
  sightingsOf,
  wentBack,
} from "../trust/tag-watch.ts";
import { judge, type Verdict } from "../trust/verdict.ts";
import type { Build, BuildRequest } from "./build.ts";
import type { SightingStore, TagSightings, Walk } from "./ports.ts";

/** The tags of a build's request that move, and are watched. */
export function watchedTags({ builds }: Policy, { image, tags: [_, ...others] }: BuildRequest): readonly string[] {
  const build = builds.find((each) => each.image === image);
  const moving = build === undefined ? [] : movingTags(build);
  return others.filter((tag) => moving.includes(tag));
}

/** What a tag that moves is at, or what came of looking. */
type There =
  | { readonly kind: "image"; readonly image: PinnedImage }
  | { readonly kind: "none" }
  | { readonly kind: "unseen"; readonly error: CouldNotLook }
  | { readonly kind: "too-large"; readonly reason: string };

/**
 * Compares what the tags that move are at with what stood there before (RULES R26). For one image and few requests: one for each tag,
 * and a walk only where a tag is at an image that is neither this build's nor one that stood there.
 *
 * @param judged - The build's image by each policy, trusted by all of them.
 * @returns the verdicts, and what the tags were seen at, to be kept if all are trusted still.
 * @throws Nothing for what it couldn't look at: it would cost the build the digest that its own tag was resolved to.
 */
export async function watchTags<J extends { readonly policy: Policy; readonly verdict: Verdict }>(
  { sightings, now }: { readonly sightings: Pick<SightingStore, "readSightings">; readonly now: () => Date },
  walk: Walk,
  { build, tags, found }: { readonly build: Build; readonly tags: readonly string[]; readonly found: PinnedImage },
  judged: readonly J[],
): Promise<{ readonly judged: readonly J[]; readonly seen: readonly TagSightings[] }> {
  let after = judged;
  const seen: TagSightings[] = [];
  for (const tag of tags) {
    const { digest: _, ...name } = found;
    const asked: ImageReference = { ...name, tag };
    const there = await look(walk, asked);
    if (there.kind === "none") continue;
    const before = await sightings.readSightings(build.repository, build.key.image, tag);
    const next: J[] = [];
    // One after the other: the second walk finds everything read and verified.
    for (const each of after) {
      const { policy, verdict } = each;
      next.push({ ...each, verdict: await compared(policy, verdict, asked, there, before) });
    }
    after = next;
    const [first] = judged;
    if (there.kind === "image" && there.image.digest === found.digest && first !== undefined)
      seen.push({ tag, sightings: sightingsOf(first.verdict) });
  }
  return { judged: after, seen };

  async function compared(
    policy: Policy,
    verdict: Verdict,
    asked: ImageReference,
    there: Exclude<There, { readonly kind: "none" }>,
    before: readonly Sighting[],
  ): Promise<Verdict> {
    const { tag = "" } = asked;
    if (there.kind === "unseen") {
      const { code, message } = there.error;
      return afterTagUnseen(verdict, tag, { code, reason: message, mend: "ask again once the registry answers" });
    }
    if (there.kind === "too-large") return besideOtherImage(verdict, `the tag ${tag}: ${there.reason}`);
    const { image } = there;
    if (image.digest === found.digest)
      return afterTagWentBack(verdict, tag, wentBack(policy, before, sightingsOf(verdict)));
    const known = before.filter((each) => each.image === image.digest);
    if (known.length > 0) return afterTagWentBack(verdict, tag, wentBack(policy, before, known));
    const asOf = now();
    const other = judge(await walkAncestry(walk, policy, image, "every", asOf), policy, { ...image, tag }, asOf);
    switch (other.outcome) {
      case "trusted":
        return afterTagWentBack(verdict, tag, wentBack(policy, before, sightingsOf(other)));
      case "untrusted": {
        const [fault] = other.faults;
        const why = fault === undefined ? "" : ` (${fault.code})`;
        return besideOtherImage(verdict, `the tag ${tag} is at ${formatReference(image)}, which isn't trusted${why}`);
      }
      case "undetermined": {
        const [first] = other.unreachable;
        const { code, message } = new CouldNotLook("network", `judge ${formatReference(image)}: nobody said why not`);
        return afterTagUnseen(verdict, tag, first ?? { code, reason: message, mend: "judge it again" });
      }
    }
  }
}

async function look(walk: Walk, asked: ImageReference): Promise<There> {
  try {
    const image = await walk.resolve(asked);
    return image === undefined ? { kind: "none" } : { kind: "image", image };
  } catch (error) {
    if (error instanceof CouldNotLook) return { kind: "unseen", error };
    if (error instanceof BeyondLimit) return { kind: "too-large", reason: error.message };
    throw error;
  }
}
