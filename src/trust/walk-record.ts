import { z } from "zod";
import { annotationsSchema, digestSchema } from "../image/descriptor.ts";
import type { Digest } from "../image/digest.ts";
import type { CouldNotLookCode } from "./ports.ts";

const COULD_NOT_LOOK: Readonly<Record<CouldNotLookCode, true>> = {
  network: true,
  timeout: true,
  "server-error": true,
  "rate-limited": true,
  "credentials-refused": true,
  "not-found-unproven": true,
  "address-refused": true,
  "digest-mismatch": true,
  offline: true,
  "unreadable-file": true,
  "feed-unread": true,
  "feed-refused": true,
  "no-answer": true,
  "answer-refused": true,
};

const isCouldNotLookCode = (text: unknown): text is CouldNotLookCode =>
  typeof text === "string" && Object.hasOwn(COULD_NOT_LOOK, text);

/** Longest sentence that is written down, in UTF-16 units. */
export const MAX_WORDS = 4096;
const words = z.string().max(MAX_WORDS);

const code = z.custom<CouldNotLookCode>(isCouldNotLookCode, "no reason why something could not be looked at");
const unreachable = z.strictObject({ kind: z.literal("unreachable"), code, message: words });
const beyondLimit = z.strictObject({ kind: z.literal("limit"), message: words });
const absent = z.strictObject({ kind: z.literal("absent") });
const bytes = z.int().nonnegative();

const resolution = z.strictObject({
  reference: z.string(),
  answer: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("found"), digest: digestSchema }),
    absent,
    unreachable,
    beyondLimit,
  ]),
});

const manifest = z.strictObject({
  image: z.string(),
  answer: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("found"), blob: digestSchema, contentType: z.string() }),
    absent,
    unreachable,
    beyondLimit,
  ]),
});

const blob = z.strictObject({
  image: z.string(),
  digest: digestSchema,
  limit: bytes,
  answer: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("found"), blob: digestSchema }),
    absent,
    unreachable,
    beyondLimit,
  ]),
});

const item = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("bundle"), blob: digestSchema, artifact: digestSchema.optional() }),
  z.strictObject({
    kind: z.literal("unsigned"),
    layer: z.strictObject({ digest: digestSchema, size: bytes, annotations: annotationsSchema }),
    manifest: z.string().optional(),
    isRoutine: z.boolean().optional(),
  }),
  z.strictObject({ kind: z.literal("malformed"), reason: words }),
]);
/** One thing that stood at a place for attestations, with its bytes told by their digest. */
export type RecordedItem = z.infer<typeof item>;

const listing = z.strictObject({
  image: z.string(),
  answer: z.discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("listed"),
      candidates: z.array(
        z.strictObject({
          where: words,
          read: z.discriminatedUnion("kind", [
            z.strictObject({ kind: z.literal("items"), items: z.array(item) }),
            unreachable,
            beyondLimit,
          ]),
        }),
      ),
      omitted: bytes,
      failures: z.array(unreachable),
    }),
    unreachable,
  ]),
});

const defaultBranch = z.strictObject({
  source: z.string(),
  id: z.string(),
  answer: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("branch"), name: z.string() }),
    /** The repository answers under another id. */
    z.strictObject({ kind: z.literal("another") }),
    unreachable,
  ]),
});

const layer = z.strictObject({
  image: z.string(),
  digest: digestSchema,
  mediaType: z.string(),
  size: bytes,
  algorithm: z.enum(["sha256", "sha384", "sha512"]),
  limit: bytes,
  answer: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("unpacked"), contentDigest: digestSchema, size: bytes }),
    z.strictObject({ kind: z.literal("broken"), reason: words }),
    z.strictObject({ kind: z.literal("unknown"), reason: words }),
    absent,
    unreachable,
    beyondLimit,
  ]),
});

const knownImage = z.strictObject({
  name: z.string(),
  digest: digestSchema,
  index: digestSchema.optional(),
  chainId: digestSchema,
  layers: bytes,
  origins: z.array(z.string()),
  signedAt: z.iso.datetime().optional(),
});

const known = z.strictObject({
  policy: digestSchema,
  chainIds: z.array(digestSchema),
  answer: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("known"), images: z.array(knownImage) }),
    unreachable,
  ]),
});

const feed = z.strictObject({
  url: z.string(),
  limit: bytes,
  answer: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("found"), blob: digestSchema }),
    unreachable,
    beyondLimit,
  ]),
});

const keptFeed = z.strictObject({
  key: digestSchema,
  answer: z.discriminatedUnion("kind", [z.strictObject({ kind: z.literal("found"), blob: digestSchema }), absent]),
});

/**
 * All that the world answered to a walk, inability included: given the same answers a walk comes to the same ancestry. What has a digest
 * stands beside it, by that digest; the rest is the word of whoever wrote it down. Null where the walk had nobody to ask.
 */
export const walkRecordSchema = z.strictObject({
  resolutions: z.array(resolution),
  manifests: z.array(manifest),
  blobs: z.array(blob),
  attestations: z.array(listing),
  defaultBranches: z.array(defaultBranch).nullable(),
  layers: z.array(layer).nullable(),
  known: z.strictObject({ description: z.string(), answers: z.array(known) }).nullable(),
  feeds: z.strictObject({ fetched: z.array(feed), kept: z.array(keptFeed) }).nullable(),
});

/** A walk's answers, in the form of {@link walkRecordSchema}. */
export type WalkRecord = z.output<typeof walkRecordSchema>;

/** Bytes by their SHA-256. */
export type RecordedBytes = ReadonlyMap<Digest, Uint8Array>;

/** What was asked and answered of each kind. */
export interface Asked {
  readonly resolutions: WalkRecord["resolutions"][number];
  readonly manifests: WalkRecord["manifests"][number];
  readonly blobs: WalkRecord["blobs"][number];
  readonly attestations: WalkRecord["attestations"][number];
  readonly defaultBranches: NonNullable<WalkRecord["defaultBranches"]>[number];
  readonly layers: NonNullable<WalkRecord["layers"]>[number];
  readonly known: NonNullable<WalkRecord["known"]>["answers"][number];
  readonly feeds: NonNullable<WalkRecord["feeds"]>["fetched"][number];
  readonly keptFeeds: NonNullable<WalkRecord["feeds"]>["kept"][number];
}

/** A question of one kind: what was asked, without the answer. */
export type Question<Kind extends keyof Asked> = Omit<Asked[Kind], "answer">;

/** What a question is kept under, whatever the order in which its fields were written. */
export function questionKey(question: object): string {
  return JSON.stringify(
    Object.entries(question)
      .filter(([name]) => name !== "answer")
      .sort(([one], [other]) => (one < other ? -1 : 1)),
  );
}

/** A failure in the form in which it is written down. */
export type RecordedFailure = z.infer<typeof unreachable> | z.infer<typeof beyondLimit>;
