import { jsonExtent } from "../image/json-extent.ts";

/** What a name, a bracket or a number takes, in bytes, roughly. */
const VALUE_BYTES = 8;

/** How large a document from the database is as a text, in bytes, roughly: it comes parsed. */
export function weightOf(document: unknown): number {
  const { values, characters } = jsonExtent(document);
  return values * VALUE_BYTES + characters;
}
