import type { PullJob } from "../change/pull-check.ts";
import type { JudgedPin } from "../change/pull-pins-text.ts";
import { parseDigest } from "../image/digest.ts";
import type { ForecastDocument } from "../report/forecast-json.ts";
import { pinsOf } from "../report/forecast-pins.ts";

/**
 * The pins that a check offers, out of the documents of its head's forecasts: what people saw, and nothing that was resolved since.
 *
 * @returns undefined where a document of the head isn't there any more: what is left would say less than was judged.
 */
export function judgedPins(
  { outcome }: Pick<PullJob, "outcome">,
  documents: ReadonlyMap<string, ForecastDocument>,
): readonly JudgedPin[] | undefined {
  const files = outcome?.kind === "judged" ? outcome.files : [];
  const pins: JudgedPin[] = [];
  for (const { path, after } of files) {
    if (after.kind !== "judged") continue;
    const judged = after.forecasts.flatMap(({ key }) => documents.get(key) ?? []);
    if (judged.length < after.forecasts.length) return undefined;
    for (const { place, written, digest } of pinsOf(judged))
      pins.push({ path, place, written, digest: parseDigest(digest) });
  }
  return pins;
}
