import type { Digest } from "./digest.ts";
import { isDigest } from "./digest.ts";

/** Longest text that is looked at, in UTF-16 units: host, port, path, tag and the longest digest come to less than 900. */
const MAX_TEXT_LENGTH = 1024;

/** Longest path of a repository, in characters, as Docker has it. */
const MAX_REPOSITORY_LENGTH = 255;

const DEFAULT_REGISTRY = "docker.io";
const LEGACY_REGISTRY = "index.docker.io";
const OFFICIAL_NAMESPACE = "library";
const DEFAULT_TAG = "latest";

// The grammar at the head of distribution/reference's reference.go, one expression per production, each tried on its own part:
// one big expression would let a bad host slip into the path, as it does there.
const HOST =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?$/;
const PATH_COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const IDENTIFIER = /^[a-f0-9]{64}$/;

/**
 * A name of an image, in canonical form: `docker.io/library/alpine`, never `alpine`. Names are compared as they stand, and a tag
 * is a question about a moment: only the digest says which image.
 */
export interface ImageReference {
  /** Host, with the port where the text has one. Upper case is kept, as Docker keeps it. */
  readonly registry: string;
  /** The path below the host; `library/…` for Docker's official images. */
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

/** An image that cannot change under us: what a verdict is about. The tag, if any, only says how it was asked for. */
export interface PinnedImage extends ImageReference {
  readonly digest: Digest;
}

/** The text names no image. */
export class ImageReferenceError extends Error {
  readonly code = "malformed-reference";
  constructor(message: string) {
    super(message);
    this.name = "ImageReferenceError";
  }
}

/**
 * Reads a name as Docker, BuildKit and containerd read it (`ParseNormalizedNamed` of distribution/reference): a first part
 * without `.`, `:` or upper case that is not `localhost` belongs to Docker Hub.
 *
 * Stricter than that function in one place: a host that is no host (`my_host.com/app`) is refused, where the library answers a
 * reference without a registry.
 *
 * @throws {ImageReferenceError} if the text is not a reference, or its digest is none that {@link isDigest} knows.
 */
export function parseReference(text: string): ImageReference {
  if (text.length > MAX_TEXT_LENGTH) throw malformed(text, `it is longer than ${MAX_TEXT_LENGTH} characters`);
  // An image's id and a repository's name would look alike, so Docker refuses the name.
  if (IDENTIFIER.test(text))
    throw malformed(text, "64 hexadecimal digits are an identifier; write repository@sha256:…");

  const [named, digest] = cutAtFirst(text, "@");
  if (digest !== undefined && !isDigest(digest)) {
    throw malformed(text, "what stands behind @ is no sha256, sha384 or sha512 digest in lower case");
  }
  const [registry, rest] = splitRegistry(named);
  const [repository, tag] = cutAtFirst(rest, ":");
  if (!HOST.test(registry)) throw malformed(text, "the part before the first / is no host");
  if (tag !== undefined && !TAG.test(tag))
    throw malformed(text, "the tag is not of the form [A-Za-z0-9_][A-Za-z0-9_.-]{0,127}");
  if (!repository.split("/").every((component) => PATH_COMPONENT.test(component))) {
    throw malformed(text, "the repository is not made of lower-case letters and digits with single separators");
  }
  if (repository.length > MAX_REPOSITORY_LENGTH) {
    throw malformed(text, `the repository is longer than ${MAX_REPOSITORY_LENGTH} characters`);
  }
  return { registry, repository, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) };
}

/**
 * Reads a name as the docker command line does (`ParseDockerRef`): a digest wins over a tag beside it, which is dropped, and
 * `latest` is meant where there is neither.
 *
 * @throws {ImageReferenceError} as {@link parseReference}.
 */
export function parseDockerReference(text: string): ImageReference {
  const { registry, repository, tag, digest } = parseReference(text);
  return digest === undefined ? { registry, repository, tag: tag ?? DEFAULT_TAG } : { registry, repository, digest };
}

/** Whether the text can be an image's tag. */
export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** The reference with `latest` where it has neither tag nor digest; unlike Docker, a tag beside a digest is kept. */
export function withDefaultTag(reference: ImageReference): ImageReference {
  return reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: DEFAULT_TAG } : reference;
}

/** The image that was found under the reference. Its tag is kept, and any digest it had is replaced: compare before. */
export function pin(reference: ImageReference, digest: Digest): PinnedImage {
  return { ...reference, digest };
}

/** `registry/repository`: what policy matches its patterns against. */
export function imageName(reference: ImageReference): string {
  return `${reference.registry}/${reference.repository}`;
}

/** The canonical text, `docker.io/library/alpine:3.19@sha256:…`; {@link parseReference} reads it back to the same value. */
export function formatReference(reference: ImageReference): string {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  const digest = reference.digest === undefined ? "" : `@${reference.digest}`;
  return `${imageName(reference)}${tag}${digest}`;
}

/** Which registry is meant, and what is left for it. The first part is only a host if nothing on Docker Hub could be called that. */
function splitRegistry(named: string): [registry: string, rest: string] {
  const [first, rest] = cutAtFirst(named, "/");
  if (rest === undefined) return [DEFAULT_REGISTRY, `${OFFICIAL_NAMESPACE}/${named}`];
  const isHost = first === "localhost" || /[.:]/.test(first) || first !== first.toLowerCase();
  if (!isHost) return [DEFAULT_REGISTRY, named];
  const registry = first === LEGACY_REGISTRY ? DEFAULT_REGISTRY : first;
  const official = registry === DEFAULT_REGISTRY && !rest.includes("/");
  return [registry, official ? `${OFFICIAL_NAMESPACE}/${rest}` : rest];
}

function cutAtFirst(text: string, separator: string): [before: string, after: string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function malformed(text: string, reason: string): ImageReferenceError {
  return new ImageReferenceError(`read ${JSON.stringify(text.slice(0, 160))} as an image reference: ${reason}`);
}
