import type { Digest } from "../image/digest.ts";
import { isDigest } from "../image/digest.ts";
import type { Platform } from "../image/platform.ts";
import { formatPlatform, parsePlatform } from "../image/platform.ts";
import type { ImageReference } from "../image/reference.ts";
import { parseReference, withDefaultTag } from "../image/reference.ts";

/** Longest package URL that is read, in UTF-16 units. */
const MAX_PURL_LENGTH = 4096;

/** What BuildKit writes. Another qualifier could change what is meant (`repository_url` moves the registry), so it is refused. */
const QUALIFIERS: ReadonlySet<string> = new Set(["digest", "platform", "ref_type", "vcs_url"]);

/** What the package URL of an image says. */
export interface ImagePurl {
  /**
   * An image of a registry; content of an OCI layout on the builder's machine, whose reference names no registry; or a single
   * blob of a repository.
   */
  readonly kind: "image" | "oci-layout" | "blob";
  /** With the digest where the URL itself names one: then the build asked for it by digest. */
  readonly reference: ImageReference;
  readonly platform?: Platform;
}

/** The text is no package URL of an image, or of a kind that could mean something else than we think. */
export class PurlError extends Error {
  readonly code = "malformed-purl";
  constructor(purl: string, reason: string, options?: ErrorOptions) {
    super(`read ${JSON.stringify(purl.slice(0, 200))} as the package URL of an image: ${reason}`, options);
    this.name = "PurlError";
  }
}

/**
 * Reads a `pkg:docker` or `pkg:oci` URL as BuildKit writes it: the registry is the first part of the namespace, no host means
 * Docker Hub, the version is a tag unless it is a digest, and neither means `latest`.
 *
 * Our own code: packageurl-js takes a repeated qualifier, drops line breaks, and decodes `%2F` into more path.
 *
 * @throws {PurlError} and nothing else.
 * @see moby/buildkit util/purl/image.go, `PURLToRef`
 */
export function parseDockerPurl(purl: string): ImagePurl {
  if (purl.length > MAX_PURL_LENGTH) throw new PurlError(purl, `it is longer than ${MAX_PURL_LENGTH} characters`);
  const parts = /^pkg:(docker|oci)\/([!-~]+?)(?:@([!-~]*?))?(?:\?([!-~]*))?$/.exec(purl);
  if (parts === null || purl.includes("#"))
    throw new PurlError(purl, "it is not of the form pkg:docker/name@version?qualifiers");
  const [, type, path = "", rawVersion = "", query] = parts;
  const qualifiers = readQualifiers(purl, query);
  const version = decode(purl, rawVersion);

  const segments = path.split("/").map((segment) => decode(purl, segment));
  // A colon is the port of a host, and a host has a repository behind it; anything else would read as a tag or a digest.
  if (segments.some((segment, index) => !/^[A-Za-z0-9._-]+$/.test(index === 0 ? withoutPort(segments) : segment))) {
    throw new PurlError(purl, "a part of its name has characters that no image name has");
  }
  const [tag, versionDigest] = isDigest(version)
    ? [undefined, version]
    : [version === "" ? undefined : version, undefined];
  const digest = digestOfPurl(purl, versionDigest, qualifiers.get("digest"));
  const text = `${segments.join("/")}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
  const platform = qualifiers.get("platform");
  try {
    return {
      kind: kindOf(purl, type, qualifiers),
      reference: withDefaultTag(parseReference(text)),
      ...(platform !== undefined && { platform: parsePlatform(platform) }),
    };
  } catch (cause) {
    if (cause instanceof PurlError) throw cause;
    throw new PurlError(purl, cause instanceof Error ? cause.message : "it names no image", { cause });
  }
}

/** Writes the package URL of an image as BuildKit does; {@link parseDockerPurl} reads it back to the same reference. */
export function formatDockerPurl(reference: ImageReference, platform?: Platform): string {
  const { tag } = withDefaultTag(reference);
  const qualifiers = [
    ...(reference.digest === undefined ? [] : [`digest=${reference.digest}`]),
    ...(platform === undefined ? [] : [`platform=${encodeURIComponent(formatPlatform(platform))}`]),
  ];
  const version = tag === undefined ? "" : `@${tag}`;
  return `pkg:docker/${familiarName(reference)}${version}${qualifiers.length === 0 ? "" : `?${qualifiers.join("&")}`}`;
}

/** Docker Hub's host and `library/` are left out, but not where the rest would then read as another host. */
function familiarName({ registry, repository }: ImageReference): string {
  const [first = "", second, third] = repository.split("/");
  if (registry !== "docker.io") return `${registry}/${repository}`;
  if (second === undefined || /[.:]/.test(first) || first === "localhost") return `${registry}/${repository}`;
  const official = first === "library" && third === undefined && !/^[a-f0-9]{64}$/.test(second);
  return official ? second : repository;
}

function withoutPort([first = "", ...rest]: readonly string[]): string {
  return rest.length === 0 ? first : first.replace(/:[0-9]+$/, "").replace(/^\[[0-9a-fA-F:]+\]$/, "address");
}

function kindOf(purl: string, type: string | undefined, qualifiers: ReadonlyMap<string, string>): ImagePurl["kind"] {
  const refType = qualifiers.get("ref_type");
  if (refType !== undefined && refType !== "blob" && refType !== "bundle") {
    throw new PurlError(purl, "its ref_type is not known");
  }
  if (qualifiers.has("vcs_url") && refType !== "bundle") throw new PurlError(purl, "only a bundle has a vcs_url");
  if (type === "oci") return "oci-layout";
  return refType === undefined ? "image" : "blob";
}

function digestOfPurl(purl: string, version: Digest | undefined, qualifier: string | undefined): Digest | undefined {
  if (qualifier === undefined) return version;
  if (!isDigest(qualifier))
    throw new PurlError(purl, "its digest qualifier is no sha256, sha384 or sha512 digest in lower case");
  if (version !== undefined && version !== qualifier) throw new PurlError(purl, "its version and its digest disagree");
  return qualifier;
}

function readQualifiers(purl: string, query: string | undefined): ReadonlyMap<string, string> {
  const qualifiers = new Map<string, string>();
  for (const pair of query === undefined || query === "" ? [] : query.split("&")) {
    const [, key = "", value = ""] = /^([a-z_]+)=(.*)$/.exec(pair) ?? [];
    if (!QUALIFIERS.has(key))
      throw new PurlError(purl, `its qualifier ${JSON.stringify(pair.slice(0, 60))} is not known`);
    if (qualifiers.has(key)) throw new PurlError(purl, `its qualifier ${key} is there twice`);
    qualifiers.set(key, decode(purl, value));
  }
  return qualifiers;
}

function decode(purl: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new PurlError(purl, "its percent-encoding is broken", { cause });
  }
}
