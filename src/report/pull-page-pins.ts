import { html } from "hono/html";
import { pinsOf } from "./forecast-pins.ts";
import { safeUrl } from "./markdown.ts";
import type { Markup } from "./page-layout.ts";
import { linked, named } from "./page-marks.ts";
import type { PullLinks } from "./pull-links.ts";
import type { ShownFile } from "./pull-shown.ts";

/** For who can't have the button (RULES R33): what to write at which line, and GitHub's editor on the file. */
export function pinsSection(files: readonly ShownFile[], links: PullLinks): Markup | "" {
  const byFile = new Map<string, ReturnType<typeof pinsOf>>();
  for (const { file, forecastsAfter } of files) {
    const pins = pinsOf(forecastsAfter.map(({ document }) => document));
    const known = byFile.get(file.path) ?? [];
    const places = new Set(known.map(({ place }) => place.start));
    byFile.set(file.path, [...known, ...pins.filter(({ place }) => !places.has(place.start))]);
  }
  const all = [...byFile].filter(([, pins]) => pins.length > 0);
  if (all.length === 0) return "";
  return html`<section><h2>Pin what is named by a tag alone</h2><p>A tag can move, and another image go in than was judged. Write the digest beside it:</p>
${all.map(([path, pins]) => {
  const editor = links.edit(path);
  const edit =
    editor === undefined || safeUrl(editor) === undefined
      ? ""
      : html` · <a href="${editor}" rel="noreferrer">edit the file on GitHub</a>`;
  return html`<article class="card"><h3>${linked(path, links.file(path))}${edit}</h3>
<dl class="why">${pins.map(({ line, written, pinned }) => html`<dt>line ${line}, instead of ${named(written)}</dt><dd>${named(pinned)}</dd>`)}</dl></article>`;
})}</section>`;
}
