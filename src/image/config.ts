import { z } from "zod";
import { digestSchema, platformOf, platformPartSchema } from "./descriptor.ts";
import type { Digest } from "./digest.ts";
import { readDocument } from "./json.ts";
import type { Manifest } from "./manifest.ts";
import { ImageFormatError, readAsImage } from "./manifest.ts";
import type { Platform } from "./platform.ts";
import { isUnknown } from "./platform.ts";

/** What an image says of itself; of all that runs it, only what a verdict needs. @see OCI image-spec, config.md */
export interface ImageConfig {
  readonly platform: Platform;
  /** Digests of the uncompressed layers, the base's first. The builder's word until someone unpacks them. */
  readonly diffIds: readonly Digest[];
  /** Empty where the builder wrote none. */
  readonly history: readonly HistoryEntry[];
  /** Copied freely from base to child: they prove nothing. */
  readonly labels: Readonly<Record<string, string>>;
  /** As written, unchecked. */
  readonly created?: string;
}

/** One step of a build. */
export interface HistoryEntry {
  /** It left no layer behind. */
  readonly emptyLayer: boolean;
  readonly createdBy?: string;
}

// Below `config` only what is used here is looked at: what an image runs with is not for us to judge.
const runSchema = z.looseObject({ Labels: z.record(z.string(), z.string()).nullish() });

const configSchema = z.looseObject({
  // Empty would mean "the machine that reads this" to containerd.
  os: platformPartSchema.min(1),
  architecture: platformPartSchema.min(1),
  variant: platformPartSchema.nullish(),
  "os.version": z.string().max(128).nullish(),
  "os.features": z.array(z.string().max(128)).max(64).nullish(),
  created: z.string().nullish(),
  config: runSchema.nullish(),
  rootfs: z.looseObject({ type: z.literal("layers"), diff_ids: z.array(digestSchema).nullable() }),
  history: z.array(z.looseObject({ empty_layer: z.boolean().nullish(), created_by: z.string().nullish() })).nullish(),
});

/**
 * Reads the config of an image; an artifact's config is another kind of document, and refused.
 *
 * @throws {ImageFormatError}
 */
export function parseConfig(bytes: Uint8Array): ImageConfig {
  const document = readAsImage("an image's config", () => readDocument(configSchema, bytes));
  return {
    platform: platformOf(document),
    diffIds: document.rootfs.diff_ids ?? [],
    history: (document.history ?? []).map(({ empty_layer, created_by }) => ({
      emptyLayer: empty_layer ?? false,
      ...(created_by && { createdBy: created_by }),
    })),
    labels: document.config?.Labels ?? {},
    ...(document.created && { created: document.created }),
  };
}

/** Whether it is the config that BuildKit before 0.32 gave attestation manifests. Anyone can write it: it proves nothing (RULES R24). */
export function isAttestationConfig(config: ImageConfig): boolean {
  return isUnknown(config.platform);
}

/**
 * Holds manifest and config to one number of layers (RULES R21). A config that tells fewer or more diff_ids than there are layers
 * would put the seam between base and child in the wrong place.
 *
 * @throws {ImageFormatError} `counts-disagree`
 */
export function checkCounts(manifest: Manifest, config: ImageConfig): void {
  const layers = manifest.layers.length;
  const diffIds = config.diffIds.length;
  // History is optional, but whoever writes it writes it whole.
  const steps = config.history.length === 0 ? layers : config.history.filter((entry) => !entry.emptyLayer).length;
  if (layers === diffIds && layers === steps) return;
  throw new ImageFormatError(
    "counts-disagree",
    `compared manifest and config: ${layers} layers, ${diffIds} diff_ids, ${steps} steps of history that left a layer`,
  );
}
