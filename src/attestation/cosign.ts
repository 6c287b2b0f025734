import { z } from "zod";
import type { Digest } from "../image/digest.ts";
import { algorithmOf, digestOf, hexOf } from "../image/digest.ts";
import { parseJson, readDocument, readValue } from "../image/json.ts";
import type { UnverifiedBundle } from "./bundle.ts";
import { parseBundle } from "./bundle.ts";
import { envelopeSchema } from "./envelope.ts";
import { MAX_STATEMENT_PARTS } from "./statement.ts";

/** Longest tag that the distribution-spec allows, in characters. */
const MAX_TAG_LENGTH = 128;

/** Where cosign keeps the base64 signature; for an attestation it is empty, and its presence says that cosign wrote the layer. */
const SIGNATURE = "dev.cosignproject.cosign/signature";
const CERTIFICATE = "dev.sigstore.cosign/certificate";
const LOG_BUNDLE = "dev.sigstore.cosign/bundle";
const TIMESTAMP = "dev.sigstore.cosign/rfc3161timestamp";

/** Only version 0.1 takes a promise of the log without a proof, and that is all that cosign kept. */
const BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle+json;version=0.1";

const logBundleSchema = z.looseObject({
  SignedEntryTimestamp: z.string(),
  Payload: z.looseObject({
    body: z.string(),
    integratedTime: z.int(),
    logIndex: z.int(),
    logID: z.string().regex(/^[0-9a-f]{64}$/),
  }),
});

const logBodySchema = z.looseObject({ kind: z.string(), apiVersion: z.string() });

const timestampSchema = z.looseObject({ SignedRFC3161Timestamp: z.string() });

/**
 * The tags under which cosign before version 3 files what it signs; none for digests that would make a tag of more than 128
 * characters, where cosign can't file anything either.
 *
 * @see cosign specs/SIGNATURE_SPEC.md
 */
export function cosignTags(digest: Digest): readonly string[] {
  const stem = `${algorithmOf(digest)}-${hexOf(digest)}`;
  return [`${stem}.att`, `${stem}.sig`].filter((tag) => tag.length <= MAX_TAG_LENGTH);
}

/** Whether cosign wrote this layer, so that what the envelope lacks stands in its annotations. */
export function isCosignLayer(annotations: Readonly<Record<string, string>>): boolean {
  return Object.hasOwn(annotations, SIGNATURE) || Object.hasOwn(annotations, CERTIFICATE);
}

/**
 * Makes a bundle of an envelope and the annotations that cosign put beside it. Nothing in it is believed: whoever verifies it
 * finds out whether the parts belong together.
 *
 * The chain is left out, the trusted root supplies it. Without a certificate it was signed with a key, of which there is no hint.
 *
 * @throws if a part can't be read, {@link JsonError}, or the whole is no bundle.
 */
export function toBundle(envelopeBytes: Uint8Array, annotations: Readonly<Record<string, string>>): UnverifiedBundle {
  const envelope = readDocument(envelopeSchema, envelopeBytes);
  const bundle = {
    ...signedBy(annotations),
    dsseEnvelope: {
      payloadType: envelope.payloadType,
      payload: envelope.payload,
      signatures: envelope.signatures.map(({ sig, keyid }) => ({ sig, keyid: keyid ?? "" })),
    },
  };
  return parseBundle(Buffer.from(JSON.stringify(bundle)));
}

/**
 * Makes a bundle of a simple-signing payload and the signature over it that cosign put beside it. The payload goes with the bundle:
 * only with it can the signature be verified, and only what it says counts.
 *
 * @throws if a part can't be read, {@link JsonError}, or the whole is no bundle.
 */
export function toSignatureBundle(
  payload: Uint8Array,
  annotations: Readonly<Record<string, string>>,
): UnverifiedBundle {
  const signature = annotationOf(annotations, SIGNATURE);
  if (signature === undefined) throw new Error("read cosign's signature: the payload has none beside it");
  const digest = Buffer.from(hexOf(digestOf(payload)), "hex").toString("base64");
  const bundle = {
    ...signedBy(annotations),
    messageSignature: { messageDigest: { algorithm: "SHA2_256", digest }, signature },
  };
  return { ...parseBundle(Buffer.from(JSON.stringify(bundle))), artifact: payload };
}

/** The parts of a bundle that cosign kept as annotations. */
function signedBy(annotations: Readonly<Record<string, string>>) {
  const certificate = annotationOf(annotations, CERTIFICATE);
  const log = annotationOf(annotations, LOG_BUNDLE);
  const timestamp = annotationOf(annotations, TIMESTAMP);
  const signer =
    certificate === undefined
      ? { publicKey: { hint: "" } }
      : { x509CertificateChain: { certificates: [{ rawBytes: firstPemBody(certificate) }] } };
  return {
    mediaType: BUNDLE_TYPE,
    verificationMaterial: {
      ...signer,
      tlogEntries: log === undefined ? [] : [toLogEntry(log)],
      ...(timestamp === undefined ? {} : { timestampVerificationData: toTimestamps(timestamp) }),
    },
  };
}

function annotationOf(annotations: Readonly<Record<string, string>>, name: string): string | undefined {
  return (Object.hasOwn(annotations, name) && annotations[name]) || undefined;
}

/** Whether the bytes are a DSSE envelope rather than a bare statement. */
export function isEnvelope(bytes: Uint8Array): boolean {
  return envelopeSchema.safeParse(parseJson(bytes, MAX_STATEMENT_PARTS)).success;
}

function toLogEntry(text: string): unknown {
  const { SignedEntryTimestamp, Payload } = readDocument(logBundleSchema, Buffer.from(text));
  const { kind, apiVersion } = readValue(logBodySchema, parseJson(Buffer.from(Payload.body, "base64")));
  return {
    logIndex: String(Payload.logIndex),
    logId: { keyId: Buffer.from(Payload.logID, "hex").toString("base64") },
    kindVersion: { kind, version: apiVersion },
    integratedTime: String(Payload.integratedTime),
    inclusionPromise: { signedEntryTimestamp: SignedEntryTimestamp },
    canonicalizedBody: Payload.body,
  };
}

function toTimestamps(text: string): unknown {
  const { SignedRFC3161Timestamp } = readDocument(timestampSchema, Buffer.from(text));
  return { rfc3161Timestamps: [{ signedTimestamp: SignedRFC3161Timestamp }] };
}

/** The base64 between the first pair of lines; further certificates are the chain's. */
function firstPemBody(pem: string): string {
  const body = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(pem)?.[1];
  if (body === undefined) throw new Error("read cosign's certificate: it is not PEM");
  return body.replace(/\s+/g, "");
}
