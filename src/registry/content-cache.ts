import { algorithmOf, type Digest, digestOf } from "../image/digest.ts";
import { parseJson } from "../image/json.ts";
import { isIndexType, isManifestType } from "../image/media-type.ts";
import type { StoredManifest } from "../trust/ports.ts";
import type { RepositoryAccess } from "./access.ts";
import type { Repository } from "./token.ts";

/** Largest content that is kept, in bytes: manifests, configs and bundles are far smaller. */
const MAX_CONTENT_BYTES = 8 * 1024 * 1024;

/** Under what something is kept. The repository belongs to it: whoever may read one may not read every other (RULES R15). */
export interface ContentKey {
  /** `registry/repository` */
  readonly repository: string;
  /** Registries hold them apart: a blob that reads like a manifest is none. */
  readonly kind: "manifest" | "blob";
  readonly digest: Digest;
}

/** Where content outlives a client. It is asked for bytes and believed nothing: they have the digest, or they aren't there. */
export interface ContentStore {
  /** @param limit - in bytes. @returns undefined where nothing is kept, or something larger. */
  readContent(key: ContentKey, limit: number): Promise<Uint8Array | undefined>;
  keepContent(key: ContentKey, bytes: Uint8Array): Promise<void>;
}

/** What a client may keep, and take again. */
export interface ContentCaching {
  readonly store: ContentStore;
  /**
   * `own`: all that this person can read; nobody else reads that store. `public`: only what was read without credentials; what somebody's
   * credentials show must not answer others who share the store.
   */
  readonly scope: "own" | "public";
}

/** The kept content, for one client. A store that fails is as good as an empty one. */
export interface ContentCache {
  readManifest(where: Repository, digest: Digest): Promise<StoredManifest | undefined>;
  keepManifest(where: Repository, digest: Digest, manifest: StoredManifest): void;
  readBlob(where: Repository, digest: Digest, limit: number): Promise<Uint8Array | undefined>;
  keepBlob(where: Repository, digest: Digest, bytes: Uint8Array): void;
  /** Waits until all is kept. */
  settled(): Promise<void>;
}

/**
 * Content by digest never changes, and whether we may see it does: nothing is taken from the store before this client has proven that it
 * can read the repository now (RULES R15). So the first read of each repository goes there, and what is kept of others stays unseen.
 */
export function createContentCache(access: RepositoryAccess, caching: ContentCaching | undefined): ContentCache {
  const keeping = new Set<Promise<void>>();
  const mayUse = async (where: Repository) =>
    caching !== undefined && (caching.scope === "own" || (await access.isAnonymous(where)));

  const read = async (
    where: Repository,
    kind: ContentKey["kind"],
    digest: Digest,
    limit: number,
  ): Promise<Uint8Array | undefined> => {
    if (caching === undefined || !access.hasProof(where)) return undefined;
    try {
      if (!(await mayUse(where))) return undefined;
      const bytes = await caching.store.readContent(keyOf(where, kind, digest), Math.min(limit, MAX_CONTENT_BYTES));
      // Whoever can write there can change it, and disks do: what has another digest is something else (RULES R23).
      const isIt = bytes !== undefined && bytes.length <= limit && digestOf(bytes, algorithmOf(digest)) === digest;
      return isIt ? bytes : undefined;
    } catch {
      return undefined;
    }
  };

  const keep = (where: Repository, kind: ContentKey["kind"], digest: Digest, bytes: Uint8Array): void => {
    if (caching === undefined || bytes.length > MAX_CONTENT_BYTES) return;
    const kept = (async () => {
      if (await mayUse(where)) await caching.store.keepContent(keyOf(where, kind, digest), bytes);
    })().catch(() => {});
    keeping.add(kept);
    kept.then(() => keeping.delete(kept));
  };

  return {
    async readManifest(where, digest) {
      const bytes = await read(where, "manifest", digest, MAX_CONTENT_BYTES);
      const contentType = bytes === undefined ? undefined : ownType(bytes);
      return bytes === undefined || contentType === undefined ? undefined : { bytes, contentType };
    },
    keepManifest(where, digest, { bytes, contentType }) {
      // The registry's word for the type isn't under the digest. Where the manifest says the same itself, nothing else is to be kept.
      if (ownType(bytes) === contentType) keep(where, "manifest", digest, bytes);
    },
    readBlob: (where, digest, limit) => read(where, "blob", digest, limit),
    keepBlob: (where, digest, bytes) => keep(where, "blob", digest, bytes),
    async settled() {
      await Promise.all(keeping);
    },
  };
}

function keyOf({ registry, repository }: Repository, kind: ContentKey["kind"], digest: Digest): ContentKey {
  return { repository: `${registry}/${repository}`, kind, digest };
}

/** The media type that a manifest says itself, if it is one. */
function ownType(bytes: Uint8Array): string | undefined {
  try {
    const document = parseJson(bytes);
    const type = (document as { readonly mediaType?: unknown } | null)?.mediaType;
    return typeof type === "string" && (isIndexType(type) || isManifestType(type)) ? type : undefined;
  } catch {
    return undefined;
  }
}
