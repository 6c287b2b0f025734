import type { AnswerHead, Viewer } from "../answer/answer.ts";
import { TAG_MS } from "../answer/tag-sightings.ts";
import type { ApiResponse } from "./exchange.ts";

/** How long an answer stays in this process, in milliseconds; another one may have judged the image anew. */
const HERE_MS = 10_000;
/** How long others may keep an answer, in seconds. */
const ELSEWHERE_SECONDS = 30;

/** How an answer may be kept on its way. */
export interface Freshness {
  readonly headers: Readonly<Record<string, string>>;
  readonly shared?: NonNullable<ApiResponse["shared"]>;
}

/** Kept by nobody: it is about to change. */
export const NOT_KEPT: Freshness = { headers: { "cache-control": "no-store", vary: "Authorization" } };

/**
 * What was told to somebody with a token is nobody else's, whatever it is. What everyone may see is kept for moments, and nowhere
 * beyond the time at which something that it rests on lapses (RULES R14).
 *
 * @param resolvedAt - When the tag that was asked for was seen to name the image.
 */
export function freshnessOf(viewer: Viewer, heads: readonly AnswerHead[], now: Date, resolvedAt?: Date): Freshness {
  if (viewer.kind === "token" || heads.some(({ audience }) => audience.kind !== "everyone"))
    return { headers: { "cache-control": "private, no-store", vary: "Authorization" } };
  const lapses = heads.flatMap(({ validUntil }) => (validUntil === undefined ? [] : [validUntil.getTime()]));
  if (resolvedAt !== undefined) lapses.push(resolvedAt.getTime() + TAG_MS);
  return publicFor(Math.min(ELSEWHERE_SECONDS * 1000 + HERE_MS, ...lapses.map((time) => time - now.getTime())));
}

/** @param ms - For how long from now it holds, here and elsewhere together. */
export function publicFor(ms: number): Freshness {
  const here = Math.max(0, Math.min(HERE_MS, ms));
  const elsewhere = Math.max(0, Math.floor(Math.min(ELSEWHERE_SECONDS * 1000, ms - here) / 1000));
  return {
    headers: { "cache-control": `public, max-age=${elsewhere}, must-revalidate`, vary: "Authorization" },
    shared: { ms: here },
  };
}
