import { html } from "hono/html";
import { formatReference, type ImageReference } from "../image/reference.ts";
import { document } from "./page-layout.ts";
import { named, time } from "./page-marks.ts";
import { banner } from "./page-outcome.ts";
import { printable } from "./printable.ts";

/**
 * The page of a question that isn't answered yet; it fetches itself anew.
 *
 * @param waiting - What could not be looked at last, and when it is tried again.
 */
export function inquiryPage(
  image: ImageReference,
  waiting: { readonly reason: string; readonly until: Date } | undefined,
): string {
  const name = formatReference(image);
  return document({
    title: `Being judged: ${printable(name)}`,
    crumb: html`<a href="/">All images</a>`,
    main: banner(
      waiting === undefined
        ? {
            sign: "busy",
            word: "Being judged",
            lines: [html`The image, what is signed about it, and every image under it are fetched and verified.`],
          }
        : {
            sign: "unknown",
            word: "Could not look yet",
            lines: [
              html`${printable(waiting.reason)}`,
              html`Next try at ${time(waiting.until)}. This says nothing about the image: it is neither trusted nor untrusted until it could be looked at.`,
            ],
          },
      named(name),
    ),
    refreshes: true,
  });
}
