import { z } from "zod";

const source = z.object({
  repository: z.string().meta({ description: "`https://github.com/acme/app`" }),
  repositoryId: z.string().nullable(),
  ownerId: z.string().nullable(),
  commit: z.string().nullable(),
  ref: z.string().nullable(),
  run: z.string().nullable().meta({ description: "the run that built, with its attempt" }),
  builder: z.string().nullable().meta({ description: "the workflow that built, with its ref" }),
});

const dockerfile = z.object({
  repository: z.string(),
  commit: z.string(),
  path: z.string().meta({ description: "from the repository's root" }),
  text: z.string().nullable().meta({ description: "at that commit; null where it isn't shown" }),
  reason: z.string().nullable().meta({ description: "why it isn't shown" }),
});

const packageFact = z.object({
  name: z.string(),
  version: z.string().nullable(),
  licences: z.array(z.string()).meta({ description: "as they are attested: SPDX expressions, or names" }),
  purl: z.string().nullable(),
  source: z.string().nullable().meta({ description: "where its source is to be had" }),
});

const packageList = z.object({
  platform: z.string().nullable(),
  format: z.enum(["spdx", "cyclonedx"]),
  bundle: z.string().meta({ description: "SHA-256 of the bundle in whose word it stands" }),
  packages: z.array(packageFact),
  omitted: z.int().nonnegative().meta({ description: "how many more it lists" }),
});

/** Longest reason why something is missing, in characters. */
export const MAX_REASON_LENGTH = 500;

/** What is told of an image beside the verdict, gathered when it was judged: of the image asked about alone. */
export const answerFactsSchema = z.object({
  sources: z.array(source),
  dockerfiles: z.array(dockerfile),
  packages: z.array(packageList),
  unread: z
    .array(z.string())
    .optional()
    .meta({ description: "what is missing from these facts and why; the verdict doesn't rest on it" }),
});

/** In the form of {@link answerFactsSchema}. */
export type AnswerFacts = z.output<typeof answerFactsSchema>;

/** The source of an image, by one statement that counts. */
export type SourceFact = AnswerFacts["sources"][number];

/** A Dockerfile at the commit that was built. */
export type DockerfileFact = AnswerFacts["dockerfiles"][number];

/** The packages of one platform's image, by one attestation. */
export type PackageList = AnswerFacts["packages"][number];
