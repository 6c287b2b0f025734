import { z } from "zod";
import type { Digest } from "../image/digest.ts";
import { digestOf } from "../image/digest.ts";
import type { JsonErrorCode } from "../image/json.ts";
import { JsonError, parseJson, readValue } from "../image/json.ts";
import { envelopeSchema } from "./envelope.ts";

/** Largest bundle that is read, in bytes: BuildKit's largest provenance (40 MiB) in base64, and room for proofs. */
const MAX_BUNDLE_BYTES = 64 * 1024 * 1024;

/** Most parts of its JSON. What is large in a bundle is one text; anyone may put one beside an image, and no signature is looked at before. */
const MAX_BUNDLE_PARTS = 50_000;

/** Versions 0.1 to 0.3; 0.3 in both of its spellings. */
const BUNDLE_MEDIA_TYPES: ReadonlySet<string> = new Set([
  "application/vnd.dev.sigstore.bundle+json;version=0.1",
  "application/vnd.dev.sigstore.bundle+json;version=0.2",
  "application/vnd.dev.sigstore.bundle+json;version=0.3",
  "application/vnd.dev.sigstore.bundle.v0.3+json",
]);

/** A Sigstore bundle as it was found: read in one way only, and nothing in it believed. */
export interface UnverifiedBundle {
  readonly kind: "bundle";
  /** SHA-256 of the bytes as found: what caches and evidence call it by. */
  readonly digest: Digest;
  /** The document, for the verifier. */
  readonly json: unknown;
  /** Those bytes, so that it can be handed on as it was found; {@link parseBundle} always tells them. */
  readonly bytes?: Uint8Array;
  /** What a message signature is over, where that was found beside it: cosign's payload of simple signing. */
  readonly artifact?: Uint8Array;
}

/** Why bytes are no bundle. */
export type BundleErrorCode =
  | JsonErrorCode
  /** No media type, or one of another version. */
  | "media-type"
  /** Two contents, or two signers: each reader would pick its own. */
  | "ambiguous"
  /** Neither an envelope nor a message signature, or no signer. */
  | "incomplete"
  /** Larger than any honest bundle. */
  | "too-large";

/** The bytes are no bundle that could be read in one way only. It says nothing about signatures. */
export class BundleError extends Error {
  readonly code: BundleErrorCode;
  /** Where, `verificationMaterial.certificate`; "" for the whole. */
  readonly path: string;
  constructor(code: BundleErrorCode, path: string, reason: string, options?: ErrorOptions) {
    super(`read a Sigstore bundle${path === "" ? "" : ` at ${path}`}: ${reason}`, options);
    this.name = "BundleError";
    this.code = code;
    this.path = path;
  }
}

const text = z.string().nullish();
const bytesSchema = z.object({ rawBytes: text }).nullish();

// Every field that the verifier reads has its place here, so that a key in another case is found at each level.
const bundleSchema = z.object({
  mediaType: z.string(),
  verificationMaterial: z.object({
    certificate: bytesSchema,
    x509CertificateChain: z.object({ certificates: z.array(bytesSchema).nullish() }).nullish(),
    publicKey: z.object({ hint: text, rawBytes: text }).nullish(),
    tlogEntries: z
      .array(
        z.object({
          logIndex: z.unknown().optional(),
          logId: z.object({ keyId: text }).nullish(),
          kindVersion: z.object({ kind: text, version: text }).nullish(),
          integratedTime: z.unknown().optional(),
          inclusionPromise: z.object({ signedEntryTimestamp: text }).nullish(),
          inclusionProof: z
            .object({
              logIndex: z.unknown().optional(),
              rootHash: text,
              treeSize: z.unknown().optional(),
              hashes: z.array(z.string()).nullish(),
              checkpoint: z.object({ envelope: text }).nullish(),
            })
            .nullish(),
          canonicalizedBody: text,
        }),
      )
      .nullish(),
    timestampVerificationData: z
      .object({ rfc3161Timestamps: z.array(z.object({ signedTimestamp: text })).nullish() })
      .nullish(),
  }),
  dsseEnvelope: envelopeSchema.nullish(),
  messageSignature: z
    .object({ messageDigest: z.object({ algorithm: z.unknown().optional(), digest: text }).nullish(), signature: text })
    .nullish(),
});

/**
 * Reads a bundle's form: strict JSON with one meaning (RULES R23), a known version, one content and one signer. Go's protojson
 * also reads the protocol buffers' own spellings (`media_type`), sigstore-js does not, so they are refused.
 *
 * @throws {BundleError} and nothing else.
 * @see cosign specs/BUNDLE_SPEC.md
 */
export function parseBundle(bytes: Uint8Array): UnverifiedBundle {
  if (bytes.length > MAX_BUNDLE_BYTES) {
    throw new BundleError("too-large", "", `it has ${bytes.length} bytes, and ${MAX_BUNDLE_BYTES} are read`);
  }
  const [json, bundle] = readBundleDocument(bytes);
  if (!BUNDLE_MEDIA_TYPES.has(bundle.mediaType)) {
    throw new BundleError("media-type", "mediaType", `${JSON.stringify(bundle.mediaType.slice(0, 100))} is not known`);
  }
  requireOne("", [bundle.dsseEnvelope, bundle.messageSignature]);
  const material = bundle.verificationMaterial;
  requireOne("verificationMaterial", [material.certificate, material.x509CertificateChain, material.publicKey]);
  return { kind: "bundle", digest: digestOf(bytes), json, bytes };
}

function readBundleDocument(bytes: Uint8Array): [json: unknown, bundle: z.infer<typeof bundleSchema>] {
  try {
    const json = parseJson(bytes, MAX_BUNDLE_PARTS);
    refuseProtoSpellings(json);
    return [json, readValue(bundleSchema, json)];
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause;
    throw new BundleError(cause.code, cause.path, cause.message, { cause });
  }
}

/** A oneof of the protocol buffers: protojson refuses two members, sigstore-js takes the first that it asks for. */
function requireOne(path: string, members: readonly unknown[]): void {
  const count = members.filter((member) => member !== undefined && member !== null).length;
  if (count > 1) throw new BundleError("ambiguous", path, "it has two of what there may be one of");
  if (count === 0) throw new BundleError("incomplete", path, "it has nothing signed, or no signer");
}

const BUNDLE_FIELDS = foldedFields(bundleSchema);

/**
 * A bundle has no free maps: whatever stands in it is a field of some message. So a key that reads as a known field without its
 * underscores is that field's other spelling, wherever it stands.
 */
function refuseProtoSpellings(json: unknown): void {
  const open: unknown[] = [json];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (typeof value !== "object" || value === null) continue;
    for (const [key, field] of Object.entries(value)) {
      if (key.includes("_") && BUNDLE_FIELDS.has(key.replaceAll("_", "").toUpperCase().toLowerCase())) {
        throw new JsonError("folded-key", key.slice(0, 100), "the key is another spelling of a known field");
      }
      if (typeof field === "object") open.push(field);
    }
  }
}

/** The names of all fields at all levels, in lower case. */
function foldedFields(schema: z.core.$ZodType): ReadonlySet<string> {
  const names = new Set<string>();
  const open: z.core.$ZodType[] = [schema];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { def } = (next as z.core.$ZodTypes)._zod;
    if (def.type === "object") {
      for (const [name, field] of Object.entries(def.shape)) {
        names.add(name.toLowerCase());
        open.push(field);
      }
    } else if (def.type === "array") open.push(def.element);
    else if (def.type === "optional" || def.type === "nullable") open.push(def.innerType);
  }
  return names;
}
