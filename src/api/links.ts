import type { Digest } from "../image/digest.ts";
import { formatReference, type ImageReference, imageName } from "../image/reference.ts";
import type { AnswerDocument } from "./answer-form.ts";

/** Where things are on this server. */
export interface Links {
  /** The page of a tag that ends in `.svg` has an escape there: as it stands it would be another tag's badge, and look like its answer. */
  of(image: ImageReference): AnswerDocument["links"];
  image(image: ImageReference): string;
  verdict(image: ImageReference & { readonly digest: Digest }): string;
  inquiry(id: string): string;
  policy(digest: Digest): string;
}

/** @param publicUrl - Without it addresses begin at the server's root. No slash at its end. */
export function linksFrom(publicUrl = ""): Links {
  const below = (image: ImageReference, part: string): string | null => {
    if (image.digest === undefined) return null;
    const { digest, ...named } = image;
    return `${publicUrl}/v1/verdicts/${digest}${part}?image=${encodeURIComponent(formatReference(named))}`;
  };
  const at = (image: ImageReference) => inPath(formatReference(image));
  return {
    of: (image) => ({
      self: `${publicUrl}/v1/images/${at(image)}`,
      page: `${publicUrl}/images/${at(image).replace(/\.svg$/, "%2Esvg")}`,
      badge: `${publicUrl}/images/${at(image)}.svg`,
      verdict: below(image, ""),
      vsa: below(image, "/vsa"),
      evidence: below(image, "/evidence"),
      ancestry: below(image, "/ancestry"),
      descendants: image.digest === undefined ? null : `${publicUrl}/v1/verdicts/${image.digest}/descendants`,
      history: `${publicUrl}/v1/history?image=${encodeURIComponent(image.tag === undefined ? formatReference(image) : `${imageName(image)}:${image.tag}`)}`,
    }),
    image: (image) => `${publicUrl}/v1/images/${at(image)}`,
    verdict: (image) => below(image, "") ?? "",
    inquiry: (id) => `${publicUrl}/v1/inquiries/${id}`,
    policy: (digest) => `${publicUrl}/v1/policies/${digest}`,
  };
}

/** A reference as a part of a path: what stands in every path as it is, stays so. */
function inPath(reference: string): string {
  return encodeURIComponent(reference).replace(/%(2F|3A|40)/g, decodeURIComponent);
}
