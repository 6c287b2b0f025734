import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Digest, digestOf } from "../../../src/image/digest.ts";
import { LAYOUT_FILE, LAYOUT_INDEX_FILE, layoutBlobPath } from "../../../src/image/layout.ts";
import { OCI_IMAGE_CONFIG, OCI_IMAGE_INDEX, OCI_IMAGE_MANIFEST } from "../../../src/image/media-type.ts";
import type { Platform } from "../../../src/image/platform.ts";
import { formatReference, type ImageReference } from "../../../src/image/reference.ts";
import type { Assembled } from "./follow.ts";
import type { Layer } from "./layer.ts";

const IN_TOTO = "application/vnd.in-toto+json";

/** Some bytes of the layout. */
export interface Stored {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
}

/** An OCI image layout that grows. */
export interface ImageLayout {
  /** The config and the manifest of one platform, with the layers. */
  addImage(image: Assembled, platform: Platform): Promise<Stored>;
  /** The manifest that holds a statement about another. */
  addAttestation(statement: unknown): Promise<Stored>;
  /** The index, and the list of what the layout holds: once for each tag, as BuildKit has it. */
  finish(
    platforms: readonly { readonly image: Stored; readonly attestation: Stored; readonly platform: Platform }[],
    tags: readonly ImageReference[],
    now: string,
  ): Promise<Stored>;
}

/** @throws an Error of Node's if the directory holds a layout already. */
export async function createImageLayout(directory: string): Promise<ImageLayout> {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, LAYOUT_FILE), '{"imageLayoutVersion":"1.0.0"}', { flag: "wx" });
  const add = async (mediaType: string, content: Uint8Array | string): Promise<Stored> => {
    const bytes = Buffer.from(content);
    const digest = digestOf(bytes);
    const path = join(directory, layoutBlobPath(digest));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const addManifest = (config: Stored, layers: readonly unknown[]) =>
    add(OCI_IMAGE_MANIFEST, indented({ schemaVersion: 2, mediaType: OCI_IMAGE_MANIFEST, config, layers }));

  return {
    async addImage({ layers, run, history, created }, platform) {
      const config = {
        ...fieldsOf(platform),
        config: run,
        ...(created !== undefined && { created }),
        history,
        rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
      };
      const stored = await add(OCI_IMAGE_CONFIG, JSON.stringify(config));
      return addManifest(stored, await Promise.all(layers.map(({ mediaType, bytes }: Layer) => add(mediaType, bytes))));
    },
    async addAttestation(statement) {
      const layer = await add(IN_TOTO, JSON.stringify(statement));
      const config = {
        ...fieldsOf({ os: "unknown", architecture: "unknown" }),
        config: {},
        rootfs: { type: "layers", diff_ids: [layer.digest] },
      };
      const annotations = { "in-toto.io/predicate-type": "https://slsa.dev/provenance/v1" };
      return addManifest(await add(OCI_IMAGE_CONFIG, JSON.stringify(config)), [{ ...layer, annotations }]);
    },
    async finish(platforms, tags, now) {
      const manifests = [
        ...platforms.map(({ image, platform }) => ({ ...image, platform: fieldsOf(platform) })),
        ...platforms.map(({ image, attestation }) => ({
          ...attestation,
          annotations: {
            "vnd.docker.reference.digest": image.digest,
            "vnd.docker.reference.type": "attestation-manifest",
          },
          platform: fieldsOf({ os: "unknown", architecture: "unknown" }),
        })),
      ];
      const index = await add(OCI_IMAGE_INDEX, indented({ schemaVersion: 2, mediaType: OCI_IMAGE_INDEX, manifests }));
      const entries = tags.map((reference) => ({
        ...index,
        annotations: {
          "io.containerd.image.name": formatReference(reference),
          "org.opencontainers.image.created": now.replace(/\.\d+Z$/, "Z"),
          "org.opencontainers.image.ref.name": reference.tag,
        },
      }));
      const list = { schemaVersion: 2, mediaType: OCI_IMAGE_INDEX, manifests: entries };
      await writeFile(join(directory, LAYOUT_INDEX_FILE), JSON.stringify(list), { flag: "wx" });
      return index;
    },
  };
}

function fieldsOf({ os, architecture, variant }: Platform) {
  return { architecture, os, ...(variant && { variant }) };
}

function indented(value: unknown): string {
  return JSON.stringify(value, undefined, 2);
}
