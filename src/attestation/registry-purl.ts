import type { ImageReference } from "../image/reference.ts";
import { ImageReferenceError, parseReference } from "../image/reference.ts";

/** Longest package URL that is read, in UTF-16 units. */
const MAX_PURL_LENGTH = 4096;

/** What changes nothing of which image is meant. */
const NEUTRAL = new Set(["arch", "tag"]);

/**
 * Reads a `pkg:oci` URL as the purl specification has it: a name, the digest as its version, and the repository in a qualifier.
 * BuildKit writes another thing under the same type, content of a local layout ({@link parseDockerPurl}).
 *
 * @throws {ImageReferenceError} and nothing else; also where a part would mean something that isn't known here.
 * @see package-url/purl-spec, types-doc/oci-definition.md
 */
export function parseRegistryPurl(purl: string): ImageReference {
  const refuse = (reason: string) =>
    new ImageReferenceError(`read ${JSON.stringify(purl.slice(0, 200))} as the package URL of an image: ${reason}`);
  if (purl.length > MAX_PURL_LENGTH) throw refuse(`it is longer than ${MAX_PURL_LENGTH} characters`);
  const [, name, version, query] = /^pkg:oci\/([a-z0-9._-]+)@([!-~]+?)\?([!-~]+)$/.exec(purl) ?? [];
  if (name === undefined || version === undefined || query === undefined || purl.includes("#"))
    throw refuse("it is not of the form pkg:oci/name@digest?repository_url=REPOSITORY");
  const qualifiers = new Map<string, string>();
  for (const pair of query.split("&")) {
    const [, key = "", value = ""] = /^([a-z_]+)=(.+)$/.exec(pair) ?? [];
    if (key !== "repository_url" && !NEUTRAL.has(key)) throw refuse("it has a qualifier that is not known");
    if (qualifiers.has(key)) throw refuse(`its qualifier ${key} is there twice`);
    qualifiers.set(key, value);
  }
  const repository = qualifiers.get("repository_url");
  if (repository === undefined) throw refuse("it names no registry (repository_url)");
  let text: string;
  try {
    text = `${decodeURIComponent(repository)}@${decodeURIComponent(version)}`;
  } catch {
    throw refuse("its percent-encoding is broken");
  }
  const reference = parseReference(text);
  if (reference.tag !== undefined) throw refuse("its repository has a tag");
  if (reference.repository.split("/").at(-1) !== name) throw refuse("its name and its repository disagree");
  return reference;
}
