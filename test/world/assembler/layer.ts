import { gunzipSync, gzipSync } from "node:zlib";
import { type Digest, digestOf } from "../../../src/image/digest.ts";
import { AssemblyFailed } from "./failure.ts";
import { readTar, type TarEntry, writeTar } from "./tar.ts";

/** A layer of an image. */
export interface Layer {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Of its content without compression. */
  readonly diffId: Digest;
  readonly bytes: Uint8Array;
}

const TAR_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip";
/** What the exporter makes of the types of a base, none of whose bytes change. */
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  [TAR_GZIP]: TAR_GZIP,
  "application/vnd.docker.image.rootfs.diff.tar.gzip": TAR_GZIP,
  "application/vnd.oci.image.layer.v1.tar": "application/vnd.oci.image.layer.v1.tar",
};

/** Where gzip says on which system it ran: the only byte that could differ. */
const SYSTEM_BYTE = 9;
const UNKNOWN_SYSTEM = 0xff;

/** Makes a layer: the same bytes for the same entries. */
export function makeLayer(entries: readonly TarEntry[]): Layer {
  const content = writeTar(entries);
  const bytes = gzipSync(content);
  bytes[SYSTEM_BYTE] = UNKNOWN_SYSTEM;
  return { mediaType: TAR_GZIP, digest: digestOf(bytes), diffId: digestOf(content), bytes };
}

/** A layer of a base, and what is in it. @throws {AssemblyFailed} for another compression than gzip, or bytes that aren't the `diffId`'s. */
export function readLayer(
  layer: Omit<Layer, "bytes">,
  bytes: Uint8Array,
): { readonly layer: Layer; readonly entries: readonly TarEntry[] } {
  const mediaType = MEDIA_TYPES[layer.mediaType];
  if (mediaType === undefined) throw new AssemblyFailed(`the layer ${layer.digest} is of type ${layer.mediaType}`);
  const content = mediaType === TAR_GZIP ? gunzipSync(bytes) : bytes;
  if (digestOf(content) !== layer.diffId) throw new AssemblyFailed(`the layer ${layer.digest} is not ${layer.diffId}`);
  return { layer: { ...layer, mediaType, bytes }, entries: readTar(content) };
}
