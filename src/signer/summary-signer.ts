import { sign } from "node:crypto";
import { hexOf } from "../image/digest.ts";
import type { Platform } from "../image/platform.ts";
import type { PinnedImage } from "../image/reference.ts";
import { type Summary, type SummaryAuthor, summariesOf } from "../trust/summary.ts";
import type { Verdict } from "../trust/verdict.ts";
import type { PublicHalf, SigningKey } from "./signing-key.ts";

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

/** A summary, signed. */
export interface SignedSummary {
  /** The platform's manifest that it is about. */
  readonly image: PinnedImage;
  readonly platform: Platform | undefined;
  readonly result: Summary["result"];
  readonly bundle: KeyBundle;
}

/** Signs what verdicts say, and nothing else. */
export interface SummarySigner {
  readonly publicKey: PublicHalf;
  signVerdict(verdict: Verdict, author: SummaryAuthor): readonly SignedSummary[];
}

/**
 * The one place from which the signing key is reached (RULES R33). It takes a verdict, never a text: whoever gets at it can have verdicts
 * signed, and no statement of another kind.
 *
 * @param record - Told of each signature before it is given away.
 */
export function createSummarySigner(
  { privateKey, publicKey }: SigningKey,
  record: (signed: Omit<SignedSummary, "bundle"> & { readonly verifier: string; readonly key: string }) => void,
): SummarySigner {
  return {
    publicKey,
    signVerdict: (verdict, author) =>
      summariesOf(verdict, author).map(({ statement, image, platform, result }) => {
        record({ image, platform, result, verifier: author.verifier, key: publicKey.fingerprint });
        const signature = sign("sha256", preAuthenticationEncoding(statement), privateKey);
        const bundle: KeyBundle = {
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
        return { image, platform, result, bundle };
      }),
  };
}

/** @see DSSE protocol, "signature definition": lengths in bytes. */
function preAuthenticationEncoding(payload: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`DSSEv1 ${IN_TOTO.length} ${IN_TOTO} ${payload.length} `), payload]);
}
