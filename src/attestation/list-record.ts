import type { Digest } from "../image/digest.ts";
import type { ImageReference } from "../image/reference.ts";
import { ImageReferenceError, parseReference } from "../image/reference.ts";
import type { BuildRecord } from "./build-record.ts";
import { commitOf, parseGitUrl, parseSpdxGitUrl } from "./git-url.ts";
import type { BuildInput } from "./inputs.ts";
import { digestIn, type ListedImage, listedImage, parentsOf, type Unresolved } from "./parents.ts";
import type { Dependency, Provenance } from "./provenance.ts";
import { parseRegistryPurl } from "./registry-purl.ts";
import { requestOf } from "./request.ts";

/** Longest part of an address that is shown, in UTF-16 units. */
const MAX_SHOWN = 500;

/** What an entry that builders other than BuildKit wrote is. */
type Entry = ListedImage | Unresolved | { readonly input: BuildInput } | undefined;

/**
 * The record of a build type that lists images without saying what they were for, nor that they are all. Each of them is a parent
 * (RULES R16), in no proven role (R19); what can't be understood is told, never skipped.
 *
 * Nothing that such a statement claims makes it complete: no such builder watches what its steps fetch.
 *
 * @param what - What the type records, for people.
 */
export function listRecord(provenance: Provenance, what: string): BuildRecord {
  const listed = provenance.dependencies.map(entryOf);
  const all = [...listed, ...provenance.elsewhere.map(entryOf)].filter((entry) => entry !== undefined);
  const request = requestOf(undefined);
  const images = (entries: readonly Entry[]) =>
    entries.flatMap((entry) => (entry !== undefined && "digest" in entry ? [entry] : []));
  const { claims, unresolved } = parentsOf(images(all), undefined, request);
  const inputs = new Map(
    all.flatMap((entry) => ("input" in entry ? [[JSON.stringify(entry.input), entry.input]] : [])),
  );
  return {
    parents: claims,
    base: { kind: "unknown", why: `${what}; it names ${claims.length} images and none as the base` },
    llb: false,
    complete: false,
    hermetic: false,
    otherInputs: [...inputs.values()],
    request,
    unresolved: [...unresolved, ...all.flatMap((entry) => ("why" in entry ? [entry] : []))],
    // Of the list alone: elsewhere each task speaks for itself, and of two one may have built for another platform.
    disagreements: parentsOf(images(listed), undefined, request).disagreements,
  };
}

/** @returns undefined for what stands in the provenance itself. */
function entryOf(dependency: Dependency): Entry {
  const { uri, digest, isInline } = dependency;
  if (uri === "" && isInline) return undefined;
  if (uri.startsWith("pkg:docker/")) return listedImage(dependency);
  if (uri.startsWith("pkg:oci/")) return imageAt(dependency, () => parseRegistryPurl(uri));
  // `bash@sha256:…` would else be a path on the host sha256, for git's user bash.
  const isPinned = /@sha(?:256|384|512):/.test(uri);
  const git = isPinned ? undefined : (parseSpdxGitUrl(uri) ?? parseGitUrl(uri));
  if (git !== undefined) {
    const commit = gitCommit(digest);
    return commit === undefined ? unresolved(uri, "it has no commit") : { input: { kind: "git", ...git, commit } };
  }
  if (/^https?:\/\//.test(uri)) return fetched(dependency);
  const [, scheme, name = ""] = /^(?:([a-z][a-z0-9+-]*):\/\/)?(.*)$/s.exec(uri) ?? [];
  if (scheme !== undefined && !["oci", "docker", "docker-pullable"].includes(scheme))
    return unresolved(uri, "a dependency of a kind that is not known");
  // An image's id in a container runtime reads as a name with a tag.
  if (/^sha(?:256|384|512):/.test(name)) return unresolved(uri, "it names no repository");
  return imageAt(dependency, () => parseReference(name));
}

function imageAt({ uri, digest }: Dependency, parse: () => ImageReference): ListedImage | Unresolved {
  let parsed: ImageReference;
  try {
    parsed = parse();
  } catch (error) {
    if (!(error instanceof ImageReferenceError)) throw error;
    return unresolved(uri, error.message);
  }
  const { digest: requested, ...reference } = parsed;
  const found: Digest | { readonly why: string } = digestIn(digest, requested);
  if (typeof found !== "string") return unresolved(uri, found.why);
  return { kind: "image", reference, digest: found, pinned: false };
}

/** Over http a file, or a repository where the digest is a commit's. */
function fetched({ uri, digest }: Dependency): Unresolved | { readonly input: BuildInput } {
  const found = digestIn(digest, undefined);
  if (typeof found === "string") return { input: { kind: "http", uri, digest: found } };
  const commit = gitCommit(digest);
  return commit === undefined ? unresolved(uri, found.why) : { input: { kind: "git", uri, commit } };
}

/** SLSA v1 calls a commit `gitCommit`; SHA-1 and SHA-256 of git are told apart by their length. */
function gitCommit({ gitCommit: commit, ...digest }: Readonly<Record<string, string>>): string | undefined {
  if (commit === undefined) return commitOf(digest);
  const named = commitOf(commit.length === 64 ? { sha256: commit } : { sha1: commit });
  const other = digest.sha1 ?? digest.sha256;
  return other === undefined || other === commit ? named : undefined;
}

function unresolved(uri: string, why: string): Unresolved {
  return { uri: uri.slice(0, MAX_SHOWN), why };
}
