import { html } from "hono/html";
import { formatReference, type ImageReference } from "../image/reference.ts";
import { askingForm } from "./missing-image-page.ts";
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

/** The page of a question that ended without a look: nothing is said of the image, not even whether there is one. */
export function unseenImagePage(image: ImageReference, reason: string): string {
  const name = formatReference(image);
  return document({
    title: `Could not look: ${printable(name)}`,
    crumb: html`<a href="/">All images</a>`,
    main: html`${banner(
      {
        sign: "unknown",
        word: "Could not look",
        lines: [
          html`${printable(reason)}`,
          html`It was tried several times. This says nothing about the image: it is neither trusted nor untrusted, and may be there or not.`,
        ],
      },
      named(name),
    )}
${askingForm()}`,
  });
}
