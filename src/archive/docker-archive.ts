import { z } from "zod";
import type { Descriptor } from "../image/descriptor.ts";
import type { Digest } from "../image/digest.ts";
import { readDocument } from "../image/json.ts";
import { layoutBlobPath } from "../image/layout.ts";
import { ImageFormatError, type Manifest, parseManifest, readAsImage } from "../image/manifest.ts";
import { quote } from "../image/quote.ts";
import { formatReference, type ImageReference, withDefaultTag } from "../image/reference.ts";
import { BeyondLimit, CouldNotLook } from "../trust/ports.ts";
import { ArchiveError } from "./error.ts";
import type { Files } from "./files.ts";
import type { Layout } from "./layout.ts";
import { nameIn, namesOf } from "./names.ts";

/** Largest list of images that is read, in bytes. */
const MAX_LIST_BYTES = 4 * 1024 * 1024;
const LIST_FILE = "manifest.json";
/** The list that was before it; read by docker where the other is missing. */
const OLDER_LIST_FILE = "repositories";
/** Indexes inside indexes, as deep as the walk goes. */
const MAX_DEPTH = 4;

const listSchema = z.array(
  z.looseObject({ Config: z.string(), RepoTags: z.array(z.string()).nullish(), Layers: z.array(z.string()) }),
);

/**
 * Reads the names in what `docker save` wrote before version 25: a config and unpacked layers. The manifest that the registry has, and
 * that is signed, isn't in it, and can't be made from it: the digests of compressed layers are lost.
 *
 * @returns Every name in it.
 * @throws {ArchiveError} `unreadable` if it is no such archive. @throws {ImageFormatError} @throws {BeyondLimit}
 * @see moby image/spec/v1.2.md, "Combined Image JSON + Filesystem Changeset Format"
 */
export async function readOldNames(files: Files): Promise<readonly ImageReference[]> {
  const bytes = await files.read(LIST_FILE, MAX_LIST_BYTES);
  if (bytes === undefined) {
    throw new ArchiveError(
      "unreadable",
      `read ${files.place}: there is no ${LIST_FILE} in it, so docker didn't save it`,
    );
  }
  const list = readAsImage("the list of a docker archive", () => readDocument(listSchema, bytes));
  return list.flatMap(({ RepoTags }) => RepoTags ?? []).flatMap((text) => nameIn(text) ?? []);
}

/**
 * Whether an archive with a layout in it is another image for programs that read docker's own list: `docker load` and `podman load` take
 * that one, whatever `index.json` says. Each image of the list has to be one of the layout's, byte for byte, and to be called as there.
 *
 * @returns what contradicts, or undefined. @throws {ImageFormatError} @throws {BeyondLimit} of the list. @throws {CouldNotLook}
 */
export async function contradictionIn(files: Files, layout: Layout): Promise<string | undefined> {
  const bytes = await files.read(LIST_FILE, MAX_LIST_BYTES);
  if (bytes === undefined) {
    const older = await files.read(OLDER_LIST_FILE, MAX_LIST_BYTES);
    return older && `docker would read the image from ${OLDER_LIST_FILE} in it, which names no digests`;
  }
  const list = readAsImage("the list of a docker archive", () => readDocument(listSchema, bytes));
  const namesByImage = new Map<string, Set<string>>();
  for (const entry of layout.entries) {
    for (const { config, layers } of await manifestsIn(layout, entry.digest)) {
      const image = JSON.stringify([config, ...layers].map(({ digest }) => layoutBlobPath(digest)));
      const names = namesByImage.get(image) ?? new Set();
      for (const name of namesOf(entry)) names.add(wholeName(name));
      namesByImage.set(image, names);
    }
  }
  for (const { Config, Layers, RepoTags } of list) {
    const names = namesByImage.get(JSON.stringify([Config, ...Layers]));
    if (names === undefined)
      return `${LIST_FILE} in it, which docker reads, has an image of ${quote(Config)} that index.json doesn't lead to`;
    const other = (RepoTags ?? []).find((tag) => {
      const name = nameIn(tag);
      return name === undefined || !names.has(wholeName(name));
    });
    if (other !== undefined)
      return `${LIST_FILE} in it, which docker reads, calls an image ${quote(other)}, and index.json doesn't`;
  }
  return undefined;
}

function wholeName(name: ImageReference): string {
  return formatReference(withDefaultTag(name));
}

/** The images under an entry, those of a platform each. What can't be read is none that a list could agree with. */
async function manifestsIn(layout: Layout, digest: Digest): Promise<readonly Manifest[]> {
  const found: Manifest[] = [];
  let level: readonly Pick<Descriptor, "digest">[] = [{ digest }];
  for (let depth = 0; depth <= MAX_DEPTH && level.length > 0; depth++) {
    const documents = await Promise.all(level.map((each) => documentOf(layout, each.digest)));
    level = documents.flatMap((document) => (document?.kind === "index" ? document.manifests : []));
    found.push(...documents.flatMap((document) => (document?.kind === "manifest" ? [document] : [])));
  }
  return found;
}

async function documentOf(layout: Layout, digest: Digest) {
  try {
    const bytes = await layout.readManifest(digest);
    return bytes && parseManifest(bytes, {});
  } catch (error) {
    if (error instanceof ImageFormatError || error instanceof CouldNotLook || error instanceof BeyondLimit)
      return undefined;
    throw error;
  }
}
