import { z } from "zod";
import type { Digest } from "./digest.ts";
import { algorithmOf, hexOf } from "./digest.ts";
import { readDocument } from "./json.ts";
import type { ImageIndex } from "./manifest.ts";
import { ImageFormatError, parseManifest, readAsImage } from "./manifest.ts";
import { OCI_IMAGE_INDEX } from "./media-type.ts";

/** The file that makes a folder an image layout. @see OCI image-spec, image-layout.md */
export const LAYOUT_FILE = "oci-layout";

/** The file that lists what the layout holds. */
export const LAYOUT_INDEX_FILE = "index.json";

const layoutSchema = z.looseObject({ imageLayoutVersion: z.literal("1.0.0") });

/**
 * Checks the content of `oci-layout`: the one version there is.
 *
 * @throws {ImageFormatError} of `manifest.ts`
 */
export function checkLayout(bytes: Uint8Array): void {
  readAsImage("an image layout's oci-layout", () => readDocument(layoutSchema, bytes));
}

/**
 * Reads `index.json` of a layout. No digest vouches for that file: what it lists is only where to start.
 *
 * @throws {ImageFormatError} of `manifest.ts`
 */
export function parseLayoutIndex(bytes: Uint8Array): ImageIndex {
  const index = parseManifest(bytes, { mediaType: OCI_IMAGE_INDEX });
  if (index.kind === "index") return index;
  throw new ImageFormatError("media-type-mismatch", "read index.json of an image layout: it is a manifest");
}

/** Where a layout keeps the bytes of a digest, relative to its root; safe as a path, since a digest is hexadecimal. */
export function layoutBlobPath(digest: Digest): string {
  return `blobs/${algorithmOf(digest)}/${hexOf(digest)}`;
}
