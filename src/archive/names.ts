import type { Descriptor } from "../image/descriptor.ts";
import { type ImageReference, ImageReferenceError, parseReference } from "../image/reference.ts";

/** A tag, and with many tools a whole name. @see OCI image-spec, annotations.md */
const REF_NAME = "org.opencontainers.image.ref.name";
/** The whole name, as containerd, BuildKit and Docker write it. */
const CONTAINERD_NAME = "io.containerd.image.name";
/** How `cosign save` tells images from what is signed about them. */
const COSIGN_KIND = "kind";
const COSIGN_PARTS: readonly string[] = ["atts", "sigs", "sboms"].map((part) => `dev.cosignproject.cosign/${part}`);

/** Names of what is filed beside an image: lists of referrers, and cosign's. */
const TAG_BESIDE = /(?:^|:)sha(?:256|384|512)-[0-9a-f]{64,128}(?:\.[a-z]+)?$/;

/** What the layout calls an entry in short. */
export function refNameOf({ annotations }: Descriptor): string | undefined {
  return Object.hasOwn(annotations, REF_NAME) ? annotations[REF_NAME] : undefined;
}

/** Whole names that an entry goes by, in the word of whoever wrote the layout. Texts that are no names aren't any. */
export function namesOf({ annotations }: Descriptor): readonly ImageReference[] {
  const short = Object.hasOwn(annotations, REF_NAME) ? annotations[REF_NAME] : undefined;
  const whole = Object.hasOwn(annotations, CONTAINERD_NAME) ? annotations[CONTAINERD_NAME] : undefined;
  // Without a slash it may be a tag: `1.4.0` could be read as a repository too.
  return [whole, short?.includes("/") ? short : undefined].flatMap((text) => (text ? (nameIn(text) ?? []) : []));
}

/** @returns undefined if the text is no name; its digest, if it has one, is left out. */
export function nameIn(text: string): ImageReference | undefined {
  try {
    const { digest: _, ...name } = parseReference(text);
    return name;
  } catch (error) {
    if (error instanceof ImageReferenceError) return undefined;
    throw error;
  }
}

/** Whether an entry holds what cosign signed about an image, by its own word. */
export function isCosignPart({ annotations }: Descriptor): boolean {
  return Object.hasOwn(annotations, COSIGN_KIND) && COSIGN_PARTS.includes(annotations[COSIGN_KIND] ?? "");
}

/** Whether an entry is filed beside an image, by its own word, rather than being one. */
export function isBeside(entry: Descriptor): boolean {
  return isCosignPart(entry) || TAG_BESIDE.test(refNameOf(entry) ?? "");
}
