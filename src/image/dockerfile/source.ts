import { DockerfileError, type Lines } from "./reading.ts";

/** The text of a file, and where its lines begin. */
export interface Source {
  readonly text: string;
  /** Offsets, in UTF-16 units. */
  readonly lineStarts: readonly number[];
}

/** A stretch of offsets in UTF-16 units, the end not included. */
export interface Place {
  readonly start: number;
  readonly end: number;
}

/** A text that was put together from several lines of a file, and still knows where each of its characters stands. */
export interface Located {
  readonly text: string;
  /** In order: what begins at `at` in the text stands at `source` in the file. */
  readonly segments: readonly { readonly at: number; readonly source: number }[];
}

/** Cuts a file into lines, which end with a line feed as in Go's scanner; what stands before it, a carriage return too, is the line's. */
export function readSource(text: string): Source {
  const lineStarts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lineStarts.push(at + 1);
  return { text, lineStarts };
}

/** Where a stretch of the text stands in the file; undefined where it is put together from pieces. */
export function placeOf(located: Located, start: number, end: number): Place | undefined {
  const { segments } = located;
  let [low, high] = [0, segments.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((segments[middle]?.at ?? 0) <= start) low = middle;
    else high = middle - 1;
  }
  const [segment, next] = [segments[low], segments[low + 1]];
  if (segment === undefined || (next !== undefined && next.at < end)) return undefined;
  const from = segment.source + start - segment.at;
  return { start: from, end: from + end - start };
}

/** The error for what BuildKit refuses at an index of an instruction's text. */
export function refusal(
  source: Source,
  located: Located,
  index: number,
  message: string,
  options?: ErrorOptions,
): DockerfileError {
  return refusalAt(source, placeOf(located, index, index)?.start ?? 0, message, options);
}

/** The error for what BuildKit refuses at an offset of the file. */
export function refusalAt(source: Source, offset: number, message: string, options?: ErrorOptions): DockerfileError {
  const { line, start } = lineAt(source, offset);
  return new DockerfileError(message, line, offset - start + 1, options);
}

/** The lines that a stretch of the file reaches over. */
export function linesOf(source: Source, { start, end }: Place): Lines {
  return { line: lineAt(source, start).line, endLine: lineAt(source, Math.max(start, end - 1)).line };
}

function lineAt({ lineStarts }: Source, offset: number): { readonly line: number; readonly start: number } {
  let [low, high] = [0, lineStarts.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((lineStarts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, start: lineStarts[low] ?? 0 };
}
