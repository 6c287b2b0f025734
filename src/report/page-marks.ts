import { html, raw } from "hono/html";
import { safeUrl } from "./markdown.ts";
import { type Mark, SHAPES } from "./marks.ts";
import type { Markup } from "./page-layout.ts";
import { printable } from "./printable.ts";
import { utc } from "./utc.ts";

/** A mark, or what isn't decided: `busy` goes on, `later` hasn't begun. */
export type Sign = Mark | "busy" | "later";

/** The outline and what is inside, one for each, so that they differ without colour. */
const DRAWINGS: Readonly<Record<Sign, string>> = {
  good: '<circle cx="12" cy="12" r="10"/><path d="m7.5 12.5 3 3 6-6.5"/>',
  bad: '<path d="M8 2h8l6 6v8l-6 6H8l-6-6V8z"/><path d="m8.5 8.5 7 7m0-7-7 7"/>',
  unknown:
    '<path d="M12 1.5 22.5 12 12 22.5 1.5 12z"/><path d="M9.8 9.6a2.3 2.3 0 1 1 3.3 2.1c-.8.4-1.1.8-1.1 1.7"/><path d="M12 16.4v.1"/>',
  undermined: '<circle cx="12" cy="12" r="10"/><path d="M12 7v6m0 3.5v.1"/>',
  root: '<path d="M12 2.5 21.5 12 12 21.5 2.5 12z" fill="currentColor"/>',
  busy: '<circle cx="12" cy="12" r="10"/><path d="M12 6.5V12l3.5 2.5"/>',
  later: '<circle cx="12" cy="12" r="6" stroke-dasharray="2.5 3"/>',
};

/** A sign as a drawing, for eyes alone: the word stands beside it. */
export function drawing(sign: Sign): Markup {
  return html`<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${raw(DRAWINGS[sign])}</svg>`;
}

/** A mark in a line of text: its shape, and the word that says the same. */
export function marked(mark: Mark, word: string): Markup {
  return html`<span class="mark ${mark}"><span aria-hidden="true">${SHAPES[mark]}</span> ${printable(word)}</span>`;
}

/** A name of strangers, as it stands. */
export function named(text: string): Markup {
  return html`<code>${printable(text)}</code>`;
}

/** A name that leads somewhere; the name alone where the address isn't one of the web. */
export function linked(text: string, url: string | undefined): Markup {
  const target = url === undefined ? undefined : safeUrl(url);
  return target === undefined ? named(text) : html`<a href="${target}" rel="noreferrer">${named(text)}</a>`;
}

/** A time for people and for programs. */
export function time(date: Date): Markup {
  return html`<time datetime="${date.toISOString()}">${utc(date)}</time>`;
}
