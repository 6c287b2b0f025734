import type { SerializedBundle } from "@sigstore/bundle";
import type { Digest } from "../../src/image/digest.ts";
import type { ImageReference } from "../../src/image/reference.ts";
import type { RegistryClient } from "../../src/registry/client.ts";
import { CouldNotLook, type CouldNotLookCode } from "../../src/trust/ports.ts";
import type { BuiltImage } from "./built-image.ts";
import { withRetries } from "./retry.ts";

/** What may be otherwise a moment later. `not-found-unproven`: some registries show a manifest only some time after it was written. */
const PASSING: ReadonlySet<CouldNotLookCode> = new Set([
  "network",
  "timeout",
  "server-error",
  "rate-limited",
  "not-found-unproven",
]);

/** A signed statement, and the digest it is about. */
export interface SignedStatement {
  readonly subject: Digest;
  readonly predicateType: string;
  readonly bundle: SerializedBundle;
}

/** A registry that takes what was built. */
export interface Publisher {
  /** Pushes everything under its digest; no tag moves. */
  pushByDigest(layout: string, index: Digest): Promise<void>;
  /** Hangs a bundle on its subject, where both ways of looking find it. @returns the digest of the manifest that carries it. */
  attach(signed: SignedStatement): Promise<Digest>;
  moveTag(tag: string, image: BuiltImage): Promise<void>;
}

/** Not all tags could be moved. */
export class TagError extends Error {
  readonly code = "tag-not-moved";
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "TagError";
  }
}

/**
 * @param repository - registry and repository alone.
 * @param warn - Told of what is tried again.
 * @param now - When the bundles were made, for their annotation.
 */
export function createPublisher(
  client: RegistryClient,
  repository: Pick<ImageReference, "registry" | "repository">,
  warn: (message: string) => void,
  now: () => Date,
): Publisher {
  const patiently = <T>(action: () => Promise<T>) =>
    withRetries(
      action,
      (error) => error instanceof CouldNotLook && PASSING.has(error.code),
      (error, pauseMs) => warn(`${(error as Error).message}; trying again in ${pauseMs / 1000} s`),
    );
  const { registry, repository: path } = repository;
  const name = { registry, repository: path };
  return {
    async pushByDigest(layout, index) {
      await patiently(() => client.pushLayout(layout, { ...name, digest: index }));
    },
    attach({ subject, predicateType, bundle }) {
      const artifact = {
        artifactType: bundle.mediaType,
        mediaType: bundle.mediaType,
        bytes: Buffer.from(JSON.stringify(bundle)),
        annotations: {
          "dev.sigstore.bundle.content": "dsse-envelope",
          "dev.sigstore.bundle.predicateType": predicateType,
          "org.opencontainers.image.created": now().toISOString(),
        },
      };
      return patiently(() => client.attachReferrer({ ...name, digest: subject }, artifact));
    },
    async moveTag(tag, { indexBytes, mediaType }) {
      try {
        await patiently(() => client.pushManifest({ ...name, tag }, indexBytes, mediaType));
      } catch (cause) {
        const message = `move the tag ${tag}: ${(cause as Error).message}; the image is in the registry by digest, signed`;
        throw new TagError(message, { cause });
      }
    },
  };
}
