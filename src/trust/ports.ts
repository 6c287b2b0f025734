import type { MalformedAttestation, UnsignedStatement } from "../attestation/artifact.ts";
import type { UnverifiedBundle } from "../attestation/bundle.ts";
import type { FulcioExtensions, SignerIdentity } from "../attestation/identity.ts";
import type { SignerKey } from "../attestation/public-key.ts";
import type { Statement } from "../attestation/statement.ts";
import type { Descriptor } from "../image/descriptor.ts";
import type { Digest, DigestAlgorithm } from "../image/digest.ts";
import type { PinnedImage } from "../image/reference.ts";

/** Why something could not be looked at. None of these says anything about the image. */
export type CouldNotLookCode =
  /** No connection, or one that broke. */
  | "network"
  /** No answer in time, of one request or of the whole walk. */
  | "timeout"
  /** 5xx, or an answer that the protocol does not know. */
  | "server-error"
  /** 429, after the waits that it asked for. */
  | "rate-limited"
  /** 401 or 403: we may not read there (RULES R15). */
  | "credentials-refused"
  /** 404 where read access is not proven: it could be hidden from us (RULES R15). */
  | "not-found-unproven"
  /** The address is not public and nobody allowed it (DESIGN §7). */
  | "address-refused"
  /** Twice the registry sent bytes that don't have the digest asked for, or a file on disk has others (RULES R23). */
  | "digest-mismatch"
  /** It isn't on disk, and nothing of it may be fetched. */
  | "offline"
  /** A file on disk that is there and can't be read. */
  | "unreadable-file"
  /** A roots feed that policy takes up, and that may name the image, can't be read. */
  | "feed-unread"
  /** What is served in its place isn't its signer's, or can't be used. */
  | "feed-refused"
  /** The server that was asked in the place of a walk has no signed answer. */
  | "no-answer"
  /** What it serves isn't its signer's answer on this image, or is too old. */
  | "answer-refused";

/**
 * We could not look. Never a verdict: the walk makes it the finding `unreachable`, and whoever asked tries again.
 * Adapters throw it (or a subclass), with what was tried, on what, and what came back in the message.
 */
export class CouldNotLook extends Error {
  readonly code: CouldNotLookCode;
  constructor(code: CouldNotLookCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CouldNotLook";
    this.code = code;
  }
}

/** Something is larger than the limit for its kind (DESIGN §7). It was looked at, and it is too much: a fact, and a fault. */
export class BeyondLimit extends Error {
  readonly code = "limit";
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "BeyondLimit";
  }
}

/** The bytes under a digest, and what the registry said they are. */
export interface StoredManifest {
  readonly bytes: Uint8Array;
  /** The Content-Type of the answer without parameters, or "" where there was none. */
  readonly contentType: string;
}

/** Reads images by digest. Whatever it answers has the digest that was asked for. */
export interface ImageReader {
  /**
   * @returns undefined if the repository can be read and holds no such manifest.
   * @throws {CouldNotLook} @throws {BeyondLimit} above 4 MiB.
   */
  readManifest(image: PinnedImage): Promise<StoredManifest | undefined>;
  /**
   * @param limit - in bytes.
   * @returns undefined if the repository can be read and holds no such blob.
   * @throws {CouldNotLook} @throws {BeyondLimit}
   */
  readBlob(image: PinnedImage, digest: Digest, limit: number): Promise<Uint8Array | undefined>;
}

/** What is in a layer whose stored bytes have, whole, the digest that was asked for. */
export type UnpackedLayer =
  | {
      readonly kind: "unpacked";
      readonly contentDigest: Digest /** Of the content, in bytes. */;
      readonly size: number;
    }
  /** Nobody can unpack it: cut off, damaged, or with something behind its end. */
  | { readonly kind: "broken"; readonly reason: string }
  /** Not every reader would unpack it in the same way, or we can't. */
  | { readonly kind: "unknown"; readonly reason: string };

/** Unpacks layers, to hash what is in them (RULES R21). */
export interface LayerReader {
  /**
   * @param algorithm - By which the content is to be hashed.
   * @param limit - Of the content, in bytes.
   * @returns undefined if the repository can be read and holds no such blob.
   * @throws {CouldNotLook} also where the bytes don't have the layer's digest and size. @throws {BeyondLimit}
   */
  unpackLayer(
    image: PinnedImage,
    layer: Descriptor,
    algorithm: DigestAlgorithm,
    limit: number,
  ): Promise<UnpackedLayer | undefined>;
}

/** An image that was accepted under a policy, as far as its layers go (RULES R22). */
export interface KnownImage {
  /** Without tag and digest. */
  readonly name: string;
  /** Of the platform's manifest. */
  readonly digest: Digest;
  /** The index that it was taken from. */
  readonly index?: Digest;
  /** Of all its layers. */
  readonly chainId: Digest;
  /** How many they are. */
  readonly layers: number;
  /** Whose word its accepted statements are; none for what policy takes without a word. */
  readonly origins: readonly string[];
  /** The earliest proven time at which one of them was signed. */
  readonly signedAt?: Date;
}

/** Remembers images that were accepted before. */
export interface KnownImages {
  /** Which they are, for people; it stands in the verdict. */
  readonly description: string;
  /** @returns those that were accepted under this very policy, and whose layers as a whole have one of these chain ids. */
  findByChain(policy: Digest, chainIds: readonly Digest[]): Promise<readonly KnownImage[]>;
}

/** Fetches what stands at the address of a roots feed. Nothing of it is believed. */
export interface FeedSource {
  /**
   * @param limit - in bytes.
   * @throws {CouldNotLook} @throws {BeyondLimit}
   */
  fetchFeed(url: string, limit: number): Promise<Uint8Array>;
}

/** Keeps the newest feed that was seen, so that an older one is known for what it is. What comes from there is verified like any other. */
export interface FeedShelf {
  /** @returns undefined where none was kept, or it can't be read any more. Never throws. */
  readFeed(key: Digest): Promise<Uint8Array | undefined>;
  /** Never throws: a feed that can't be kept holds all the same. */
  keepFeed(key: Digest, bytes: Uint8Array): Promise<void>;
}

/** One place where something signed may stand. Anyone may have put it there (RULES R15). */
export interface AttestationCandidate {
  /** Where, for people: `referrer sha256:…`, `tag sha256-….att, layer 2`. */
  readonly where: string;
  /**
   * What stands there. Content that cannot be understood is a value, not an exception.
   * @throws {CouldNotLook} @throws {BeyondLimit}
   */
  read(): Promise<readonly (UnverifiedBundle | UnsignedStatement | MalformedAttestation)[]>;
}

/** All that refers to a digest. */
export interface AttestationListing {
  /** The likeliest first; at most 200. */
  readonly candidates: readonly AttestationCandidate[];
  /** How many more there were. */
  readonly omitted: number;
  /** The places that could not be looked at. They matter only where nothing sufficient was found elsewhere (RULES R15). */
  readonly failures: readonly CouldNotLook[];
}

/** Finds what was signed about a digest. */
export interface AttestationSource {
  /** Looks in every place; one that fails is told among `failures` and hides no other. */
  listAttestations(image: PinnedImage): Promise<AttestationListing>;
}

/** Knows which branch of a source repository is the default one; certificates don't say (RULES R5). */
export interface DefaultBranches {
  /**
   * @param source - The certificate's extensions: repository URI and numeric id.
   * @returns The branch's name; undefined if the repository now answers under another id.
   * @throws {CouldNotLook}
   */
  readDefaultBranch(source: FulcioExtensions): Promise<string | undefined>;
}

/** Knows the numbers that GitHub gives to names, which survive renames and don't change hands (RULES R8). */
export interface RepositoryNumbers {
  /**
   * @param server - Its URL.
   * @returns The repository that answers to the name, be it that it has another one now.
   * @throws {CouldNotLook}
   */
  readRepository(
    server: string,
    owner: string,
    name: string,
  ): Promise<{ readonly fullName: string; readonly id: number; readonly ownerId: number }>;
  /** @throws {CouldNotLook} */
  readAccount(server: string, name: string): Promise<{ readonly login: string; readonly id: number }>;
}

/** Checks the cryptography of a bundle, and nothing else: neither subject nor signer has been compared with anything. */
export interface BundleVerifier {
  /**
   * Never throws: whatever goes wrong inside is a rejection.
   *
   * @param keys - Those that the asker's policy names, beside the verifier's own.
   */
  verifyBundle(
    bundle: UnverifiedBundle,
    keys?: readonly SignerKey[],
  ): VerifiedStatement | RejectedBundle | Promise<VerifiedStatement | RejectedBundle>;
}

/** A statement, who made it, and when, all proven. Only the verifier makes one. */
export interface VerifiedStatement {
  readonly kind: "verified";
  readonly statement: Statement;
  readonly identity: SignerIdentity;
  /** Every proven time of signing; may be empty for a key without log or timestamp (RULES R12). */
  readonly times: readonly Date[];
  /** SHA-256 of the bundle's bytes. */
  readonly bundle: Digest;
  /** Which trusted root it stands on, for people. */
  readonly trustedRoot: string;
}

/** A bundle that no trusted root accepts. */
export interface RejectedBundle {
  readonly kind: "rejected";
  readonly code: RejectionCode;
  readonly reason: string;
}

/** Which check of the cryptography failed. */
export type RejectionCode =
  /** Not a bundle, or not one of a known version. */
  | "malformed-bundle"
  /** The signature does not fit the content. */
  | "signature"
  /** The certificate: chain, validity at the time of signing, or its own form. */
  | "certificate"
  /** The certificate transparency log's promise. */
  | "sct"
  /** The transparency log's entry: missing, not included, or about something else. */
  | "log-entry"
  /** No proven time, or a token that does not verify. */
  | "timestamp"
  /** The key is not the one given. */
  | "key"
  /** It signs something that is no in-toto statement. */
  | "payload-type"
  /** The signed statement cannot be read in one way only (RULES R23). */
  | "malformed-statement"
  /** The certificate's extensions cannot be read (RULES R6). */
  | "malformed-extension";
