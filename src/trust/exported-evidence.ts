import { z } from "zod";
import { digestSchema } from "../image/descriptor.ts";
import { walkRecordSchema } from "./walk-record.ts";

/** How many images one file tells of. */
export const MAX_EXPORTED_IMAGES = 1000;
/** Trusted roots of one verdict; there are two as a rule. */
const MAX_ROOTS = 64;

const named = z.strictObject({ name: z.string().max(4096), blob: digestSchema });

const exportedImage = z.strictObject({
  reference: z.string().meta({ description: "as it was asked for; on disk, as whoever asked called it" }),
  platform: z.string().nullable().meta({ description: "the platform that was asked about alone" }),
  asOf: z.iso.datetime(),
  policy: named.extend({
    server: z.string().meta({ description: "the GitHub server that is meant where the policy names none" }),
    isDefault: z
      .boolean()
      .meta({ description: "the default policy of the version that wrote this, in a form of its own" }),
  }),
  trustedRoots: z.array(named).max(MAX_ROOTS),
  outcome: z.enum(["trusted", "untrusted", "undetermined"]),
  result: digestSchema.meta({ description: "the digest of the result" }),
  record: walkRecordSchema,
});

/** The document in a file of evidence: for each image by what it was judged, what came of it, and all that the world answered. */
export const exportedEvidenceSchema = z.strictObject({
  version: z.literal(1),
  program: z.string().max(200).meta({ description: "the version of this program that wrote it" }),
  images: z.array(exportedImage).min(1).max(MAX_EXPORTED_IMAGES),
});

/** In the form of {@link exportedEvidenceSchema}. Everything in it is the word of whoever wrote the file. */
export type ExportedEvidence = z.output<typeof exportedEvidenceSchema>;

/** One image of it. */
export type ExportedImage = ExportedEvidence["images"][number];
