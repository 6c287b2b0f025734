import type { Repository } from "../build/build.ts";
import type { ImageReference } from "../image/reference.ts";

/** Somebody wants to know about an image: to be judged by the published policy, once, however many ask meanwhile. */
export interface Inquiry {
  /** Random; the place to look for what becomes of it. */
  readonly id: string;
  /** With a tag, a digest, or both. */
  readonly image: ImageReference;
  /** Whose build made the image, where a build of ours did: it decides who may be told. */
  readonly repository: Repository | undefined;
  readonly askedAt: Date;
  /** How often in a row something could not be looked at. */
  readonly failures: number;
  /** What could not be looked at last, in words for people, and when it is tried again. */
  readonly waiting: { readonly reason: string; readonly until: Date } | undefined;
  readonly end: InquiryEnd | undefined;
}

/** What became of it. */
export type InquiryEnd =
  | { readonly kind: "answered"; readonly answer: string; readonly at: Date }
  /** There is no such image, or none that everyone may see: one word for both. */
  | { readonly kind: "nothing"; readonly at: Date }
  /** Not even which image is meant could be looked at, time after time: it says nothing of whether there is one. */
  | { readonly kind: "not-looked"; readonly reason: string; readonly at: Date };
