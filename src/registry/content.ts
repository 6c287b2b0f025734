import type { Digest } from "../image/digest.ts";
import { algorithmOf, digestOf, isDigest } from "../image/digest.ts";
import { MANIFEST_MEDIA_TYPES } from "../image/media-type.ts";
import type { ImageReference, PinnedImage } from "../image/reference.ts";
import { pin } from "../image/reference.ts";
import type { StoredManifest } from "../trust/ports.ts";
import type { RepositoryAccess } from "./access.ts";
import { unexpected } from "./access.ts";
import type { ContentCache } from "./content-cache.ts";
import { addressForPeople, RegistryError } from "./error.ts";
import type { Repository } from "./token.ts";
import type { Answer } from "./transport.ts";

/** Largest manifest or index that is read, in bytes (DESIGN §7): what registries must accept. */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;

/** Content that is kept in memory, in bytes; beyond it the oldest goes. A walk's manifests and configs are far smaller. */
const MAX_KEPT_BYTES = 256 * 1024 * 1024;

/** Wrong bytes are asked for once more (RULES R23): a proxy or a broken connection may be to blame. */
const TRIES_FOR_WRONG_BYTES = 2;

/** What the protocol's `Accept` header says for manifests. */
const ACCEPT_MANIFESTS = MANIFEST_MEDIA_TYPES.join(", ");

/** A manifest that was found under a name. */
export interface FoundManifest extends StoredManifest {
  readonly digest: Digest;
  /** For a conditional write; a weak one can't be compared for that (RFC 9110 §13.1.1), and is left out. */
  readonly etag?: string;
}

/** Reads what registries hold, each digest once. Nothing leaves it that doesn't have the digest asked for (RULES R23). */
export interface Content {
  /** @returns undefined if it is provably absent. */
  readManifest(image: PinnedImage): Promise<StoredManifest | undefined>;
  /** @param limit - in bytes. @returns undefined if it is provably absent. */
  readBlob(where: Repository, digest: Digest, limit: number): Promise<Uint8Array | undefined>;
  /** Reads what stands under a tag now; tags move, so it is never kept. @returns undefined if it is provably absent. */
  readTag(where: Repository, tag: string): Promise<FoundManifest | undefined>;
  /** The pinned image, and its manifest already read. @returns undefined if it is provably absent. */
  resolve(reference: ImageReference): Promise<PinnedImage | undefined>;
}

/**
 * The content of all registries for one client.
 *
 * @param cache - What earlier clients read. Tags and lists are never in it.
 */
export function createContent(access: RepositoryAccess, cache: ContentCache): Content {
  const manifests = createShelf<StoredManifest>(({ bytes }) => bytes.length);
  const blobs = createShelf<Uint8Array>((bytes) => bytes.length);

  /** Fetches until the bytes are the right ones, or the tries are spent. */
  const fetchChecked = async <T>(
    where: Repository,
    what: string,
    fetch: () => Promise<Answer>,
    check: (answer: Answer) => T | undefined,
  ): Promise<T | undefined> => {
    let answer: Answer | undefined;
    for (let tries = 0; tries < TRIES_FOR_WRONG_BYTES; tries += 1) {
      const reading = access.beginRead(where);
      try {
        answer = await fetch();
        const checked = answer.status === 200 ? check(answer) : undefined;
        if (checked !== undefined) {
          access.noteRead(where);
          return checked;
        }
      } finally {
        reading.end();
      }
      if (answer.status === 404) return absent(access, where, what);
      if (answer.status !== 200) throw unexpected(where, what, answer, "200 or 404");
    }
    const url = answer === undefined ? {} : { url: addressForPeople(answer.url) };
    throw new RegistryError(
      "digest-mismatch",
      `${what} of ${where.registry}/${where.repository}: twice the bytes that came don't have that digest; ask the registry's operator`,
      url,
    );
  };

  const getManifest = (where: Repository, reference: string, what: string) =>
    access.send(where, {
      method: "GET",
      target: `manifests/${reference}`,
      action: "pull",
      headers: { accept: ACCEPT_MANIFESTS },
      limit: MAX_MANIFEST_BYTES,
      what,
    });

  const readManifest = (image: PinnedImage) =>
    manifests.take(`${image.registry}/${image.repository}@${image.digest}`, async () => {
      const kept = await cache.readManifest(image, image.digest);
      if (kept !== undefined) return kept;
      const what = `manifest ${image.digest}`;
      const fetched = await fetchChecked(
        image,
        what,
        () => getManifest(image, image.digest, what),
        (answer) =>
          has(answer.body, image.digest) ? { bytes: answer.body, contentType: contentTypeOf(answer) } : undefined,
      );
      if (fetched !== undefined) cache.keepManifest(image, image.digest, fetched);
      return fetched;
    });

  const readTag = (where: Repository, tag: string) => {
    const what = `tag ${tag}`;
    return fetchChecked(
      where,
      what,
      () => getManifest(where, tag, what),
      (answer): FoundManifest | undefined => {
        const said = answer.header("docker-content-digest") ?? digestOf(answer.body);
        if (!isDigest(said) || !has(answer.body, said)) return undefined;
        // A login page or a proxy's notice is no word of the registry's, and would be judged as a broken image.
        if (!looksLikeJson(answer.body)) throw unexpected(where, what, answer, "a manifest");
        const etag = answer.header("etag");
        const found = { digest: said, bytes: answer.body, contentType: contentTypeOf(answer) };
        return etag === undefined || etag.startsWith("W/") ? found : { ...found, etag };
      },
    );
  };

  const resolve = async (reference: ImageReference): Promise<PinnedImage | undefined> => {
    if (reference.digest !== undefined) {
      const image = pin(reference, reference.digest);
      return (await readManifest(image)) === undefined ? undefined : image;
    }
    const found = await readTag(reference, reference.tag ?? "latest");
    if (found === undefined) return undefined;
    const image = pin(reference, found.digest);
    // The bytes are here and have that digest: asking again by digest would only cost time.
    await manifests.take(`${image.registry}/${image.repository}@${image.digest}`, async () => found);
    return image;
  };

  const readBlob = (where: Repository, digest: Digest, limit: number) =>
    blobs.take(`${where.registry}/${where.repository}@${digest} ${limit}`, async () => {
      const kept = await cache.readBlob(where, digest, limit);
      if (kept !== undefined) return kept;
      const what = `blob ${digest}`;
      const fetched = await fetchChecked(
        where,
        what,
        () => access.send(where, { method: "GET", target: `blobs/${digest}`, action: "pull", limit, what }),
        (answer) => (has(answer.body, digest) ? answer.body : undefined),
      );
      if (fetched !== undefined) cache.keepBlob(where, digest, fetched);
      return fetched;
    });

  return { readManifest, readBlob, readTag, resolve };
}

/**
 * What a 404 means: absence where reading is proven to be allowed, and nothing at all elsewhere (RULES R15).
 * @throws {RegistryError} `not-found-unproven`
 */
export async function absent(access: RepositoryAccess, where: Repository, what: string): Promise<undefined> {
  if (await access.isReadable(where)) return undefined;
  throw new RegistryError(
    "not-found-unproven",
    `${what} of ${where.registry}/${where.repository}: not found, and it is not proven that we may read there; log in to ${where.registry}, or check the name`,
    { status: 404 },
  );
}

function has(bytes: Uint8Array, digest: Digest): boolean {
  return digestOf(bytes, algorithmOf(digest)) === digest;
}

function contentTypeOf(answer: Answer): string {
  return (answer.header("content-type")?.split(";", 1)[0] ?? "").trim();
}

function looksLikeJson(bytes: Uint8Array): boolean {
  return /^\s*\{/.test(Buffer.from(bytes.subarray(0, 64)).toString("latin1"));
}

/** Keeps what was fetched, and lets concurrent askers share one fetch. Failures and absence are not kept: both can pass. */
function createShelf<T>(sizeOf: (value: T) => number): {
  take(key: string, fetch: () => Promise<T | undefined>): Promise<T | undefined>;
} {
  const kept = new Map<string, Promise<T | undefined>>();
  const sizes = new Map<string, number>();
  let total = 0;
  const drop = (key: string) => {
    total -= sizes.get(key) ?? 0;
    sizes.delete(key);
    kept.delete(key);
  };
  return {
    take: (key, fetch) => {
      const held = kept.get(key);
      if (held !== undefined) return held;
      const fetched = fetch();
      kept.set(key, fetched);
      fetched.then(
        (value) => {
          if (value === undefined) return drop(key);
          sizes.set(key, sizeOf(value));
          total += sizeOf(value);
          for (const oldest of sizes.keys()) {
            if (total <= MAX_KEPT_BYTES) break;
            drop(oldest);
          }
        },
        () => drop(key),
      );
      return fetched;
    },
  };
}
