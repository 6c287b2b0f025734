import type { Digest } from "../image/digest.ts";
import { isDigest } from "../image/digest.ts";
import type { ImageReference } from "../image/reference.ts";
import { ImageReferenceError, parseReference } from "../image/reference.ts";
import { isCommit, parseGitUrl } from "./git-url.ts";

/** What a source step of the LLB fetched. */
export type LlbSource =
  | LlbImage
  | {
      readonly kind: "git";
      /** Without fragment. */
      readonly uri: string;
      readonly ref?: string;
      readonly subdirectory?: string;
      /** Only where the request itself named the commit. */
      readonly commit?: string;
      /** The image blob that the repository was fetched from instead: an image source inside a git source. */
      readonly bundle?: LlbImage;
    }
  | {
      readonly kind: "http";
      readonly uri: string;
      /** What the request demanded, not what was found. */
      readonly checksum?: Digest;
    }
  | { readonly kind: "local"; readonly name: string };

/** Something by digest out of a registry or an OCI layout. */
export interface LlbImage {
  readonly kind: "image" | "oci-layout" | "blob";
  /** Whether it is one file; such a thing is nobody's root file system. */
  readonly blob: boolean;
  /** Without its digest. */
  readonly reference: ImageReference;
  readonly digest: Digest;
}

/** A source that can't be understood; never to be skipped, for it could be an image. */
export class SourceError extends Error {
  readonly code = "unknown-source";
  constructor(identifier: string, reason: string) {
    super(`read the build source ${JSON.stringify(identifier.slice(0, 200))}: ${reason}`);
    this.name = "SourceError";
  }
}

/**
 * Reads the identifier of a source step and the attributes that change its meaning.
 *
 * @throws {SourceError} for an unknown scheme, and for an image without a digest: which image it was is then unknown.
 * @see moby/buildkit source/types/types.go and solver/pb/attr.go
 */
export function parseSourceIdentifier(identifier: string, attributes: Readonly<Record<string, string>>): LlbSource {
  const [, scheme = "", rest = ""] = /^([a-z0-9+-]+):\/\/(.*)$/s.exec(identifier) ?? [];
  switch (scheme) {
    case "docker-image":
      return image(identifier, "image", false, rest);
    case "oci-layout":
      return image(identifier, "oci-layout", false, rest);
    case "docker-image+blob":
    case "docker-image-blob":
      return image(identifier, "blob", true, rest);
    case "oci-layout+blob":
    case "oci-layout-blob":
      return image(identifier, "oci-layout", true, rest);
    case "git":
      return git(identifier, rest, attributes);
    case "http":
    case "https": {
      const checksum = attributes["http.checksum"];
      if (checksum === undefined) return { kind: "http", uri: identifier };
      if (!isDigest(checksum)) throw new SourceError(identifier, "the checksum that it demands is no digest");
      return { kind: "http", uri: identifier, checksum };
    }
    case "local":
      return { kind: "local", name: rest };
    default:
      throw new SourceError(identifier, "its scheme is not known");
  }
}

function image(identifier: string, kind: LlbImage["kind"], blob: boolean, text: string): LlbImage {
  let reference: ImageReference;
  try {
    reference = parseReference(text);
  } catch (error) {
    throw new SourceError(identifier, error instanceof ImageReferenceError ? error.message : "it names no image");
  }
  const { digest, ...name } = reference;
  if (digest === undefined) throw new SourceError(identifier, "it has no digest");
  return { kind, blob, reference: name, digest };
}

/** The identifier has lost the URL's scheme; `git.fullurl` is the URL that was fetched. */
function git(identifier: string, rest: string, attributes: Readonly<Record<string, string>>): LlbSource {
  const at = rest.indexOf("#");
  const fragment = at < 0 ? "" : rest.slice(at);
  const base = attributes["git.fullurl"] || `https://${at < 0 ? rest : rest.slice(0, at)}`;
  const url = parseGitUrl(`${base.replace(/#.*$/s, "")}${fragment}`) ?? { uri: base };
  const locator = attributes["git.bundle"];
  const bundle = locator === undefined ? undefined : parseSourceIdentifier(locator, {});
  if (bundle !== undefined && (bundle.kind === "git" || bundle.kind === "http" || bundle.kind === "local")) {
    throw new SourceError(identifier, "its bundle is no blob of an image");
  }
  const commit = [attributes["git.checksum"], "ref" in url ? url.ref : undefined].find(
    (text) => text && isCommit(text),
  );
  return { kind: "git", ...url, ...(commit !== undefined && { commit }), ...(bundle !== undefined && { bundle }) };
}
