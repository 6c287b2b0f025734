import { z } from "zod";
import { MAX_PAGE } from "../answer/ports.ts";

/** Longest text that is searched for, and longest name that is read, in UTF-16 units. */
const MAX_TEXT = 1024;

const text = z.string().min(1).max(MAX_TEXT);

/** None are read. */
export const NO_QUERIES = z.strictObject({});

/** Which image's verdict is meant, where a digest has several names. */
export const IMAGE_QUERY = z.strictObject({
  image: text.optional().meta({ description: "the name under which it was judged: `NAME` or `NAME:TAG`" }),
});

/** A part of a list. */
export const PAGE_QUERIES = z.strictObject({
  after: text.optional().meta({ description: "`next` of the part before" }),
  limit: z
    .string()
    .regex(/^[1-9][0-9]{0,2}$/)
    .transform(Number)
    .pipe(z.int().max(MAX_PAGE))
    .optional()
    .meta({ description: `how many at most; 1 to ${MAX_PAGE}, and ${MAX_PAGE} if absent` }),
});
