import { z } from "zod";
import { verdictSchema } from "../report/json.ts";

/** A verdict as it comes out of the database: written by us, perhaps by an older version. */
export const judgedBy = z.object({
  policy: z.object({
    kind: z.enum(["repository", "organisation"]),
    name: z.string(),
    uri: z.string(),
    commit: z.string(),
    isProtected: z.union([z.boolean(), z.literal("unknown")]),
  }),
  document: verdictSchema,
});
