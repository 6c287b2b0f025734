import { z } from "zod";
import type { HeadDocument } from "./answer-form.ts";
import { headSchema } from "./answer-form.ts";
import type { ApiRequest, ApiResponse } from "./exchange.ts";
import { type Freshness, publicFor } from "./freshness.ts";
import { document } from "./operation.ts";

/** Entries of a part where nothing else is asked for. */
export const USUAL_PAGE = 20;

/** How long a part of a list may be kept, here and elsewhere together, in milliseconds. */
const LIST_MS = 10_000;

/** A part of a list of images. */
export const listSchema = z
  .strictObject({
    images: z.array(headSchema),
    next: z.string().nullable().meta({ description: "`after` of the next part; null at the end. Opaque" }),
  })
  .meta({ description: "Images, with what is told of each." });

/** How a list may be kept: no longer than any verdict in it holds (RULES R14). */
export function listFreshness(images: readonly HeadDocument[], now: Date): Freshness {
  const lapses = images.flatMap(({ validUntil }) => (validUntil === null ? [] : [Date.parse(validUntil)]));
  return publicFor(Math.min(LIST_MS, ...lapses.map((time) => time - now.getTime())));
}

/** Sends a part of a list, with where the next one is (RFC 8288). */
export function listResponse(
  { path, query }: ApiRequest,
  list: z.output<typeof listSchema>,
  { headers, ...shared }: Freshness,
): ApiResponse {
  const further = new URLSearchParams(query);
  if (list.next !== null) further.set("after", list.next);
  const link = list.next === null ? {} : { link: `<${path}?${further}>; rel="next"` };
  return { ...document(listSchema, list, { ...headers, ...link }), ...shared };
}
