import { type Digest, isDigest } from "../image/digest.ts";
import { type ImageReference, ImageReferenceError, parseReference, withDefaultTag } from "../image/reference.ts";
import { Problem } from "./problem.ts";

/** Reads a part of a path that names an image; `latest` where it has neither tag nor digest. @throws {Problem} */
export function askedImage(part: string): ImageReference {
  return withDefaultTag(namedImage(decoded(part)));
}

/** Reads a name, decoded already; without a tag or digest it stays so. @throws {Problem} `malformed-reference` */
export function namedImage(text: string): ImageReference {
  try {
    return parseReference(text);
  } catch (error) {
    if (!(error instanceof ImageReferenceError)) throw error;
    throw new Problem("malformed-reference", error.message, { cause: error });
  }
}

/** Reads a part of a path that is a digest. @throws {Problem} */
export function askedDigest(part: string): Digest {
  const text = decoded(part);
  if (!isDigest(text)) throw new Problem("malformed-digest");
  return text;
}

/** Undoes percent-encoding, once: what is encoded twice is another text. @throws {Problem} `malformed-request` */
export function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    throw new Problem("malformed-request", "the path isn't percent-encoded UTF-8", { cause });
  }
}
