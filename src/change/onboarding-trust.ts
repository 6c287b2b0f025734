import type { ImageUse } from "../image/dockerfile/reading.ts";
import { imageName, type PinnedImage } from "../image/reference.ts";
import type { Forecast } from "../trust/forecast.ts";
import { compileGlob } from "../trust/glob.ts";
import type { DraftPublisher } from "../trust/policy-draft.ts";
import { PUBLISHER_NAMES, PUBLISHERS } from "../trust/presets.ts";

/** So many owners of base images are named, and so many roots suggested. */
const MAX_OWNERS = 10;
const MAX_ROOTS = 20;

/** The owner below whose name on ghcr.io an image is, where the repository of the image's own name can have built it (RULES R4, R5). */
function ownerOf({ registry, repository }: ImageUse["reference"]): string | undefined {
  const [owner, name, ...rest] = repository.split("/");
  return registry === "ghcr.io" && owner !== undefined && name !== undefined && rest.length === 0 ? owner : undefined;
}

/** The owners whose numbers are wanted: a name without one could change hands (RULES R8). */
export function ownersIn(uses: readonly ImageUse[]): readonly string[] {
  return [...new Set(uses.flatMap(({ reference }) => ownerOf(reference) ?? []))].sort().slice(0, MAX_OWNERS);
}

/** The publisher whose preset has the image; of those that sign, since the others accept nothing. */
function presetOf(name: string): (typeof PUBLISHER_NAMES)[number] | undefined {
  return PUBLISHER_NAMES.find(
    (preset) =>
      PUBLISHERS[preset].signers.length > 0 &&
      PUBLISHERS[preset].images.some((pattern) => compileGlob(pattern).match(name) !== undefined),
  );
}

/**
 * Whose word a policy has to take for the images that Dockerfiles use: presets of publishers, and on ghcr.io the owners of the names.
 * Who isn't known by number is left out, and so is everything for which nobody signs: that is a person's to decide.
 *
 * @param numbers - Of owners, by name as it is in the image.
 */
export function publishersFor(
  uses: readonly ImageUse[],
  numbers: ReadonlyMap<string, { readonly login: string; readonly id: number }>,
): readonly DraftPublisher[] {
  const presets = new Set(uses.flatMap(({ reference }) => presetOf(imageName(reference)) ?? []));
  const owners = ownersIn(uses).flatMap((owner) => {
    const known = numbers.get(owner);
    return known === undefined ? [] : [{ owner: known.login, ownerId: known.id, images: `ghcr.io/${owner}/{repo}` }];
  });
  return [...[...presets].sort(), ...owners];
}

/**
 * The images that nothing in the draft vouches for today, at the digests they have: suggested as roots, in a comment. Not those whose
 * fault says that somebody tampered, nor those that could not be looked at: of these there is nothing to suggest.
 */
export function rootsFor(forecasts: readonly Forecast[]): readonly PinnedImage[] {
  const roots = forecasts.flatMap(({ parents, faults }) =>
    parents.flatMap(({ image, verdict }, i) => {
      const own = faults.filter(({ parent }) => parent === i);
      const isUnsigned = verdict?.outcome === "untrusted" && own.length > 0 && !own.some(({ isGrave }) => isGrave);
      return image !== undefined && isUnsigned ? [image] : [];
    }),
  );
  const byDigest = new Map(roots.map((image) => [`${imageName(image)}@${image.digest}`, image] as const));
  return [...byDigest]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, image]) => image)
    .slice(0, MAX_ROOTS);
}
