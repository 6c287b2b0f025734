import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Descriptor } from "../image/descriptor.ts";
import type { Digest } from "../image/digest.ts";
import { algorithmOf, digestOf, hexOf } from "../image/digest.ts";
import { checkLayout, LAYOUT_FILE, LAYOUT_INDEX_FILE, layoutBlobPath, parseLayoutIndex } from "../image/layout.ts";
import { parseManifest } from "../image/manifest.ts";
import { isIndexType, isManifestType } from "../image/media-type.ts";
import type { ImageReference } from "../image/reference.ts";
import { BeyondLimit } from "../trust/ports.ts";
import { MAX_MANIFEST_BYTES } from "./content.ts";
import type { Pusher } from "./push.ts";

/** Indexes inside indexes; builders make one. */
const MAX_DEPTH = 4;

/** Why a layout was not pushed: a fact about the folder, not about the registry. */
export type LayoutErrorCode =
  /** It lists several images, or none, or not the one asked for. */
  | "ambiguous-layout"
  /** A file is missing, or not the one that its name and its descriptor say. */
  | "broken-layout";

/** The folder is no image layout that can be pushed. */
export class LayoutError extends Error {
  readonly code: LayoutErrorCode;
  constructor(code: LayoutErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "LayoutError";
    this.code = code;
  }
}

/**
 * Pushes what an image layout holds: blobs first, then manifests from the leaves up, each by digest; the tag last, so that it
 * never points at half an image.
 *
 * @param target - With a digest, that entry of the layout is pushed; else it must hold one alone. With a tag, the tag is moved.
 * @returns The digest of the image that was pushed.
 * @throws {LayoutError} before anything of the broken part is sent. @throws {RegistryError}
 */
export async function pushLayout(pusher: Pusher, directory: string, target: ImageReference): Promise<Digest> {
  checkLayout(await readSmall(directory, LAYOUT_FILE));
  const { manifests } = parseLayoutIndex(await readSmall(directory, LAYOUT_INDEX_FILE));
  const wanted = manifests.filter(({ digest }) => target.digest === undefined || digest === target.digest);
  const [root] = wanted;
  if (root === undefined || new Set(wanted.map(({ digest }) => digest)).size > 1) {
    const what = `push the image layout ${directory}: it lists ${wanted.length} images that could be meant`;
    throw new LayoutError("ambiguous-layout", `${what}; name one by digest`);
  }
  const { registry, repository, tag } = target;
  const where = { registry, repository };
  const done = new Map<Digest, Promise<void>>();
  const blobs = new Map<Digest, Promise<void>>();

  const pushTree = async (descriptor: Descriptor, depth: number): Promise<void> => {
    const bytes = await readSmall(directory, layoutBlobPath(descriptor.digest), descriptor);
    const manifest = parseManifest(bytes, { mediaType: descriptor.mediaType });
    if (depth > MAX_DEPTH)
      throw new LayoutError(
        "broken-layout",
        `push the image layout ${directory}: indexes nest deeper than ${MAX_DEPTH}`,
      );
    const children = manifest.kind === "index" ? manifest.manifests : [manifest.config, ...manifest.layers];
    await Promise.all(
      children.map((child) => {
        const isTree = manifest.kind === "index" && (isIndexType(child.mediaType) || isManifestType(child.mediaType));
        // Layers that may not be distributed are fetched from their own addresses by whoever runs the image.
        if (!isTree && child.urls !== undefined && child.urls.length > 0) return undefined;
        return isTree
          ? share(done, child.digest, () => pushTree(child, depth + 1))
          : share(blobs, child.digest, () => pushFile(child));
      }),
    );
    await pusher.pushManifest({ ...where, digest: descriptor.digest }, bytes, manifest.mediaType);
  };

  const pushFile = async (descriptor: Descriptor): Promise<void> => {
    const path = join(directory, layoutBlobPath(descriptor.digest));
    await checkFile(path, descriptor);
    await pusher.pushBlob(where, {
      digest: descriptor.digest,
      size: descriptor.size,
      open: () => createReadStream(path),
    });
  };

  await pushTree(root, 0);
  if (tag !== undefined) {
    const bytes = await readSmall(directory, layoutBlobPath(root.digest), root);
    await pusher.pushManifest({ ...where, tag }, bytes, parseManifest(bytes, { mediaType: root.mediaType }).mediaType);
  }
  return root.digest;
}

function share(running: Map<Digest, Promise<void>>, digest: Digest, start: () => Promise<void>): Promise<void> {
  const known = running.get(digest) ?? start();
  running.set(digest, known);
  return known;
}

/** Reads a document of the layout, and compares it with its descriptor where it has one. */
async function readSmall(directory: string, path: string, descriptor?: Descriptor): Promise<Uint8Array> {
  const file = await open(join(directory, path)).catch((cause: unknown) => {
    throw new LayoutError("broken-layout", `read ${path} of the image layout ${directory}: there is no such file`, {
      cause,
    });
  });
  try {
    const { size } = await file.stat();
    if (size > MAX_MANIFEST_BYTES)
      throw new BeyondLimit(`read ${path} of the image layout ${directory}: larger than ${MAX_MANIFEST_BYTES} bytes`);
    const bytes = await file.readFile();
    if (descriptor !== undefined && digestOf(bytes, algorithmOf(descriptor.digest)) !== descriptor.digest) {
      throw new LayoutError(
        "broken-layout",
        `read ${path} of the image layout ${directory}: its content has another digest`,
      );
    }
    return bytes;
  } finally {
    await file.close();
  }
}

/** Hashes a blob before it is sent: what a registry refuses at the end of an upload was sent for nothing. */
async function checkFile(path: string, { digest, size }: Descriptor): Promise<void> {
  const hash = createHash(algorithmOf(digest));
  try {
    if ((await stat(path)).size !== size) throw new Error(`it does not have ${size} bytes`);
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  } catch (cause) {
    throw new LayoutError(
      "broken-layout",
      `read ${path}: ${cause instanceof Error ? cause.message : "it can't be read"}`,
      { cause },
    );
  }
  if (hash.digest("hex") !== hexOf(digest))
    throw new LayoutError("broken-layout", `read ${path}: its content has another digest`);
}
