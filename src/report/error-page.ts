import { html } from "hono/html";
import { document } from "./page-layout.ts";
import { banner } from "./page-outcome.ts";
import { printable } from "./printable.ts";

/** The page of an address that can't be shown. @param text - In words for people; tells nothing of what is there. */
export function errorPage(status: number, title: string, text: string): string {
  return document({
    title: printable(title),
    main: banner(
      { sign: "undermined", word: printable(title), lines: [html`${printable(text)}`] },
      html`HTTP ${status}`,
    ),
  });
}
