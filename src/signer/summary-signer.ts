import type { Platform } from "../image/platform.ts";
import type { PinnedImage } from "../image/reference.ts";
import { type Summary, type SummaryAuthor, summariesOf } from "../trust/summary.ts";
import type { Verdict } from "../trust/verdict.ts";
import { type KeyBundle, signStatement } from "./key-bundle.ts";
import type { PublicHalf, SigningKey } from "./signing-key.ts";

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
  key: SigningKey,
  record: (signed: Omit<SignedSummary, "bundle"> & { readonly verifier: string; readonly key: string }) => void,
): SummarySigner {
  return {
    publicKey: key.publicKey,
    signVerdict: (verdict, author) =>
      summariesOf(verdict, author).map(({ statement, image, platform, result }) => {
        record({ image, platform, result, verifier: author.verifier, key: key.publicKey.fingerprint });
        return { image, platform, result, bundle: signStatement(statement, key) };
      }),
  };
}
