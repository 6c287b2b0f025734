import { X509Certificate } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { type TrustMaterial, toTrustMaterial, VerificationError } from "@sigstore/verify";
import { z } from "zod";
import { type Digest, digestOf } from "../image/digest.ts";
import { readDocument } from "../image/json.ts";
import { messageOf } from "./rejection.ts";
import { rememberChain } from "./remembered.ts";

/** Largest trusted root that is read, in bytes; the largest known one has 32 KiB. */
const MAX_TRUSTED_ROOT_BYTES = 1024 * 1024;

/** What a root asks of every certificate-signed bundle: the least number of each. */
export interface Thresholds {
  /** Entries in its transparency logs. */
  readonly tlog: 0 | 1;
  /** Promises of its certificate transparency logs. */
  readonly ctlog: 0 | 1;
  /** RFC 3161 timestamps of its authorities, where no log could tell the time. */
  readonly tsa: 0 | 1;
}

/** One Sigstore instance: whom it trusts, and how much it asks. Each stands alone (DESIGN §4.1). */
export interface TrustedRootProfile {
  /** For people: shown beside what was verified with it. */
  readonly name: string;
  /** SHA-256 of the file's bytes, by which caches and evidence know it. */
  readonly digest: Digest;
  /** The file's bytes, so that it can be handed on with what was verified by it. */
  readonly bytes: Uint8Array;
  readonly thresholds: Thresholds;
  /** Parsed once; the keys and certificates in it are used as they are for every bundle. */
  readonly material: TrustMaterial;
}

/** Why a trusted root cannot be used. */
export type TrustedRootErrorCode =
  /** Too large, not JSON, read in two ways, or not of the form. */
  | "malformed"
  /** A log or authority that doesn't say since when it is to be trusted. */
  | "no-validity-start"
  /** A key or certificate that the cryptography cannot read. */
  | "unusable-key";

/** The trusted root is the operator's own file: without it nothing is judged. */
export class TrustedRootError extends Error {
  readonly code: TrustedRootErrorCode;
  constructor(code: TrustedRootErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "TrustedRootError";
    this.code = code;
  }
}

const bytes = z.base64().min(4);
const time = z.iso.datetime({ offset: true });
const validFor = z
  .looseObject({ start: time.nullish(), end: time.nullish() })
  .refine(
    ({ start, end }) => start == null || end == null || new Date(start) <= new Date(end),
    "it ends before it starts",
  );
const log = z.looseObject({
  baseUrl: z.string(),
  hashAlgorithm: z.enum(["SHA2_256"]),
  publicKey: z.looseObject({ rawBytes: bytes, keyDetails: z.string(), validFor: validFor.nullish() }),
  logId: z.looseObject({ keyId: bytes }),
});
const authority = z.looseObject({
  uri: z.string().nullish(),
  certChain: z.looseObject({ certificates: z.array(z.looseObject({ rawBytes: bytes })).min(1) }),
  validFor: validFor.nullish(),
});
const document = z.looseObject({
  mediaType: z.enum([
    "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "application/vnd.dev.sigstore.trustedroot.v0.1+json",
    "application/vnd.dev.sigstore.trustedroot.v0.2+json",
  ]),
  tlogs: z.array(log).nullish(),
  ctlogs: z.array(log).nullish(),
  certificateAuthorities: z.array(authority).nullish(),
  timestampAuthorities: z.array(authority).nullish(),
});

/**
 * Reads a trusted root and derives what it asks of a bundle: a root with transparency logs asks for an entry in one of them, one
 * with certificate transparency logs for a promise, one without logs for a timestamp. Some proven time it asks for always.
 *
 * A log or authority without `validFor.start` is refused: protobuf-specs leaves only the end optional, and the library would take
 * the missing start for the beginning of time, so that a key could vouch for what was signed before it existed.
 *
 * @param name - The file's name, or what else people know it by.
 * @throws {TrustedRootError}
 */
export function parseTrustedRoot(fileBytes: Uint8Array, name: string): TrustedRootProfile {
  const root = readForm(fileBytes, name);
  requireStarts(root, name);
  const material = toMaterial(root, name);
  const logs = material.tlogs.length > 0;
  return {
    name,
    digest: digestOf(fileBytes),
    bytes: fileBytes,
    thresholds: { tlog: logs ? 1 : 0, ctlog: material.ctlogs.length > 0 ? 1 : 0, tsa: logs ? 0 : 1 },
    material,
  };
}

/** When the roots that come with the program were taken, at the latest (roots/README.md). */
export const SHIPPED_ROOTS_TAKEN = new Date("2026-08-31T00:00:00Z");

let shipped: readonly TrustedRootProfile[] | undefined;

/**
 * The roots that come with the program: the public good instance and GitHub's own. They are as old as the release; an operator
 * gives newer ones (roots/README.md).
 *
 * @throws {TrustedRootError}
 */
export function shippedTrustedRoots(): readonly TrustedRootProfile[] {
  shipped ??= readShippedRoots();
  return shipped;
}

function readShippedRoots(): readonly TrustedRootProfile[] {
  const folder = new URL("./roots/", import.meta.url);
  const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
  // The public good instance signs most of what there is: try it first.
  return files
    .sort()
    .reverse()
    .map((file) => parseTrustedRoot(readFileSync(new URL(file, folder)), file.replace(".json", "")));
}

function readForm(fileBytes: Uint8Array, name: string): z.infer<typeof document> {
  if (fileBytes.length > MAX_TRUSTED_ROOT_BYTES) {
    throw new TrustedRootError(
      "malformed",
      `read trusted root ${name}: ${fileBytes.length} bytes, and the limit is ${MAX_TRUSTED_ROOT_BYTES}`,
    );
  }
  try {
    return readDocument(document, fileBytes);
  } catch (cause) {
    throw new TrustedRootError("malformed", `read trusted root ${name}: ${messageOf(cause)}; get the file anew`, {
      cause,
    });
  }
}

function requireStarts(root: z.infer<typeof document>, name: string): void {
  const ranges = {
    tlogs: root.tlogs?.map((entry) => entry.publicKey.validFor),
    ctlogs: root.ctlogs?.map((entry) => entry.publicKey.validFor),
    certificateAuthorities: root.certificateAuthorities?.map((entry) => entry.validFor),
    timestampAuthorities: root.timestampAuthorities?.map((entry) => entry.validFor),
  };
  for (const [list, entries] of Object.entries(ranges)) {
    const without = entries?.findIndex((range) => range?.start == null) ?? -1;
    if (without < 0) continue;
    const where = `${list}[${without}]`;
    throw new TrustedRootError(
      "no-validity-start",
      `read trusted root ${name}: ${where} has no validFor.start; add since when it is to be trusted`,
    );
  }
}

function toMaterial(root: z.infer<typeof document>, name: string): TrustMaterial {
  try {
    const parsed = TrustedRoot.fromJSON(root);
    for (const { certChain } of [...parsed.certificateAuthorities, ...parsed.timestampAuthorities]) {
      // The library reads certificates lazily; a broken one is to be found now, not at the first bundle.
      for (const { rawBytes } of certChain?.certificates ?? []) new X509Certificate(rawBytes);
    }
    const material = toTrustMaterial(parsed, refuseKeys);
    for (const { certChain } of [...material.certificateAuthorities, ...material.timestampAuthorities]) {
      for (const certificate of certChain) rememberChain(certificate);
    }
    return material;
  } catch (cause) {
    throw new TrustedRootError("unusable-key", `read trusted root ${name}: ${messageOf(cause)}; get the file anew`, {
      cause,
    });
  }
}

/** A root knows no keys by hint: a key is trusted only where someone gave it. */
function refuseKeys(hint: string): never {
  throw new VerificationError({
    code: "PUBLIC_KEY_ERROR",
    message: `no key was given for ${JSON.stringify(hint.slice(0, 100))}`,
  });
}
