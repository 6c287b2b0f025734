import type { Readable } from "node:stream";
import type { Digest } from "../image/digest.ts";
import { algorithmOf, digestOf, isDigest } from "../image/digest.ts";
import { parseManifest } from "../image/manifest.ts";
import { OCI_EMPTY, OCI_IMAGE_INDEX, OCI_IMAGE_MANIFEST } from "../image/media-type.ts";
import type { ImageReference, PinnedImage } from "../image/reference.ts";
import { CouldNotLook } from "../trust/ports.ts";
import type { RepositoryAccess, RepositoryRequest } from "./access.ts";
import { unexpected } from "./access.ts";
import type { Content } from "./content.ts";
import { RegistryError } from "./error.ts";
import { createFallbackLists } from "./fallback-lists.ts";
import { listByApi } from "./referrers.ts";
import type { Repository } from "./token.ts";
import type { Answer } from "./transport.ts";

/** How long one upload may take, in milliseconds: layers are large, and lines slow. */
const UPLOAD_TIMEOUT_MS = 15 * 60_000;

/** Answers to uploads have no body worth reading, in bytes. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** What a registry answers that lets no manifest be deleted. @see distribution-spec, "Deleting Manifests" */
const KEEPS_ALL_STATUSES: readonly number[] = [400, 405, 501];

const EMPTY_CONFIG = Buffer.from("{}");

/** A file to upload. */
export interface BlobSource {
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
  /** Opens the content anew: an upload may have to be tried again. */
  open(): Readable;
}

/** Something to hang on an image. */
export interface Artifact {
  readonly artifactType: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Writes to registries. */
export interface Pusher {
  /** Uploads the blob, unless it is there already. */
  pushBlob(where: Repository, blob: Uint8Array | BlobSource): Promise<Digest>;
  /**
   * Writes a manifest under its digest, or under the reference's tag if it has one.
   * @throws {RegistryError} `digest-mismatch` if the registry stored something else.
   */
  pushManifest(reference: ImageReference, bytes: Uint8Array, mediaType: string): Promise<Digest>;
  /**
   * Hangs an artifact on an image, such that both ways of finding it do: by the referrers API where the registry has it, else by
   * the fallback tag.
   *
   * @returns The digest of the artifact's manifest.
   * @throws {RegistryError} `not-found-unproven` if the image isn't there.
   */
  attachReferrer(subject: PinnedImage, artifact: Artifact): Promise<Digest>;
  /**
   * Takes away what hangs on an image: out of the fallback tag, and out of the registry. It is done as well if it was gone before.
   *
   * @param manifest - What {@link attachReferrer} gave.
   * @returns false if the registry lets nothing be deleted; out of the fallback tag it is then all the same.
   */
  detachReferrer(subject: PinnedImage, manifest: Digest): Promise<boolean>;
}

/** The writing side of one client. */
export function createPusher(access: RepositoryAccess, content: Content): Pusher {
  const send = (where: Repository, request: Omit<RepositoryRequest, "action" | "limit">) =>
    access.send(where, { ...request, action: "push", limit: MAX_ANSWER_BYTES });

  const pushBlob = async (where: Repository, blob: Uint8Array | BlobSource): Promise<Digest> => {
    const inMemory = blob instanceof Uint8Array;
    const { digest, size } = inMemory ? { digest: digestOf(blob), size: blob.length } : blob;
    const what = `push of blob ${digest}`;
    const there = await send(where, { method: "HEAD", target: `blobs/${digest}`, what });
    // A redirect says so too: to where the content is.
    if (there.status === 200 || (there.status >= 301 && there.status <= 308)) return digest;
    const headers = { "content-length": "0" };
    const begun = await send(where, { method: "POST", target: "blobs/uploads/", headers, what });
    const location = begun.status === 202 ? URL.parse(begun.header("location") ?? "", begun.url.href) : null;
    if (location === null) throw unexpected(where, what, begun, "202 with a Location");
    location.searchParams.set("digest", digest);
    const done = await send(where, {
      method: "PUT",
      target: location,
      headers: { "content-type": "application/octet-stream", "content-length": String(size) },
      body: inMemory ? blob : () => blob.open(),
      timeoutMs: UPLOAD_TIMEOUT_MS,
      what,
    });
    if (done.status !== 201) throw unexpected(where, what, done, "201");
    return digest;
  };

  const put = async (
    where: Repository,
    reference: string,
    bytes: Uint8Array,
    mediaType: string,
    headers = {},
  ): Promise<Answer> =>
    send(where, {
      method: "PUT",
      target: `manifests/${reference}`,
      headers: { "content-type": mediaType, ...headers },
      body: bytes,
      what: `push of manifest ${reference}`,
    });

  const lists = createFallbackLists(content, (where, tag, bytes, headers) =>
    put(where, tag, bytes, OCI_IMAGE_INDEX, headers),
  );

  const putChecked = async (where: Repository, reference: string, bytes: Uint8Array, mediaType: string) => {
    const answer = await put(where, reference, bytes, mediaType);
    const what = `push of manifest ${reference}`;
    if (answer.status !== 201) throw unexpected(where, what, answer, "201");
    const digest = digestOf(bytes);
    const stored = answer.header("docker-content-digest");
    if (stored !== undefined && stored !== digest && !isSameContent(bytes, stored)) {
      throw new RegistryError(
        "digest-mismatch",
        `${what} of ${where.registry}/${where.repository}: the registry stored ${stored} instead of ${digest}`,
      );
    }
    return { digest, answer };
  };

  const pushManifest = async (reference: ImageReference, bytes: Uint8Array, mediaType: string): Promise<Digest> => {
    const digest = digestOf(bytes, algorithmOf(reference.digest ?? digestOf(bytes)));
    if (reference.digest !== undefined && reference.digest !== digest) {
      throw new RegistryError(
        "digest-mismatch",
        `push of manifest ${reference.digest}: the bytes have the digest ${digest}; nothing was sent`,
      );
    }
    await putChecked(reference, reference.tag ?? digest, bytes, mediaType);
    return digest;
  };

  const attachReferrer = async (subject: PinnedImage, artifact: Artifact): Promise<Digest> => {
    const what = `attach an artifact to ${subject.digest}`;
    const stored = await content.readManifest(subject);
    if (stored === undefined) {
      throw new RegistryError(
        "not-found-unproven",
        `${what} of ${subject.registry}/${subject.repository}: the image is not there; push it first`,
      );
    }
    const { mediaType } = parseManifest(stored.bytes, { contentType: stored.contentType });
    const [config, layer] = await Promise.all([pushBlob(subject, EMPTY_CONFIG), pushBlob(subject, artifact.bytes)]);
    const annotations = artifact.annotations ?? {};
    const bytes = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: OCI_IMAGE_MANIFEST,
        artifactType: artifact.artifactType,
        config: { mediaType: OCI_EMPTY, digest: config, size: EMPTY_CONFIG.length },
        layers: [{ mediaType: artifact.mediaType, digest: layer, size: artifact.bytes.length }],
        subject: { mediaType, digest: subject.digest, size: stored.bytes.length },
        annotations,
      }),
    );
    const { digest, answer } = await putChecked(subject, digestOf(bytes), bytes, OCI_IMAGE_MANIFEST);
    // Amazon's registry answers OCI-Subject without having the API, so its word alone isn't enough.
    if (answer.header("oci-subject") === subject.digest && (await isListed(subject, digest))) return digest;
    const entry = {
      mediaType: OCI_IMAGE_MANIFEST,
      digest,
      size: bytes.length,
      artifactType: artifact.artifactType,
      annotations,
    };
    await lists.add(subject, entry);
    return digest;
  };

  const isListed = async (subject: PinnedImage, digest: Digest): Promise<boolean> => {
    try {
      const { referrers } = await listByApi(access, subject);
      return referrers.some((referrer) => referrer.digest === digest);
    } catch (error) {
      if (error instanceof CouldNotLook) return false;
      throw error;
    }
  };

  const detachReferrer = async (subject: PinnedImage, manifest: Digest): Promise<boolean> => {
    // The list first: whoever reads it in between would find an entry without a manifest.
    await lists.remove(subject, manifest);
    const what = `delete manifest ${manifest}`;
    const answer = await access.send(subject, {
      method: "DELETE",
      target: `manifests/${manifest}`,
      action: "delete",
      limit: MAX_ANSWER_BYTES,
      what,
    });
    if (KEEPS_ALL_STATUSES.includes(answer.status)) return false;
    if (answer.status !== 202 && answer.status !== 404) throw unexpected(subject, what, answer, "202 or 404");
    return true;
  };

  return { pushBlob, pushManifest, attachReferrer, detachReferrer };
}

function isSameContent(bytes: Uint8Array, stored: string): boolean {
  return isDigest(stored) && digestOf(bytes, algorithmOf(stored)) === stored;
}
