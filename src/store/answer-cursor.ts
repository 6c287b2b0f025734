import { z } from "zod";
import { CursorRefused } from "../answer/ports.ts";
import { isText } from "./json.ts";

/** Longest that is read, in characters; ours have less than 100. */
const MAX_LENGTH = 512;
/** The last moment that is written with four digits for its year: PostgreSQL reads no others as a `Date` writes them. */
const LAST_MS = 253_402_300_799_999;

const Place = z.tuple([z.int().min(0).max(LAST_MS), z.string().min(1).max(200).refine(isText)]);

/** Where a list by time ends. It only moves whoever shows it within what everyone may see. */
export interface AnswerPlace {
  readonly asOf: Date;
  readonly id: string;
}

/** The place in one word. */
export function writeCursor({ asOf, id }: AnswerPlace): string {
  return Buffer.from(JSON.stringify([asOf.getTime(), id])).toString("base64url");
}

/** @throws {CursorRefused} for anything that {@link writeCursor} doesn't write. */
export function readCursor(text: string): AnswerPlace {
  if (text.length > MAX_LENGTH) throw new CursorRefused();
  const place = Place.safeParse(jsonOf(Buffer.from(text, "base64url").toString()));
  if (!place.success) throw new CursorRefused();
  const read = { asOf: new Date(place.data[0]), id: place.data[1] };
  if (writeCursor(read) !== text) throw new CursorRefused();
  return read;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
