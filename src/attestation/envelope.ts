import { z } from "zod";
import type { JsonErrorCode } from "../image/json.ts";
import { JsonError, readDocument } from "../image/json.ts";

/** Largest envelope that is read, in bytes: as for bundles. */
const MAX_ENVELOPE_BYTES = 64 * 1024 * 1024;

/** Most signatures of an envelope; cosign writes one. */
const MAX_SIGNATURES = 32;

/** A DSSE envelope as it was found, decoded. Nothing in it is believed. */
export interface UnverifiedEnvelope {
  readonly kind: "envelope";
  /** What the payload claims to be. It is signed with the payload: compare it before the payload is parsed. */
  readonly payloadType: string;
  readonly payload: Uint8Array;
  readonly signatures: readonly EnvelopeSignature[];
}

/** One signature over the pre-authentication encoding of the envelope. */
export interface EnvelopeSignature {
  readonly sig: Uint8Array;
  /** A hint; it chooses nothing. */
  readonly keyid: string;
}

/** Why bytes are no envelope. */
export type EnvelopeErrorCode =
  | JsonErrorCode
  /** Not base64, or base64 that decoders read differently. */
  | "not-base64"
  /** No signature at all, or more than are read. */
  | "signatures"
  /** Larger than any honest envelope. */
  | "too-large";

/** The bytes are no envelope that could be read in one way only. */
export class EnvelopeError extends Error {
  readonly code: EnvelopeErrorCode;
  /** Where, `signatures[0].sig`; "" for the whole. */
  readonly path: string;
  constructor(code: EnvelopeErrorCode, path: string, reason: string, options?: ErrorOptions) {
    super(`read a DSSE envelope${path === "" ? "" : ` at ${path}`}: ${reason}`, options);
    this.name = "EnvelopeError";
    this.code = code;
    this.path = path;
  }
}

/** The form of an envelope, alone or inside a bundle. */
export const envelopeSchema = z.object({
  payloadType: z.string(),
  payload: z.string(),
  signatures: z.array(z.object({ sig: z.string(), keyid: z.string().nullish() })),
});

/**
 * Reads a DSSE envelope that stands alone, as cosign attached it before there were bundles.
 *
 * @throws {EnvelopeError} and nothing else.
 * @see secure-systems-lab/dsse envelope.md
 */
export function parseEnvelope(bytes: Uint8Array): UnverifiedEnvelope {
  if (bytes.length > MAX_ENVELOPE_BYTES) {
    throw new EnvelopeError("too-large", "", `it has ${bytes.length} bytes, and ${MAX_ENVELOPE_BYTES} are read`);
  }
  const { payloadType, payload, signatures } = readEnvelopeDocument(bytes);
  if (signatures.length === 0 || signatures.length > MAX_SIGNATURES) {
    throw new EnvelopeError(
      "signatures",
      "signatures",
      `it has ${signatures.length}, between 1 and ${MAX_SIGNATURES} are read`,
    );
  }
  return {
    kind: "envelope",
    payloadType,
    payload: decodeBase64(payload, "payload"),
    signatures: signatures.map(({ sig, keyid }, index) => ({
      sig: decodeBase64(sig, `signatures[${index}].sig`),
      keyid: keyid ?? "",
    })),
  };
}

function readEnvelopeDocument(bytes: Uint8Array): z.infer<typeof envelopeSchema> {
  try {
    return readDocument(envelopeSchema, bytes);
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause;
    throw new EnvelopeError(cause.code, cause.path, cause.message, { cause });
  }
}

/** DSSE allows the standard and the URL-safe alphabet. Node skips what it doesn't know, so the way back is compared. */
function decodeBase64(text: string, path: string): Uint8Array {
  const decoded = Buffer.from(text, "base64");
  const standard = text.replaceAll("-", "+").replaceAll("_", "/");
  if (decoded.toString("base64").replace(/=+$/, "") !== standard.replace(/={1,2}$/, "")) {
    throw new EnvelopeError("not-base64", path, "it is not base64");
  }
  return new Uint8Array(decoded);
}
