import type { ImageUse, Lines, UseRole } from "../image/dockerfile/reading.ts";
import type { Platform } from "../image/platform.ts";
import type { PinnedImage } from "../image/reference.ts";
import type { RoleRule } from "./policy.ts";
import type { Fault, Outcome, Verdict } from "./verdict.ts";

/**
 * What an image would be by one policy if it were built from a Dockerfile now: the verdict on everything that would go into it. Its own
 * attestation is taken for granted, for the build would make it; so `trusted` is a forecast, and never a {@link Verdict} on an image.
 */
export interface Forecast {
  readonly outcome: Outcome;
  readonly policy: Verdict["policy"];
  readonly asOf: Date;
  /** The images that would go in, each once for each platform, role and policy's rule for it; in the order of the file. */
  readonly parents: readonly ForecastParent[];
  /** Why it would not be trusted; those of parents with the lines that use them. */
  readonly faults: readonly ForecastFault[];
  /** What we could not look at. */
  readonly unreachable: readonly ForecastFault[];
  /** The lowest SLSA build level of the parents; undefined where there is none. */
  readonly level: number | undefined;
  /** The first moment at which something that it rests on has lapsed. */
  readonly validUntil: Date | undefined;
}

/** An image that would go in. */
export interface ForecastParent {
  /** As the file has it after expansion. */
  readonly reference: ImageUse["reference"];
  readonly role: UseRole;
  readonly platform: Platform;
  /** Everywhere it is used. */
  readonly uses: readonly ImageUse[];
  readonly rule: RoleRule;
  /** Whether the file names it by digest. */
  readonly isPinned: boolean;
  /** What the name leads to now: the index, where there is one. Undefined where it could not be resolved. */
  readonly image: PinnedImage | undefined;
  /** Undefined where policy's rule for the role asks for none, or where it could not be resolved. */
  readonly verdict: Verdict | undefined;
  /** Of a pinned one that has a tag beside its digest: where the tag leads now, if elsewhere, and what that is. Absent where it wasn't asked, or couldn't be. */
  readonly newer?: { readonly image: PinnedImage; readonly outcome: Outcome };
}

/** Something that would keep the image from being trusted, and where the file says so. */
export interface ForecastFault extends Pick<Fault, "code" | "reason" | "mend"> {
  /** What it is known again by in another version of the file: without lines, tags and digests (RULES R35). */
  readonly key: string;
  /** Whether it fails whatever is enforced: it says that somebody tampered, not that something isn't signed yet. */
  readonly isGrave: boolean;
  /** The lines that bring it about; empty where none of them does. */
  readonly lines: readonly Lines[];
  /** Index into {@link Forecast.parents}. */
  readonly parent?: number;
  /** From the parent to the ancestor whose fault it is; empty where it is the parent's own. */
  readonly path: Fault["path"];
}
