import type { ForecastDocument } from "./forecast-json.ts";
import { groupBy } from "./grouping.ts";

/** A reference of a Dockerfile that names an image by tag, and what it would be with the digest beside it. */
export interface Pin {
  /** Where the reference stands, in UTF-16 units of the file's text. */
  readonly place: { readonly start: number; readonly end: number };
  /** Line of the instruction that uses it. */
  readonly line: number;
  readonly endLine: number;
  readonly digest: string;
  readonly written: string;
  /** What to write instead. */
  readonly pinned: string;
}

/**
 * What can be pinned where it stands, in the order of the file. What is written with variables, or leads to different images on
 * different platforms, is left to people.
 */
export function pinsOf(documents: readonly ForecastDocument[]): readonly Pin[] {
  const pins = documents.flatMap(({ parents }) =>
    parents.flatMap(({ uses, pinned: isPinned, digest }) =>
      isPinned || digest === null
        ? []
        : uses.flatMap(({ place, line, endLine, written }): readonly Pin[] =>
            place === null || written.includes("$")
              ? []
              : [{ place, line, endLine, digest, written, pinned: `${written}@${digest}` }],
          ),
    ),
  );
  return [...groupBy(pins, ({ place }) => `${place.start}-${place.end}`).values()]
    .flatMap((group) =>
      group[0] !== undefined && group.every(({ digest }) => digest === group[0]?.digest) ? [group[0]] : [],
    )
    .sort((a, b) => a.place.start - b.place.start);
}
