import { z } from "zod";
import { readDocument } from "../image/json.ts";
import { readAsImage } from "../image/manifest.ts";
import type { ImageReference } from "../image/reference.ts";
import { ArchiveError } from "./error.ts";
import type { Files } from "./files.ts";
import { nameIn } from "./names.ts";

/** Largest list of images that is read, in bytes. */
const MAX_LIST_BYTES = 4 * 1024 * 1024;
const LIST_FILE = "manifest.json";

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
