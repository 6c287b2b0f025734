import { homedir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { digestSchema } from "../../../src/image/descriptor.ts";
import type { Digest } from "../../../src/image/digest.ts";
import { type Manifest, parseManifest } from "../../../src/image/manifest.ts";
import { formatPlatform, type Platform, samePlatform } from "../../../src/image/platform.ts";
import {
  formatReference,
  type ImageReference,
  parseReference,
  pin,
  withDefaultTag,
} from "../../../src/image/reference.ts";
import { createRegistryClient, type RegistryClient } from "../../../src/registry/client.ts";
import { dockerCredentials } from "../../../src/registry/credentials.ts";
import { AssemblyFailed } from "./failure.ts";
import { applyLayer, type FileTree } from "./file-tree.ts";
import { type Layer, readLayer } from "./layer.ts";

/** Largest layer of a base that is read, in bytes: it is held in memory. */
const MAX_LAYER_BYTES = 256 * 1024 * 1024;
const MAX_CONFIG_BYTES = 1024 * 1024;

/** The registries of this machine: dockerd speaks plain http to them without being told. */
const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?$/;

/** What an image runs with; other fields go from base to child as they are. */
const runSchema = z.looseObject({
  Env: z.array(z.string()).nullish(),
  WorkingDir: z.string().nullish(),
});
const configSchema = z.looseObject({
  created: z.string().nullish(),
  config: runSchema.nullish(),
  history: z.array(z.looseObject({})).nullish(),
  rootfs: z.object({ diff_ids: z.array(digestSchema) }),
});

export type RunConfig = z.infer<typeof runSchema>;
export type History = Readonly<Record<string, unknown>>;

/** One platform of an image that others build on or copy from. */
export interface BaseImage {
  /** As it was asked for, with tag, digest or both. */
  readonly reference: ImageReference;
  /** What that was resolved to: of an image for several platforms the index. */
  readonly digest: Digest;
  readonly layers: readonly Layer[];
  readonly tree: FileTree;
  readonly run: RunConfig;
  readonly history: readonly History[];
  readonly created: string | undefined;
}

/** The images of registries, each read once. */
export interface BaseImages {
  /** @throws {AssemblyFailed} @throws {CouldNotLook} */
  read(name: string, platform: Platform): Promise<BaseImage>;
  close(): Promise<void>;
}

/** Reads with the logins of docker's client, and under the same guard as everything of this project. */
export function createBaseImages(env: Readonly<Record<string, string | undefined>>): BaseImages {
  const clients = new Map<string, RegistryClient>();
  const images = new Map<string, Promise<BaseImage>>();
  const allowed = (env.TRUSTED_BUILDS_ALLOW_HOSTS ?? "").split(/[\s,]+/).filter((host) => host !== "");
  const clientOf = (registry: string): RegistryClient => {
    const known = clients.get(registry);
    if (known !== undefined) return known;
    const client = createRegistryClient({
      allowHosts: LOOPBACK.test(registry) ? [...allowed, registry] : allowed,
      credentials: dockerCredentials({ configDirectory: env.DOCKER_CONFIG || join(env.HOME || homedir(), ".docker") }),
    });
    clients.set(registry, client);
    return client;
  };
  return {
    read(name, platform) {
      const key = `${name} ${formatPlatform(platform)}`;
      const reference = withDefaultTag(parseReference(name));
      const image = images.get(key) ?? readImage(clientOf(reference.registry), reference, platform);
      images.set(key, image);
      return image;
    },
    close: async () => {
      await Promise.all([...clients.values()].map((client) => client.close()));
    },
  };
}

async function readImage(client: RegistryClient, reference: ImageReference, platform: Platform): Promise<BaseImage> {
  const name = formatReference(reference);
  const found = await client.resolve(reference);
  if (found === undefined) throw new AssemblyFailed(`failed to resolve source metadata for ${name}: not found`);
  const { digest } = found.pinned;
  const manifest = await readManifest(client, reference, digest, platform);
  const blob = async (wanted: Digest, limit: number): Promise<Uint8Array> => {
    const bytes = await client.readBlob(pin(reference, digest), wanted, limit);
    if (bytes === undefined) throw new AssemblyFailed(`${name} has no blob ${wanted}`);
    return bytes;
  };
  const text = Buffer.from(await blob(manifest.config.digest, MAX_CONFIG_BYTES)).toString();
  const config = configSchema.parse(JSON.parse(text));
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== manifest.layers.length) throw new AssemblyFailed(`${name}: its layers and diff_ids disagree`);
  let tree: FileTree = new Map();
  const layers: Layer[] = [];
  for (const [index, diffId] of diffIds.entries()) {
    const { mediaType, digest: layerDigest } = manifest.layers[index]!;
    const bytes = await blob(layerDigest, MAX_LAYER_BYTES);
    const { layer, entries } = readLayer({ mediaType, digest: layerDigest, diffId }, bytes);
    layers.push(layer);
    tree = applyLayer(tree, entries);
  }
  const { created, history } = config;
  return {
    reference,
    digest,
    layers,
    tree,
    run: config.config ?? {},
    history: history ?? [],
    created: created ?? undefined,
  };
}

async function readManifest(
  client: RegistryClient,
  reference: ImageReference,
  digest: Digest,
  platform: Platform,
): Promise<Manifest> {
  const name = `${formatReference(reference)} (${digest})`;
  const stored = await client.readManifest(pin(reference, digest));
  if (stored === undefined) throw new AssemblyFailed(`${name}: not found`);
  const document = parseManifest(stored.bytes, { contentType: stored.contentType });
  if (document.kind === "manifest") return document;
  const entry = document.manifests.find((each) => each.platform !== undefined && samePlatform(each.platform, platform));
  if (entry === undefined) throw new AssemblyFailed(`${name}: no match for platform ${formatPlatform(platform)}`);
  return readManifest(client, reference, entry.digest, platform);
}
