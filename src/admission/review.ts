import { z } from "zod";
import { readDocument } from "../image/json.ts";

/** Largest review that is read, in bytes: an object of etcd's limit (1.5 MiB), as it is and as it was. */
export const MAX_REVIEW_BYTES = 3 * 1024 * 1024;

const word = z.string().max(253);

const reviewSchema = z.object({
  apiVersion: z.literal("admission.k8s.io/v1"),
  kind: z.literal("AdmissionReview"),
  request: z.object({
    uid: z.string().min(1).max(128),
    kind: z.object({ group: word, version: word, kind: word }),
    subResource: word.nullish(),
    name: word.nullish(),
    namespace: word.nullish(),
    operation: z.enum(["CREATE", "UPDATE", "DELETE", "CONNECT"]),
    // Read apart, by its kind: what is wrong with it is a refusal of the object, not of the review.
    object: z.unknown(),
    oldObject: z.unknown(),
    dryRun: z.boolean().nullish(),
  }),
});

/** What the cluster's API server asks: whether an object may be (AdmissionReview, version 1). */
export type Review = z.output<typeof reviewSchema>["request"];

/**
 * Reads a review. The bytes are read as Go reads them, or not at all (RULES R23): one pod for the cluster and another for us would be
 * a way past this door.
 *
 * @throws {JsonError}
 */
export function readReview(bytes: Uint8Array): Review {
  return readDocument(reviewSchema, bytes).request;
}
