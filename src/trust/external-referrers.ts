import { z } from "zod";
import {
  type ImageReference,
  ImageReferenceError,
  imageName,
  type PinnedImage,
  parseReference,
} from "../image/reference.ts";
import { combineSources } from "./attestation-sources.ts";
import { imagePattern } from "./builder-schema.ts";
import { compileGlob, type Glob, substitute } from "./glob.ts";
import { type AttestationSource, CouldNotLook } from "./ports.ts";

/** Where a publisher keeps what refers to its images: the same digest, in another repository. */
export interface ExternalReferrers {
  /** `trust.referrers[0]` */
  readonly path: string;
  readonly images: Glob;
  /** registry/repository, with the captures of `images` in it. */
  readonly at: string;
}

/** registry/repository in its whole form; nothing but names that the image's own name fills in. */
const place = z.string().superRefine((text, context) => {
  const issue = (message: string) => context.addIssue({ code: "custom", message });
  if (text.includes("*")) return issue("one repository: write {name}, and use it in images");
  const [host = ""] = text.split("/");
  if (host.includes("{")) return issue("the registry is spelled out: an image's name must not choose whom we ask");
  try {
    // With any name in it, still a repository.
    const filled = text.replace(/\{[a-z]+\}/g, "x");
    const { tag, digest, ...name } = parseReference(filled);
    if (tag !== undefined || digest !== undefined) issue("registry/repository without tag and digest");
    else if (imageName(name) !== filled) issue("the whole name, with the registry");
  } catch (error) {
    issue((error as Error).message);
  }
});

/** An entry of `trust.referrers`. */
export const referrersEntry = z
  .strictObject({ images: imagePattern, at: place })
  .superRefine(({ images, at }, context) => {
    const known = capturesIn(images);
    const missing = capturesIn(at).filter((name) => !known.includes(name));
    if (missing.length > 0) {
      const message = `{${missing.join("}, {")}} must be in images too`;
      context.addIssue({ code: "custom", message, path: ["at"] });
    }
  });

function capturesIn(pattern: string): readonly string[] {
  return [...pattern.matchAll(/\{([a-z]+)\}/g)].map(([, name = ""]) => name);
}

/** An entry that the schema has taken. */
export function referrersOf({ images, at }: z.output<typeof referrersEntry>, path: string): ExternalReferrers {
  return { path, images: compileGlob(images), at };
}

/**
 * A source that looks in the places that policy names too. What stands there is evidence like any other: the digest is the same, and
 * who may speak for the image doesn't depend on where he did.
 *
 * @param nameOf - The name that policy judges an image by, which is another one for a mirror's.
 */
export function withExternalReferrers(
  source: AttestationSource,
  entries: readonly ExternalReferrers[],
  nameOf: (image: ImageReference) => string = imageName,
): AttestationSource {
  if (entries.length === 0) return source;
  return {
    listAttestations: (image) =>
      combineSources([
        source,
        ...entries.flatMap((entry) => {
          const captures = entry.images.match(imageName(image)) ?? entry.images.match(nameOf(image));
          return captures === undefined ? [] : [elsewhere(source, entry, captures)];
        }),
      ]).listAttestations(image),
  };
}

function elsewhere(
  source: AttestationSource,
  { path, at }: ExternalReferrers,
  captures: Readonly<Record<string, string>>,
): AttestationSource {
  return {
    listAttestations: async (image) => {
      const { registry, repository } = placeFor(path, substitute(at, captures).pattern);
      const there: PinnedImage = { registry, repository, digest: image.digest };
      const { candidates, ...rest } = await source.listAttestations(there);
      const name = imageName(there);
      return { ...rest, candidates: candidates.map((each) => ({ ...each, where: `${each.where} of ${name}` })) };
    },
  };
}

/** Half a name can be captured, and what it makes need not be a name: then we couldn't look, which isn't that nothing is there. */
function placeFor(path: string, text: string): ImageReference {
  try {
    return parseReference(text);
  } catch (error) {
    if (!(error instanceof ImageReferenceError)) throw error;
    throw new CouldNotLook("address-refused", `look for attestations as ${path} says: ${error.message}`);
  }
}
