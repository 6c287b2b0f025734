import { jsonExtent } from "../image/json-extent.ts";
import type { Statement } from "./statement.ts";

/** So many characters of text take about as much memory as one part of a document. */
const CHARACTERS_A_PART = 64;

/**
 * About how much memory a statement that was read takes, in parts of some 130 bytes: objects, arrays, and what stands in them. It isn't its
 * size on the wire, of which three bytes make a part.
 */
export function weightOf({ subject, predicate }: Statement): number {
  const { values, characters } = jsonExtent([subject, predicate]);
  return values + Math.floor(characters / CHARACTERS_A_PART);
}
