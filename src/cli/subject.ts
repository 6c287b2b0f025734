import { existsSync } from "node:fs";
import { openArchive } from "../archive/archive-file.ts";
import { openDirectory } from "../archive/directory.ts";
import { contradictionIn, readOldNames } from "../archive/docker-archive.ts";
import { ArchiveError } from "../archive/error.ts";
import type { Files } from "../archive/files.ts";
import { openLayout } from "../archive/layout.ts";
import { selectImage } from "../archive/select.ts";
import { createStore } from "../archive/store.ts";
import { ImageFormatError } from "../image/manifest.ts";
import {
  type ImageReference,
  ImageReferenceError,
  type PinnedImage,
  parseReference,
  withDefaultTag,
} from "../image/reference.ts";
import type { Finding } from "../trust/finding.ts";
import {
  type AttestationSource,
  BeyondLimit,
  CouldNotLook,
  type ImageReader,
  type LayerReader,
} from "../trust/ports.ts";
import { findingOf } from "../trust/resolve.ts";
import type { ImageOrigin } from "../trust/verdict.ts";
import type { Elsewhere } from "./elsewhere.ts";
import { UsageError, usage } from "./exit-code.ts";

const FORMS = ["oci", "oci-archive", "docker-archive"] as const;

/** What the argument of a command names. */
export type AskedImage =
  | {
      readonly kind: "registry";
      readonly reference: ImageReference;
      /** A Dockerfile's word is a stranger's: its registry is reached at public and allowed addresses alone. Default: the person. */
      readonly namedBy?: "person" | "file";
    }
  | {
      readonly kind: "disk";
      readonly form: (typeof FORMS)[number];
      readonly path: string;
      /** A digest, a tag or a whole name in it. */
      readonly wanted: string | undefined;
      /** The name that the person gives it. */
      readonly as: ImageReference | undefined;
    };

/** The image that is judged, and where it and its ancestors are read. */
export interface Subject extends ImageReader, AttestationSource {
  /** What it is called where it can't be pinned. */
  readonly reference: ImageReference;
  /** The image, or why there is none. */
  readonly found: PinnedImage | { readonly kind: "finding"; readonly finding: Finding };
  readonly origin?: ImageOrigin;
  readonly layers: LayerReader;
  close(): Promise<void>;
}

/**
 * Reads the argument: `NAME[:TAG][@DIGEST]` in a registry, or `FORM:PATH[:TAG|@DIGEST]` on disk. An official image that is called like
 * a form has to be spelled out (`docker.io/library/oci`).
 *
 * @throws {UsageError}
 */
export function parseAsked(text: string, as: string | undefined): AskedImage {
  const form = FORMS.find((each) => text.startsWith(`${each}:`));
  if (form === undefined) {
    if (as !== undefined) throw new UsageError("--as names an image that is read from disk; a registry's has its name");
    const advice =
      "write NAME[:TAG][@DIGEST], as ghcr.io/acme/app:1.4.0, or oci:DIR, oci-archive:FILE, docker-archive:FILE";
    return {
      kind: "registry",
      reference: usage(ImageReferenceError, () => withDefaultTag(parseReference(text)), advice),
    };
  }
  const name =
    as === undefined ? undefined : usage(ImageReferenceError, () => parseReference(as), "write --as NAME[:TAG]");
  if (name?.digest !== undefined)
    throw new UsageError("--as takes a name without digest; write oci:DIR@sha256:… to choose one");
  return { kind: "disk", form, ...splitPath(text.slice(form.length + 1)), as: name };
}

/** What is on disk decides where a path ends that has colons in it. */
function splitPath(text: string): { readonly path: string; readonly wanted: string | undefined } {
  const [, before, digest] = /^(.+)@(sha(?:256|384|512):[0-9a-f]+)$/.exec(text) ?? [];
  if (before !== undefined) return { path: before, wanted: digest };
  if (text === "") throw new UsageError("name a folder or a file behind the colon, as oci:DIR");
  if (existsSync(text)) return { path: text, wanted: undefined };
  for (let at = text.indexOf(":"); at > 0; at = text.indexOf(":", at + 1)) {
    const path = text.slice(0, at);
    if (!existsSync(path)) continue;
    const wanted = text.slice(at + 1);
    if (wanted === "") throw new UsageError(`name a tag behind ${path}:, or leave the colon out`);
    return { path, wanted };
  }
  return { path: text, wanted: undefined };
}

/**
 * Finds the image that was asked about.
 *
 * @throws {UsageError} if there is nothing to judge: no file, no image in it, or no name for it.
 */
export async function openSubject(asked: AskedImage, elsewhere: Elsewhere): Promise<Subject> {
  return asked.kind === "registry" ? inRegistry(asked.reference, elsewhere) : onDisk(asked, elsewhere);
}

async function inRegistry(reference: ImageReference, elsewhere: Elsewhere): Promise<Subject> {
  return { ...elsewhere, reference, close: async () => {}, found: await findNamed(reference, elsewhere) };
}

/** The image that a name stands for, or why there is none. */
export async function findNamed(
  reference: ImageReference,
  { resolve }: Pick<Elsewhere, "resolve">,
): Promise<Subject["found"]> {
  try {
    const resolved = await resolve(reference);
    if (resolved !== undefined) return resolved.pinned;
    const code = reference.digest === undefined ? "tag-not-found" : "manifest-not-found";
    const reason = "the repository can be read and doesn't hold it";
    return { kind: "finding", finding: { kind: "unresolved", code, reason } };
  } catch (error) {
    return { kind: "finding", finding: findingOf(error) };
  }
}

async function onDisk(asked: AskedImage & { readonly kind: "disk" }, elsewhere: Elsewhere): Promise<Subject> {
  const { form, path, wanted, as } = asked;
  const place = `${form}:${path}`;
  let files: Files | undefined;
  try {
    files = await (form === "oci" ? openDirectory(path, place) : openArchive(path, place));
    const { close } = files;
    if (form === "docker-archive" && (await files.read("oci-layout", 4096)) === undefined) {
      const { reference, namedBy } = await oldName(files, wanted, as);
      const reason =
        "this form of docker save holds no manifest, and everything that is signed is about a manifest's digest";
      const finding: Finding = { kind: "unresolved", code: "no-manifest-digest", reason };
      return { ...elsewhere, reference, found: { kind: "finding", finding }, origin: { place, namedBy }, close };
    }
    const layout = await openLayout(files);
    const { image, namedBy } = await selectImage(layout, wanted, as);
    // A folder isn't loaded by docker; an archive of any form is.
    const other = form === "oci" ? undefined : await contradictionIn(files, layout);
    if (other !== undefined) {
      const finding: Finding = { kind: "malformed", code: "malformed-archive", reason: `read ${place}: ${other}` };
      return { ...elsewhere, reference: image, found: { kind: "finding", finding }, origin: { place, namedBy }, close };
    }
    const store = await createStore(layout, image.digest, elsewhere);
    return { ...store, layers: store, reference: image, found: image, origin: { place, namedBy }, close };
  } catch (error) {
    await files?.close();
    const finding = findingOnDisk(error);
    // Without a name there is nothing that policy could be asked about.
    if (finding === undefined || as === undefined) throw new UsageError((error as Error).message, { cause: error });
    const origin = { place, namedBy: "asker" } as const;
    return { ...elsewhere, reference: as, found: { kind: "finding", finding }, origin, close: async () => {} };
  }
}

/** What can't be read in one way is a fact about the image, and a fault; what isn't there is the person's to mend. */
function findingOnDisk(error: unknown): Finding | undefined {
  if (error instanceof ArchiveError) {
    return error.code === "malformed-archive"
      ? { kind: "malformed", code: error.code, reason: error.message }
      : undefined;
  }
  if (error instanceof ImageFormatError || error instanceof BeyondLimit || error instanceof CouldNotLook)
    return findingOf(error);
  throw error;
}

async function oldName(
  files: Files,
  wanted: string | undefined,
  as: ImageReference | undefined,
): Promise<{ readonly reference: ImageReference; readonly namedBy: ImageOrigin["namedBy"] }> {
  const names = await readOldNames(files);
  if (as !== undefined) return { reference: as, namedBy: "asker" };
  const [reference = wanted === undefined ? undefined : usage(ImageReferenceError, () => parseReference(wanted))] =
    names;
  if (reference !== undefined) return { reference, namedBy: "archive" };
  throw new ArchiveError("ambiguous", `read ${files.place}: it doesn't say what the image is called; give --as NAME`);
}
