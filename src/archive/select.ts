import type { Descriptor } from "../image/descriptor.ts";
import type { Digest } from "../image/digest.ts";
import { isDigest } from "../image/digest.ts";
import { quote } from "../image/quote.ts";
import {
  formatReference,
  type ImageReference,
  imageName,
  type PinnedImage,
  withDefaultTag,
} from "../image/reference.ts";
import { ArchiveError } from "./error.ts";
import type { Layout } from "./layout.ts";
import { isBeside, nameIn, namesOf, refNameOf } from "./names.ts";

/** Names that a message lists. */
const MAX_LISTED = 10;

/** The image of a layout that is meant, and what policy knows it by. */
export interface SelectedImage {
  readonly image: PinnedImage;
  /** Whose word the name is. */
  readonly namedBy: "asker" | "archive";
}

/**
 * Finds the one image that is meant.
 *
 * @param wanted - A digest, a tag, or a whole name; undefined where the layout holds one image alone.
 * @param as - The name that the asker gives it. It beats what the layout says: a layout's names are those of whoever made it.
 * @throws {ArchiveError} `ambiguous`, or `malformed-archive`. @throws {CouldNotLook}
 */
export async function selectImage(
  layout: Layout,
  wanted: string | undefined,
  as: ImageReference | undefined,
): Promise<SelectedImage> {
  const { digest, entries } = await meant(layout, wanted);
  const tag = wanted !== undefined && !isDigest(wanted) ? tagIn(wanted) : undefined;
  if (as !== undefined) {
    // A tag that was asked for is part of the question, and the verdict binds it (RULES R26).
    const name = as.tag === undefined && tag !== undefined ? { ...as, tag } : as;
    return { image: { ...name, digest }, namedBy: "asker" };
  }
  const names = entries.flatMap(namesOf);
  const fitting = tag === undefined ? names : names.filter((name) => name.tag === tag);
  const [first, ...others] = [
    ...new Map((fitting.length > 0 ? fitting : names).map((name) => [formatReference(name), name])).values(),
  ];
  if (first === undefined) {
    throw new ArchiveError(
      "ambiguous",
      `read ${layout.place}: it doesn't say what the image is called, and policy judges names; give --as NAME`,
    );
  }
  if (others.length > 0) {
    const list = [first, ...others].slice(0, MAX_LISTED).map(formatReference).join(" and ");
    throw new ArchiveError("ambiguous", `read ${layout.place}: it calls the image ${list}; give --as NAME`);
  }
  return { image: { ...first, digest }, namedBy: "archive" };
}

async function meant(
  layout: Layout,
  wanted: string | undefined,
): Promise<{ readonly digest: Digest; readonly entries: readonly Descriptor[] }> {
  if (wanted !== undefined && isDigest(wanted)) {
    return { digest: wanted, entries: layout.entries.filter(({ digest }) => digest === wanted) };
  }
  const { referring } = await layout.contents();
  const images = layout.entries.filter((entry) => !isBeside(entry) && !referring.has(entry.digest));
  const fitting = wanted === undefined ? images : images.filter((entry) => isCalled(entry, wanted));
  const digests = [...new Set(fitting.map(({ digest }) => digest))];
  const [digest] = digests;
  const list = () => images.slice(0, MAX_LISTED).map(shown).join(", ") || "none";
  if (digest === undefined) {
    const what = wanted === undefined ? "no image" : `no image called ${quote(wanted)}`;
    throw new ArchiveError("ambiguous", `read ${layout.place}: it lists ${what}; images in it: ${list()}`);
  }
  if (digests.length > 1) {
    throw new ArchiveError(
      "ambiguous",
      `read ${layout.place}: several images could be meant: ${list()}; name one by tag or @digest`,
    );
  }
  return { digest, entries: fitting };
}

function isCalled(entry: Descriptor, wanted: string): boolean {
  if (refNameOf(entry) === wanted) return true;
  const name = nameIn(wanted);
  const names = namesOf(entry);
  return names.some(
    (each) =>
      each.tag === wanted ||
      (name !== undefined && formatReference(withDefaultTag(each)) === formatReference(withDefaultTag(name))),
  );
}

/** `ghcr.io/acme/app:1.4.0` and `1.4.0` both ask for a tag. */
function tagIn(wanted: string): string | undefined {
  return wanted.includes("/") || wanted.includes(":") ? nameIn(wanted)?.tag : wanted;
}

function shown(entry: Descriptor): string {
  const [name] = namesOf(entry);
  const called =
    name === undefined ? refNameOf(entry) : `${imageName(name)}${name.tag === undefined ? "" : `:${name.tag}`}`;
  return called === undefined ? entry.digest : `${quote(called)} (${entry.digest})`;
}
