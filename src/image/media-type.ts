/** @see OCI image-spec, media-types.md */
export const OCI_IMAGE_INDEX = "application/vnd.oci.image.index.v1+json";
/** One platform's image, or an artifact that took its form. */
export const OCI_IMAGE_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
/** The config of an image that runs; an artifact has another one. */
export const OCI_IMAGE_CONFIG = "application/vnd.oci.image.config.v1+json";
/** The two bytes `{}`: the config of an artifact that has none. */
export const OCI_EMPTY = "application/vnd.oci.empty.v1+json";

/** Docker's index. @see distribution, manifest-v2-2.md */
export const DOCKER_MANIFEST_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
/** Docker's manifest, schema 2. Schema 1 is read by nobody any more, and not by us. */
export const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
/** Docker's config; its content is what the OCI config grew from. */
export const DOCKER_IMAGE_CONFIG = "application/vnd.docker.container.image.v1+json";

/** Every form of manifest that we read: what a request to a registry says it accepts. */
export const MANIFEST_MEDIA_TYPES: readonly string[] = [
  OCI_IMAGE_INDEX,
  OCI_IMAGE_MANIFEST,
  DOCKER_MANIFEST_LIST,
  DOCKER_MANIFEST,
];

/** What runtimes unpack: containerd takes every media type of the first family for a layer, whatever follows. */
const LAYER_PREFIXES = ["application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs."];

/** @see OCI image-spec, layer.md, "Non-Distributable Layers"; distribution, manifest-v2-2.md */
const FOREIGN_PREFIXES = [
  "application/vnd.oci.image.layer.nondistributable.",
  "application/vnd.docker.image.rootfs.foreign.",
];

/** What stores answer that were never told what they hold. It says nothing, so nothing can disagree with it. */
const GENERIC_TYPES: ReadonlySet<string> = new Set([
  "",
  "application/octet-stream",
  "binary/octet-stream",
  "application/json",
  "text/json",
  "text/plain",
]);

/** Whether it is a list of manifests, of either family. */
export function isIndexType(mediaType: string): boolean {
  return mediaType === OCI_IMAGE_INDEX || mediaType === DOCKER_MANIFEST_LIST;
}

/** Whether it is a manifest with config and layers, of either family. */
export function isManifestType(mediaType: string): boolean {
  return mediaType === OCI_IMAGE_MANIFEST || mediaType === DOCKER_MANIFEST;
}

/** Whether it is of Docker's family, whose manifests must carry their own media type. */
export function isDockerType(mediaType: string): boolean {
  return mediaType.startsWith("application/vnd.docker.");
}

/** Whether it is the config of an image, so that its platform, diff_ids and history mean something. */
export function isImageConfigType(mediaType: string): boolean {
  return mediaType === OCI_IMAGE_CONFIG || mediaType === DOCKER_IMAGE_CONFIG;
}

/** Whether it is a layer of a file system. A media type is only its writer's word: it is no proof that something is none. */
export function isLayerType(mediaType: string): boolean {
  return LAYER_PREFIXES.some((prefix) => mediaType.startsWith(prefix));
}

/** Whether it is a layer that registries needn't hold, as those of Windows were: its content lies behind `urls`, if anywhere. */
export function isForeignLayerType(mediaType: string): boolean {
  return FOREIGN_PREFIXES.some((prefix) => mediaType.startsWith(prefix));
}

/**
 * What a Content-Type header says about a manifest.
 *
 * @returns undefined where it says nothing: empty, or one of the generic types that file stores put on everything.
 */
export function specificContentType(header: string): string | undefined {
  const mediaType = (header.split(";", 1)[0] ?? "").trim().toLowerCase();
  return GENERIC_TYPES.has(mediaType) ? undefined : mediaType;
}
