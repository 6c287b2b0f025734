import type { Digest } from "../image/digest.ts";
import type { ImageReference, PinnedImage } from "../image/reference.ts";
import type { AttestationSource, ImageReader, LayerReader } from "../trust/ports.ts";
import { createRepositoryAccess } from "./access.ts";
import type { Lookup } from "./address-guard.ts";
import { createAddressGuard } from "./address-guard.ts";
import { createAttestationSource } from "./attestations.ts";
import { createContent } from "./content.ts";
import { type ContentCaching, createContentCache } from "./content-cache.ts";
import type { CredentialSource } from "./credentials.ts";
import { createLayerReader } from "./layers.ts";
import { pushLayout } from "./layout.ts";
import type { Pusher } from "./push.ts";
import { createPusher } from "./push.ts";
import { createAuthority } from "./token.ts";
import type { SentRequest } from "./transport.ts";
import { createTransport } from "./transport.ts";

const DEFAULT_USER_AGENT = "trusted-builds";

/** What a client may do, and in whose name. */
export interface RegistryOptions {
  /** `HOST:PORT` entries that open the address guard; loopback hosts among them are spoken to in plain http. */
  readonly allowHosts: readonly string[];
  /** Nobody, if absent: anonymous tokens are fetched all the same. */
  readonly credentials?: CredentialSource;
  /** Ends every request: a walk's own limit. What it ends throws `timeout`. */
  readonly signal?: AbortSignal;
  readonly userAgent?: string;
  /** Told of each answer, for progress and counts. */
  readonly onRequest?: (request: SentRequest) => void;
  /** PEM certificates of authorities to trust instead of Node's own, for registries of a private network. */
  readonly authorities?: string;
  /** Names to addresses; the system's resolver if absent. The guard judges whatever it answers. */
  readonly lookup?: Lookup;
  /** Where content by digest outlives this client; for clients that only read. */
  readonly cache?: ContentCaching;
  /** How pauses between tries are made; real time if absent. */
  readonly pause?: (milliseconds: number) => Promise<void>;
}

/** A client of every OCI registry: it reads images and what was signed about them, and writes both. */
export interface RegistryClient extends ImageReader, LayerReader, AttestationSource, Pusher {
  /**
   * Finds out which image is meant, once: whoever asks carries the digest from there on, since tags move.
   *
   * @returns undefined if the repository can be read and holds no such image.
   * @throws {CouldNotLook} with the code of what went wrong at the image asked about.
   */
  resolve(reference: ImageReference): Promise<{ readonly pinned: PinnedImage } | undefined>;
  /** Pushes an OCI image layout: see `layout.ts`. */
  pushLayout(directory: string, target: ImageReference): Promise<Digest>;
  /**
   * Fetches what stands at an address that somebody else names: guarded and limited as everything is, and without any credentials.
   *
   * @param limit - in bytes.
   * @param what - For messages.
   * @throws {CouldNotLook} @throws {BeyondLimit}
   */
  download(url: URL, limit: number, what: string): Promise<{ readonly status: number; readonly body: Uint8Array }>;
  /** Waits until content is kept, and closes idle connections; without it they end by themselves after some seconds. */
  close(): Promise<void>;
}

/**
 * A client that asks for each digest once as long as it lives: one per walk or job.
 *
 * @throws {AllowedHostError} if an entry of `allowHosts` can't be read.
 */
export function createRegistryClient(options: RegistryOptions): RegistryClient {
  const guard = createAddressGuard(options.allowHosts, options.lookup);
  const transport = createTransport({
    guard,
    userAgent: options.userAgent ?? DEFAULT_USER_AGENT,
    signal: options.signal,
    onRequest: options.onRequest,
    authorities: options.authorities,
    pause: options.pause,
  });
  const authority = createAuthority(transport, options.credentials ?? (async () => undefined));
  const access = createRepositoryAccess(transport, authority, guard);
  const cache = createContentCache(access, options.cache);
  const content = createContent(access, cache);
  const pusher = createPusher(access, content);
  let closed: Promise<void> | undefined;
  return {
    readManifest: content.readManifest,
    readBlob: content.readBlob,
    resolve: async (reference) => {
      const pinned = await content.resolve(reference);
      return pinned === undefined ? undefined : { pinned };
    },
    ...createAttestationSource(access, content),
    ...createLayerReader(access),
    ...pusher,
    pushLayout: (directory, target) => pushLayout(pusher, directory, target),
    download: (url, limit, what) => transport.send({ method: "GET", url, limit, what, followRedirects: true }),
    close: () => {
      closed ??= cache.settled().then(transport.close);
      return closed;
    },
  };
}
