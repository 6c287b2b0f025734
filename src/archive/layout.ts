import { type Artifact, readArtifact } from "../attestation/artifact.ts";
import type { Descriptor } from "../image/descriptor.ts";
import type { Digest } from "../image/digest.ts";
import { algorithmOf, digestOf } from "../image/digest.ts";
import { checkLayout, LAYOUT_FILE, LAYOUT_INDEX_FILE, layoutBlobPath, parseLayoutIndex } from "../image/layout.ts";
import { ImageFormatError, parseManifest } from "../image/manifest.ts";
import { isIndexType, isManifestType } from "../image/media-type.ts";
import { BeyondLimit, CouldNotLook } from "../trust/ports.ts";
import { ArchiveError } from "./error.ts";
import type { Files } from "./files.ts";

/** Largest manifest or index that is read, in bytes (DESIGN §7). */
const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
/** Manifests that are looked at to find out what refers to what. */
const MAX_MANIFESTS = 2000;
/** Indexes inside indexes: `index.json`, a list of referrers or an image's index in it, and room for more. */
const MAX_DEPTH = 4;

/** An OCI image layout. Whatever it answers for a digest has that digest (RULES R23). */
export interface Layout {
  readonly place: string;
  /** What `index.json` lists. No digest vouches for that file, nor for the names in it. */
  readonly entries: readonly Descriptor[];
  /**
   * @param limit - In bytes.
   * @returns undefined if the layout doesn't hold it.
   * @throws {CouldNotLook} `digest-mismatch`, `unreadable-file`. @throws {BeyondLimit}
   */
  readBlob(digest: Digest, limit: number): Promise<Uint8Array | undefined>;
  /** Its stored bytes as they are, by {@link Files.pour}: whether they have the digest is for whoever takes them to find out. */
  pourBlob(digest: Digest, size: number, take: (piece: Uint8Array) => Promise<void>): ReturnType<Files["pour"]>;
  /** {@link readBlob} within the limit for manifests. */
  readManifest(digest: Digest): Promise<Uint8Array | undefined>;
  /** Everything that can be reached from `index.json`, looked through once. */
  contents(): Promise<LayoutContents>;
}

/** What is in a layout beside its images. */
export interface LayoutContents {
  /** By what they refer to. */
  readonly referrers: ReadonlyMap<Digest, readonly FoundArtifact[]>;
  /** Entries of `index.json` that refer to something: none of them is the image that is meant. */
  readonly referring: ReadonlySet<Digest>;
  /** At least so many manifests weren't looked at. */
  readonly omitted: number;
  /** What is listed and couldn't be read: it might have referred to anything. */
  readonly failures: readonly CouldNotLook[];
}

/** A manifest that refers to an image. */
export interface FoundArtifact {
  readonly digest: Digest;
  readonly document: Pick<Artifact, "annotations" | "layers">;
}

/**
 * Opens what is an image layout by its own word.
 *
 * @throws {ArchiveError} @throws {ImageFormatError} if `index.json` can be read in two ways, or in none. @throws {BeyondLimit}
 */
export async function openLayout(files: Files): Promise<Layout> {
  const { place } = files;
  const [marker, list] = [
    await files.read(LAYOUT_FILE, MAX_MANIFEST_BYTES),
    await files.read(LAYOUT_INDEX_FILE, MAX_MANIFEST_BYTES),
  ];
  if (marker === undefined || list === undefined) {
    const missing = marker === undefined ? LAYOUT_FILE : LAYOUT_INDEX_FILE;
    throw new ArchiveError("unreadable", `read ${place}: there is no ${missing} in it, so it is no OCI image layout`);
  }
  checkLayout(marker);
  const { manifests: entries } = parseLayoutIndex(list);

  const readBlob = async (digest: Digest, limit: number) => {
    const bytes = await files.read(layoutBlobPath(digest), limit);
    if (bytes === undefined || digestOf(bytes, algorithmOf(digest)) === digest) return bytes;
    throw new CouldNotLook(
      "digest-mismatch",
      `read ${layoutBlobPath(digest)} in ${place}: its content has another digest; copy or save the image again`,
    );
  };
  const readManifest = (digest: Digest) => readBlob(digest, MAX_MANIFEST_BYTES);
  let contents: Promise<LayoutContents> | undefined;
  return {
    place,
    entries,
    readBlob,
    readManifest,
    pourBlob: (digest, size, take) => files.pour(layoutBlobPath(digest), size, take),
    contents: () => {
      contents ??= lookThrough(entries, readManifest, place);
      return contents;
    },
  };
}

async function lookThrough(
  entries: readonly Descriptor[],
  read: Layout["readManifest"],
  place: string,
): Promise<LayoutContents> {
  const referrers = new Map<Digest, FoundArtifact[]>();
  const referring = new Set<Digest>();
  const failures: CouldNotLook[] = [];
  const top = new Set(entries.map(({ digest }) => digest));
  const seen = new Set<Digest>();
  let omitted = 0;
  let level = entries.map(({ digest }) => digest);
  for (let depth = 0; depth <= MAX_DEPTH && level.length > 0; depth++) {
    const below: Digest[] = [];
    for (const digest of level) {
      if (seen.has(digest)) continue;
      if (seen.size >= MAX_MANIFESTS) {
        omitted++;
        continue;
      }
      seen.add(digest);
      try {
        const bytes = await read(digest);
        if (bytes === undefined) {
          // Entries of an image's index may be missing: whoever saved one platform has the others' names only.
          if (top.has(digest))
            failures.push(
              new CouldNotLook("offline", `read ${digest} of ${place}: it is listed there, and isn't in it`),
            );
          continue;
        }
        const artifact = readArtifact(bytes);
        if (artifact.kind === "malformed") continue;
        const { subject, annotations, layers } = artifact.document;
        if (subject) {
          const found = referrers.get(subject.digest) ?? [];
          referrers.set(subject.digest, [...found, { digest, document: { annotations, layers } }]);
          if (top.has(digest)) referring.add(digest);
        } else below.push(...entriesOf(bytes));
      } catch (error) {
        if (error instanceof CouldNotLook) failures.push(error);
        else if (error instanceof BeyondLimit) omitted++;
        else throw error;
      }
    }
    level = below;
  }
  return { referrers, referring, omitted: omitted + level.filter((digest) => !seen.has(digest)).length, failures };
}

/** The manifests in an index; none for what is no index that we read. */
function entriesOf(bytes: Uint8Array): readonly Digest[] {
  try {
    const document = parseManifest(bytes, {});
    if (document.kind === "manifest") return [];
    return document.manifests.flatMap(({ mediaType, digest }) =>
      isIndexType(mediaType) || isManifestType(mediaType) ? [digest] : [],
    );
  } catch (error) {
    if (error instanceof ImageFormatError) return [];
    throw error;
  }
}
