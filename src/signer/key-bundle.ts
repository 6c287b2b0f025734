import { sign } from "node:crypto";
import { hexOf } from "../image/digest.ts";
import type { SigningKey } from "./signing-key.ts";

/** The media type of what is signed, and that of the bundle around it. */
const IN_TOTO = "application/vnd.in-toto+json";
export const BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";

/** A bundle of version 0.3 that a key signed. */
export interface KeyBundle {
  readonly mediaType: typeof BUNDLE_TYPE;
  readonly verificationMaterial: {
    readonly publicKey: { readonly hint: string };
    readonly tlogEntries: readonly [];
    readonly timestampVerificationData?: {
      readonly rfc3161Timestamps: readonly { readonly signedTimestamp: string }[];
    };
  };
  readonly dsseEnvelope: {
    readonly payload: string;
    readonly payloadType: typeof IN_TOTO;
    readonly signatures: readonly [{ readonly sig: string; readonly keyid: string }];
  };
}

/** Signs a statement. For the signers of this folder, each of which takes what it signs as a typed value and never as a text. */
export function signStatement(statement: Uint8Array, { privateKey, publicKey }: SigningKey): KeyBundle {
  const signature = sign("sha256", preAuthenticationEncoding(statement), privateKey);
  return {
    mediaType: BUNDLE_TYPE,
    verificationMaterial: {
      // As cosign writes it.
      publicKey: { hint: Buffer.from(hexOf(publicKey.fingerprint), "hex").toString("base64") },
      tlogEntries: [],
    },
    dsseEnvelope: {
      payload: Buffer.from(statement).toString("base64"),
      payloadType: IN_TOTO,
      signatures: [{ sig: signature.toString("base64"), keyid: "" }],
    },
  };
}

/** @see DSSE protocol, "signature definition": lengths in bytes. */
function preAuthenticationEncoding(payload: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`DSSEv1 ${IN_TOTO.length} ${IN_TOTO} ${payload.length} `), payload]);
}
