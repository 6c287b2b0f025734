import type { Digest } from "../image/digest.ts";
import type { Platform } from "../image/platform.ts";
import type { ImageReference, PinnedImage } from "../image/reference.ts";
import type { Outcome } from "../trust/verdict.ts";

/** Why an image isn't trusted, or what could not be looked at, as a cluster's users are told. */
export interface ImageFault {
  readonly code: string;
  readonly reason: string;
  /** What would mend it. */
  readonly mend: string;
  /** From the image to what is at fault, by short names. */
  readonly way: readonly string[];
}

/** What the operator's published policy says of an image (RULES R1). */
export interface ImageJudgement {
  readonly outcome: Outcome;
  readonly level: number;
  readonly policy: Digest;
  /** The first moment at which something that it rests on has lapsed (RULES R14). */
  readonly validUntil: Date | undefined;
  /** Of an undetermined one: what could not be looked at. Perhaps not all, but what is revoked is among them. */
  readonly faults: readonly ImageFault[];
}

/** What admission asks of the world. */
export interface ImageJudge {
  /**
   * What a tag names now.
   *
   * @returns undefined where it is proven that there is no such tag. @throws {CouldNotLook} @throws {BeyondLimit}
   */
  resolve(reference: ImageReference): Promise<Digest | undefined>;
  /**
   * Judges an image under the name and tag that it has here (RULES R26).
   *
   * @param platforms - All that it may run on, at least one; undefined: those that policy counts (RULES R30).
   * @throws {CouldNotLook} where there is no verdict at all.
   */
  judge(image: PinnedImage, platforms: readonly Platform[] | undefined): Promise<ImageJudgement>;
}
