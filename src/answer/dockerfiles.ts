import { claimsOf } from "../attestation/identity.ts";
import type { AcceptedProvenance } from "../trust/accepted.ts";
import { BeyondLimit, CouldNotLook } from "../trust/ports.ts";
import { contextsOf, pathOf } from "../trust/request.ts";
import { type DockerfileFact, MAX_REASON_LENGTH } from "./facts.ts";

/** Largest Dockerfile that is shown, in bytes; long ones have some ten thousand. */
export const MAX_DOCKERFILE_BYTES = 256 * 1024;

/** Most Dockerfiles of one image: each platform could have its own. */
const MAX_DOCKERFILES = 8;

/** Of all their texts together, in bytes of JSON, where one character can have six. */
const MAX_TEXT_BYTES = 3 * 512 * 1024;

/** Longest path, in characters: Linux has none above. */
const MAX_PATH_LENGTH = 4096;

/** A file at a commit. */
export interface DockerfilePlace {
  /** `https://github.com/acme/app` */
  readonly repository: string;
  readonly repositoryId: string | undefined;
  readonly commit: string;
  /** From the repository's root. */
  readonly path: string;
}

/** Reads Dockerfiles where they come from. */
export interface DockerfileReader {
  /**
   * The file itself: a link isn't followed, since it leads elsewhere for a builder than for whoever shows the repository.
   *
   * @param limit - in bytes.
   * @returns undefined if the commit can be read and has no file there.
   * @throws {CouldNotLook} @throws {BeyondLimit}
   */
  readDockerfile(place: DockerfilePlace, limit: number): Promise<Uint8Array | undefined>;
}

/**
 * The Dockerfiles that an image was built from, as they are at the commit: where the provenance says so, and its source is the
 * certificate's (RULES R10). Which one a build read is its builder's word; what it says is the source server's.
 *
 * Nothing rests on them: one that can't be read is told with the reason.
 */
export async function dockerfilesOf(
  reader: DockerfileReader,
  provenances: readonly AcceptedProvenance[],
): Promise<{ readonly dockerfiles: readonly DockerfileFact[]; readonly unread: readonly string[] }> {
  const unread: string[] = [];
  const places = new Map<string, DockerfilePlace>();
  for (const provenance of provenances) {
    const place = placeOf(provenance);
    if (typeof place === "string") unread.push(place);
    else if (place !== undefined) places.set(JSON.stringify(place), place);
  }
  const kept = [...places.values()].slice(0, MAX_DOCKERFILES);
  if (places.size > kept.length) unread.push(`${places.size - kept.length} more Dockerfiles aren't shown`);
  let left = MAX_TEXT_BYTES;
  const dockerfiles = (await Promise.all(kept.map((place) => read(reader, place)))).map((fact): DockerfileFact => {
    const size = Buffer.byteLength(JSON.stringify(fact.text));
    if (size > left) return { ...fact, text: null, reason: "it is too large to be kept beside the others" };
    left -= size;
    return fact;
  });
  return { dockerfiles, unread };
}

/** @returns why it isn't known, or undefined where the build had no git source that is its signer's. */
function placeOf({ by, provenance, record, source }: AcceptedProvenance): DockerfilePlace | string | undefined {
  const built = record?.source;
  if (record === undefined || built?.commit === undefined || source !== "agrees") return undefined;
  const { args } = record.request;
  const { sourceRepositoryUri, sourceRepositoryIdentifier } = claimsOf(by.identity);
  const repository = sourceRepositoryUri ?? built.uri.replace(/\/$/, "").replace(/\.git$/, "");
  const files = distinct([args.filename, provenance.source?.path]);
  const asked = distinct([args.contextsubdir, built.subdirectory]);
  // What the steps copied from tells the directory only where the request doesn't: a build may copy from other ones as well.
  const directories = asked.length > 0 ? asked : [...new Set(contextsOf(record).map(pathOf))];
  if (files.length > 1 || directories.length > 1)
    return `where the Dockerfile is in ${repository} can't be told: the provenance names ${[...directories, ...files].join(", ").slice(0, 500)}`;
  const path = [directories[0] ?? "", files[0] ?? "Dockerfile"].filter((part) => part !== "").join("/");
  // Its author's to choose, without end and with whatever in it.
  if (path.length > MAX_PATH_LENGTH || path.includes("\0") || !path.isWellFormed())
    return `where the Dockerfile is in ${repository} can't be told: its path isn't one that git or anyone has`;
  return { repository, repositoryId: sourceRepositoryIdentifier, commit: built.commit, path };
}

function distinct(said: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(said.flatMap((path) => (path === undefined ? [] : [pathOf(path)])))];
}

async function read(reader: DockerfileReader, place: DockerfilePlace): Promise<DockerfileFact> {
  const { repository, commit, path } = place;
  const fact = (at: string, text: string | null, reason: string | null): DockerfileFact => {
    return { repository, commit, path: at, text, reason: reason?.slice(0, MAX_REASON_LENGTH) ?? null };
  };
  try {
    for (const at of namesOf(path)) {
      const bytes = await reader.readDockerfile({ ...place, path: at }, MAX_DOCKERFILE_BYTES);
      if (bytes === undefined) continue;
      if (bytes.length > MAX_DOCKERFILE_BYTES) return fact(at, null, `it is larger than ${MAX_DOCKERFILE_BYTES} bytes`);
      const text = textOf(bytes);
      return text === undefined ? fact(at, null, "it isn't UTF-8 text") : fact(at, text, null);
    }
    return fact(path, null, "the commit has no such file");
  } catch (error) {
    if (error instanceof BeyondLimit || error instanceof CouldNotLook) return fact(path, null, error.message);
    throw error;
  }
}

/** Where there is no `Dockerfile`, BuildKit takes a `dockerfile`. */
function namesOf(path: string): readonly string[] {
  return /(?:^|\/)Dockerfile$/.test(path) ? [path, path.replace(/Dockerfile$/, "dockerfile")] : [path];
}

/** Text that every reader sees alike, and that can be kept anywhere: the character zero can't. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}
