import type { Repository } from "../build/build.ts";
import type { Digest } from "../image/digest.ts";
import { pinImages } from "../image/dockerfile/pin.ts";
import { BeyondLimit } from "../trust/ports.ts";
import type { PullRequestWriter, SourceReader } from "./ports.ts";
import { MAX_DOCKERFILE_BYTES } from "./pull-text.ts";

/** A reference in a Dockerfile, and the digest that was judged for it. */
export interface JudgedPin {
  readonly path: string;
  /** In UTF-16 units of the file's text. */
  readonly place: { readonly start: number; readonly end: number };
  readonly written: string;
  readonly digest: Digest;
}

/** A file before and after; only the digests differ. */
export interface PinnedFile {
  readonly path: string;
  readonly before: string;
  readonly text: string;
  readonly pins: readonly JudgedPin[];
}

type Suggestion = Parameters<PullRequestWriter["suggest"]>[2]["suggestions"][number];

/** What a reference is made of, without a digest: nothing in it is Markdown, a mention or a line of its own where it is named in our words. */
const PLAIN = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,511}$/;

/**
 * The files with pins, read at the commit that was judged. A pin whose reference doesn't stand at its place is left out, and so are those
 * that contradict each other: nobody has judged what they would make.
 *
 * @throws {CouldNotLook}
 */
export async function pinnedFiles(
  sources: Pick<SourceReader, "readFile">,
  repository: Repository,
  commit: string,
  pins: readonly JudgedPin[],
): Promise<readonly PinnedFile[]> {
  const files: PinnedFile[] = [];
  for (const [path, wanted] of Map.groupBy(pins, ({ path }) => path)) {
    const before = await readText(sources, repository, commit, path);
    if (before === undefined) continue;
    const fitting = fittingPins(before, wanted);
    if (fitting.length > 0) files.push({ path, before, text: pinImages(before, fitting), pins: fitting });
  }
  return files;
}

/** @returns undefined for what isn't text to the byte: it could not be written back as it was. */
async function readText(
  sources: Pick<SourceReader, "readFile">,
  repository: Repository,
  commit: string,
  path: string,
): Promise<string | undefined> {
  try {
    const bytes = await sources.readFile(repository, commit, path, MAX_DOCKERFILE_BYTES);
    return bytes && new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (error instanceof BeyondLimit || error instanceof TypeError) return undefined;
    throw error;
  }
}

function fittingPins(text: string, pins: readonly JudgedPin[]): readonly JudgedPin[] {
  const byPlace = [...Map.groupBy(pins, ({ place }) => `${place.start}-${place.end}`).values()];
  const agreed = byPlace.flatMap(([first, ...others]) =>
    first !== undefined && others.every(({ digest }) => digest === first.digest) ? [first] : [],
  );
  const standing = agreed.filter(
    ({ place, written }) => PLAIN.test(written) && text.slice(place.start, place.end) === written,
  );
  return standing
    .filter((one) => standing.every((other) => one === other || isApart(one.place, other.place)))
    .toSorted((one, other) => one.place.start - other.place.start);
}

function isApart(one: JudgedPin["place"], other: JudgedPin["place"]): boolean {
  return one.end <= other.start || other.end <= one.start;
}

/** The lines that differ, each to be taken over as it is to be. A pin adds no line, so that they are the same lines before and after. */
export function suggestionsOf({ path, before, text }: PinnedFile): readonly Suggestion[] {
  const [old, wanted] = [before.split("\n"), text.split("\n")];
  return wanted.flatMap((lines, i) =>
    // GitHub writes the line's end itself.
    lines === old[i] ? [] : [{ path, line: i + 1, endLine: i + 1, lines: lines.replace(/\r$/, ""), body: "" }],
  );
}

/** How many different pins are named; more nobody reads. */
const MAX_NAMED = 50;

/** One line for each image, name and digest; `quote` is put around both. */
export function namedPins(files: readonly PinnedFile[], quote: "" | "`"): string {
  const all = files.flatMap(({ pins }) =>
    pins.map(({ written, digest }) => `${quote}${written}${quote} → ${quote}${digest}${quote}`),
  );
  const lines = [...new Set(all)];
  const left = lines.length - MAX_NAMED;
  return [...lines.slice(0, MAX_NAMED), ...(left > 0 ? [`and ${left} more`] : [])]
    .map((line) => `- ${line}`)
    .join("\n");
}
