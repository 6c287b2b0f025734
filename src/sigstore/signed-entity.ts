import { type Bundle, bundleFromJSON } from "@sigstore/bundle";
import { type SignedEntity, toSignedEntity } from "@sigstore/verify";
import { z } from "zod";
import { Rejection, rejectAs } from "./rejection.ts";
import { rememberEncoding } from "./remembered.ts";

/** Log entries and timestamps in one bundle, each: as sigstore-go has it. Every one costs a signature check or several. */
const MAX_LOG_ENTRIES = 32;
const MAX_TIMESTAMPS = 32;
/** A signer's certificate, in base64 characters; Fulcio's have 2300. Re-encoding a long one takes the library quadratic time. */
const MAX_CERTIFICATE_CHARACTERS = 64 * 1024;
/** A timestamp token, in base64 characters; those with a whole chain inside have 7000. */
const MAX_TIMESTAMP_CHARACTERS = 64 * 1024;
/** A checkpoint, in characters: each line could ask for a signature check. */
const MAX_CHECKPOINT_CHARACTERS = 16 * 1024;

/** A bundle, read once, in the library's forms. Nothing in it is proven. */
export interface UnprovenEntity {
  readonly bundle: Bundle;
  /** Made when it is first asked for. @throws {Rejection} `certificate` or `timestamp` where one of those is no DER. */
  readonly entity: SignedEntity;
  /** The signer's certificate as it stands in the bundle; undefined where a key signed. */
  readonly certificate: Buffer | undefined;
}

const VERSION_01 = "application/vnd.dev.sigstore.bundle+json;version=0.1";
const VERSION_02 = "application/vnd.dev.sigstore.bundle+json;version=0.2";
/** Both spellings of 0.3 are about. */
const VERSION_03 = [
  "application/vnd.dev.sigstore.bundle+json;version=0.3",
  "application/vnd.dev.sigstore.bundle.v0.3+json",
] as const;

/** Base64 as protobuf's JSON allows it: either alphabet, padded or not. Anything else a decoder would drop in silence. */
const bytes = z.string().regex(/^[A-Za-z0-9+/_-]*={0,2}$/, "not base64");
/** A 64-bit number, a string in JSON; beyond 2^53 JavaScript would compare another number than was signed. */
const integer = z
  .union([z.number(), z.string().regex(/^\d{1,16}$/, "not a number")])
  .refine((value) => Number.isSafeInteger(Number(value)) && Number(value) >= 0, "out of range");
const certificate = z.looseObject({ rawBytes: bytes.max(MAX_CERTIFICATE_CHARACTERS) });
const logEntry = z.looseObject({
  logIndex: integer.nullish(),
  logId: z.looseObject({ keyId: bytes }),
  kindVersion: z.looseObject({ kind: z.string(), version: z.string() }),
  integratedTime: integer.nullish(),
  inclusionPromise: z.looseObject({ signedEntryTimestamp: bytes }).nullish(),
  inclusionProof: z
    .looseObject({
      logIndex: integer.nullish(),
      rootHash: bytes.nullish(),
      treeSize: integer.nullish(),
      hashes: z.array(bytes).nullish(),
      checkpoint: z.looseObject({ envelope: z.string().max(MAX_CHECKPOINT_CHARACTERS) }).nullish(),
    })
    .nullish(),
  canonicalizedBody: bytes,
});
const document = z.looseObject({
  mediaType: z.enum([VERSION_01, VERSION_02, ...VERSION_03]),
  verificationMaterial: z.looseObject({
    certificate: certificate.nullish(),
    x509CertificateChain: z.looseObject({ certificates: z.array(certificate).min(1) }).nullish(),
    publicKey: z.looseObject({ hint: z.string().nullish() }).nullish(),
    tlogEntries: z.array(logEntry).max(MAX_LOG_ENTRIES).nullish(),
    timestampVerificationData: z
      .looseObject({
        rfc3161Timestamps: z
          .array(z.looseObject({ signedTimestamp: bytes.max(MAX_TIMESTAMP_CHARACTERS) }))
          .max(MAX_TIMESTAMPS)
          .nullish(),
      })
      .nullish(),
  }),
  dsseEnvelope: z
    .looseObject({
      payloadType: z.string(),
      payload: bytes,
      signatures: z.array(z.looseObject({ sig: bytes, keyid: z.string().nullish() })).length(1),
    })
    .nullish(),
  messageSignature: z
    .looseObject({
      messageDigest: z.looseObject({ algorithm: z.union([z.string(), z.number()]), digest: bytes }),
      signature: bytes,
    })
    .nullish(),
});

/**
 * Reads the document of a bundle by the rules of its version, stricter than the library where that would choose for us: of two
 * contents, or two signers, which one counts.
 *
 * @param json - As `parseBundle` read it.
 * @param artifact - What a message signature is over; statements carry their content with them.
 * @throws {Rejection} `malformed-bundle`
 */
export function readSignedEntity(json: unknown, artifact?: Uint8Array): UnprovenEntity {
  const bundle = rejectAs("malformed-bundle", "reading the bundle", () => {
    checkForm(document.parse(json));
    return bundleFromJSON(json);
  });
  let made: SignedEntity | undefined;
  return {
    bundle,
    certificate: certificateOf(bundle),
    get entity() {
      made ??= toEntity(bundle, artifact === undefined ? undefined : Buffer.from(artifact));
      return made;
    },
  };
}

/** The library reads certificate and timestamps in one step: only where that fails is it asked again, to tell which of them it was. */
function toEntity(bundle: Bundle, artifact: Buffer | undefined): SignedEntity {
  return rejectAs("timestamp", "reading the timestamps", () => {
    try {
      const entity = toSignedEntity(bundle, artifact);
      if (entity.key.$case === "certificate") rememberEncoding(entity.key.certificate);
      return entity;
    } catch (error) {
      const verificationMaterial = { ...bundle.verificationMaterial, timestampVerificationData: undefined };
      rejectAs("certificate", "reading the certificate", () => toSignedEntity({ ...bundle, verificationMaterial }));
      throw error;
    }
  });
}

function checkForm({
  mediaType,
  verificationMaterial,
  dsseEnvelope,
  messageSignature,
}: z.infer<typeof document>): void {
  const contents = [dsseEnvelope, messageSignature].filter((content) => content != null);
  if (contents.length !== 1)
    throw new Rejection("malformed-bundle", `${contents.length} contents in the bundle where one belongs`);
  const { certificate: single, x509CertificateChain: chain, publicKey, tlogEntries } = verificationMaterial;
  const signers = [single, chain, publicKey].filter((signer) => signer != null);
  if (signers.length !== 1)
    throw new Rejection("malformed-bundle", `${signers.length} signers in the bundle where one belongs`);
  for (const entry of tlogEntries ?? []) {
    if (mediaType === VERSION_01 ? entry.inclusionPromise == null : entry.inclusionProof?.checkpoint == null) {
      throw new Rejection(
        "malformed-bundle",
        "a log entry of the bundle lacks the promise or proof that the bundle's version asks for",
      );
    }
  }
  if (chain != null && mediaType !== VERSION_01 && mediaType !== VERSION_02) {
    throw new Rejection("malformed-bundle", "a certificate chain in a bundle of version 0.3");
  }
}

function certificateOf({ verificationMaterial: { content } }: Bundle): Buffer | undefined {
  switch (content.$case) {
    case "certificate":
      return content.certificate.rawBytes;
    case "x509CertificateChain":
      // Only the leaf is read: what stands between it and the root is the trusted root's to say.
      return content.x509CertificateChain.certificates[0]?.rawBytes;
    case "publicKey":
      return undefined;
  }
}
