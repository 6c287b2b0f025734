import type { ImageReference } from "../../src/image/reference.ts";
import type { OciRegistry } from "../../test/world/oci-registry.ts";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

interface Manifest {
  readonly config: { readonly digest: string };
  readonly layers: readonly { readonly digest: string }[];
}

/** Somebody's copy of an image, changed a little and pushed without a word: it runs, and nothing is signed about it. */
export function pushByHand(registry: OciRegistry, from: ImageReference, to: ImageReference): void {
  const read = (digest: string) => Buffer.from(registry.read(from.repository, digest));
  const index = JSON.parse(read(registry.readTag(from.repository, from.tag ?? "") ?? "").toString()) as {
    manifests: readonly { digest: string; platform?: { os: string } }[];
  };
  const platform = index.manifests.find((each) => each.platform?.os === "linux");
  const manifest = JSON.parse(read(platform?.digest ?? "").toString()) as Manifest;
  for (const { digest } of manifest.layers) registry.putBlob(to.repository, read(digest));
  const config = JSON.parse(read(manifest.config.digest).toString());
  const changed = Buffer.from(JSON.stringify({ ...config, author: "somebody" }));
  const digest = registry.putBlob(to.repository, changed);
  const pushed = { ...manifest, config: { ...manifest.config, digest, size: changed.length } };
  registry.putManifest(to.repository, Buffer.from(JSON.stringify(pushed)), MANIFEST, to.tag);
}
