import { z } from "zod";
import type { Told } from "../answer/answer.ts";
import type { Inquiry } from "../answer/inquiry.ts";
import { formatReference } from "../image/reference.ts";
import type { Links } from "./links.ts";

/** What becomes of a question. */
export const inquirySchema = z
  .strictObject({
    id: z.string(),
    reference: z.string(),
    state: z.enum(["open", "answered", "nothing", "not-looked"]).meta({
      description:
        "nothing: there is no such image, or none that you may see; nothing tells them apart. not-looked: it could not be looked at, time after time, which says nothing of the image; ask again",
    }),
    reason: z.string().nullable().meta({ description: "why it could not be looked at; for people" }),
    askedAt: z.iso.datetime(),
    waiting: z
      .strictObject({ reason: z.string(), until: z.iso.datetime() })
      .nullable()
      .meta({ description: "what could not be looked at last, and when it is tried again" }),
    answer: z.string().nullable().meta({ description: "where the answer is" }),
    self: z.string().meta({ description: "where to look" }),
  })
  .meta({ description: "A question that was asked, and what became of it." });

/**
 * How an inquiry stands, for whoever looks.
 *
 * @param told - What is told of its image to whoever looks, where it has an end: that it was answered isn't told to those who may not see
 * the answer.
 */
export function inquiryDocument(
  inquiry: Inquiry,
  told: Told | undefined,
  links: Links,
): z.output<typeof inquirySchema> {
  const { id, image, askedAt, waiting, end, repository } = inquiry;
  const isUnseen = end?.kind === "not-looked";
  const isAnswered = end?.kind === "answered" && told !== undefined && told.kind !== "nothing";
  return {
    id,
    reference: formatReference(image),
    state: end === undefined ? "open" : isUnseen ? "not-looked" : isAnswered ? "answered" : "nothing",
    // Of a build's own image the walk has credentials: what they met is for nobody here.
    reason: isUnseen && repository === undefined ? end.reason : null,
    askedAt: askedAt.toISOString(),
    // Of a build's own image the walk has credentials: what they met is for nobody here.
    waiting:
      end !== undefined || waiting === undefined || repository !== undefined
        ? null
        : { reason: waiting.reason, until: waiting.until.toISOString() },
    answer: isAnswered ? links.image(image) : null,
    self: links.inquiry(id),
  };
}
