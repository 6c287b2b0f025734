import type { Digest } from "../digest.ts";
import type { Place } from "./source.ts";

/** A reference in a Dockerfile, and the digest that it is to have. */
export interface Pin {
  /** As a use of an image has it in `place`, of the same text. */
  readonly place: Place;
  readonly digest: Digest;
}

/**
 * Puts digests behind references, or in the place of those that are there; everything else stays byte for byte, line ends and byte
 * order mark too. Two uses that share one `ARG` have one place, and may say the same twice.
 *
 * @throws {RangeError} if two pins at one place differ, overlap, or lie outside the text: it would be another file's reading.
 */
export function pinImages(text: string, pins: readonly Pin[]): string {
  const sorted = pins.toSorted((a, b) => a.place.start - b.place.start);
  let result = "";
  let last = 0;
  let before: Pin | undefined;
  for (const pin of sorted) {
    const { place, digest } = pin;
    const isSame = before?.place.start === place.start && before.place.end === place.end && before.digest === digest;
    if (isSame) continue;
    if (place.start < last || place.end <= place.start || place.end > text.length) {
      throw new RangeError("pins contradict each other, or are of another text");
    }
    const reference = text.slice(place.start, place.end);
    const [name = ""] = reference.split("@", 1);
    result += `${text.slice(last, place.start)}${name}@${digest}`;
    last = place.end;
    before = pin;
  }
  return result + text.slice(last);
}
