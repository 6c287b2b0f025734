import { createHash } from "node:crypto";
import { html, raw } from "hono/html";
import { STYLE } from "./page-style.ts";

/** A piece of HTML, in which every text that isn't ours is escaped. */
export type Markup = ReturnType<typeof html>;

/** Seconds after which a page that waits for something is fetched again. */
const REFRESH_S = 3;

const STYLE_HASH = createHash("sha256").update(STYLE).digest("base64");

/**
 * The header `Content-Security-Policy` of every page: the stylesheet that is in the page and nothing else, so that what got through
 * the escaping could neither run nor fetch anything.
 */
export const CONTENT_SECURITY_POLICY = policyWithForms("'none'");

/** The same for a page with a form. @param targets - The origins that it may be sent to, as the header's grammar has them: never a stranger's text. */
export function policyWithForms(...targets: readonly string[]): string {
  return `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action ${targets.join(" ")}; frame-ancestors 'none'`;
}

/** The same for pages of images: a form to this server, and our own script from it. */
export const IMAGE_PAGE_POLICY = `${policyWithForms("'self'")}; script-src 'self'`;

/** A whole document. */
export interface Page {
  /** Of the window. */
  readonly title: string;
  /** What stands beside our name at the top. */
  readonly crumb?: Markup;
  readonly main: Markup;
  readonly footer?: Markup;
  /** Whether what is shown will change by itself. */
  readonly refreshes?: boolean;
  /** The address of a script of ours; the page is whole without it. */
  readonly script?: string;
}

/** Writes it out. */
export function document({ title, crumb, main, footer, refreshes = false, script }: Page): string {
  const markup = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
${refreshes ? html`<meta http-equiv="refresh" content="${REFRESH_S}">` : ""}
<title>${title}</title>
<style>${raw(STYLE)}</style>
${script === undefined ? "" : html`<script src="${script}" defer></script>`}
</head>
<body>
<header class="top"><div class="wide"><span class="brand">Trusted Builds</span>${crumb ? html`<span class="crumb">${crumb}</span>` : ""}</div></header>
<main class="wide">
${main}
</main>
${footer ? html`<footer><div class="wide">${footer}</div></footer>` : ""}
</body>
</html>
`;
  if (markup instanceof Promise) throw new Error("wrote a page: a part of it comes later, and pages have no such part");
  return markup.toString();
}
