import { z } from "zod";
import type { ImageUse } from "../image/dockerfile/reading.ts";
import { readDocument } from "../image/json.ts";
import { type ImageIndex, type Manifest, parseManifest, readAsImage } from "../image/manifest.ts";
import { normalizePlatform, type Platform, platformFallbacks, samePlatform } from "../image/platform.ts";
import { type ImageReference, type PinnedImage, pin } from "../image/reference.ts";
import { BeyondLimit, type ImageReader } from "../trust/ports.ts";

/** Largest config that is read, in bytes; as much as the walk reads. */
const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

/** Of a config only the instructions that wait for the next build. */
const configSchema = z.looseObject({
  config: z.looseObject({ OnBuild: z.array(z.string()).nullish() }).nullish(),
});

/** Where bases are to be had. */
export interface TriggerPorts {
  readonly images: ImageReader;
  /** @returns undefined if the repository can be read and doesn't hold it. @throws {CouldNotLook} @throws {BeyondLimit} */
  resolve(reference: ImageReference): Promise<PinnedImage | undefined>;
}

/**
 * The `ONBUILD` instructions in a base's config for the platform that it is used for. Of a base that isn't there, or not for that
 * platform, there are none: the forecast has a fault for it.
 *
 * @throws {CouldNotLook} @throws {BeyondLimit} @throws {ImageFormatError}
 */
export async function triggersOf(ports: TriggerPorts, { reference, platform }: ImageUse): Promise<readonly string[]> {
  const { digest } = reference;
  const image = digest === undefined ? await ports.resolve(reference) : pin(reference, digest);
  if (image === undefined) return [];
  const found = await read(ports.images, image, {});
  if (found === undefined) return [];
  const manifests: { readonly at: PinnedImage; readonly manifest: Manifest }[] = [];
  if (found.kind === "manifest") manifests.push({ at: image, manifest: found });
  else
    for (const { digest, mediaType } of entriesFor(found, platform)) {
      const at = pin(image, digest);
      const manifest = await read(ports.images, at, { mediaType });
      if (manifest?.kind === "index") throw new BeyondLimit("an index within an index, whose images aren't looked for");
      if (manifest !== undefined) manifests.push({ at, manifest });
    }
  const triggers: string[] = [];
  for (const { at, manifest } of manifests) {
    const bytes = await ports.images.readBlob(at, manifest.config.digest, MAX_CONFIG_BYTES);
    if (bytes === undefined) continue;
    triggers.push(...(readAsImage("an image's config", () => readDocument(configSchema, bytes)).config?.OnBuild ?? []));
  }
  return triggers;
}

async function read(
  images: ImageReader,
  image: PinnedImage,
  said: { readonly mediaType?: string },
): Promise<Manifest | ImageIndex | undefined> {
  const stored = await images.readManifest(image);
  return stored && parseManifest(stored.bytes, { ...said, contentType: stored.contentType });
}

/** Those that BuildKit would take one of: two for one platform are both looked at. */
function entriesFor({ manifests }: ImageIndex, platform: Platform): ImageIndex["manifests"] {
  for (const wanted of [normalizePlatform(platform), ...platformFallbacks(platform)]) {
    const found = manifests.filter((each) => each.platform !== undefined && samePlatform(each.platform, wanted));
    if (found.length > 0) return found;
  }
  return manifests.filter((each) => each.platform === undefined);
}
