import { html } from "hono/html";
import type { AnswerHead } from "../answer/answer.ts";
import { formatReference, type ImageReference } from "../image/reference.ts";
import { document } from "./page-layout.ts";
import { named, time } from "./page-marks.ts";
import { banner } from "./page-outcome.ts";
import { printable } from "./printable.ts";

/** The page of an image of which isn't known now what it is: what was last known stands there as the past that it is. */
export function pendingImagePage(reference: ImageReference, reason: string, former: AnswerHead | undefined): string {
  const name = formatReference(reference);
  return document({
    title: `Not known now: ${printable(name)}`,
    crumb: html`<a href="/">All images</a>`,
    main: html`${banner(
      {
        sign: "unknown",
        word: "Undetermined",
        lines: [
          html`${printable(reason)}`,
          html`It is to be judged anew. Until then this says nothing about the image: it is neither trusted nor untrusted.`,
        ],
      },
      named(name),
    )}
${
  former === undefined
    ? ""
    : html`<section><h2>What was last known</h2><dl class="box facts">
<div><dt>It was</dt><dd><span class="lesser">${former.outcome}</span> as of ${time(former.asOf)}; that doesn't hold now</dd></div>
<div><dt>Digest then</dt><dd>${named(former.image.digest)}</dd></div>
<div><dt>Policy then</dt><dd>${named(former.policy.digest)}</dd></div></dl></section>`
}`,
    refreshes: true,
  });
}
