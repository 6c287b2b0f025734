import { html } from "hono/html";
import { document, type Markup } from "./page-layout.ts";
import { banner } from "./page-outcome.ts";

/**
 * The page for what nothing is known of, and for what may not be seen: one page, the same bytes, whatever was asked for.
 *
 * @param asks - Whether this server has images judged that anyone names.
 */
export function missingImagePage(asks: boolean): string {
  return document({
    title: "Nothing is known of this image",
    crumb: html`<a href="/">All images</a>`,
    main: html`${banner(
      {
        sign: "undermined",
        word: "Nothing is known",
        lines: [
          html`Nobody asked this server about an image of this name, or it is made from a private repository. This says nothing about the image: it is neither trusted nor untrusted.`,
        ],
      },
      html`HTTP 404`,
    )}
${asks ? askingForm() : ""}
<section><h2>Or without this server</h2><div class="card"><pre class="command" role="region" tabindex="0" aria-label="Command">npx trusted-builds verify REGISTRY/REPOSITORY:TAG</pre></div></section>`,
  });
}

/** A form that has an image judged. */
export function askingForm(): Markup {
  return html`<section><h2>Have an image judged</h2><form class="card" method="post" action="/inquiries"><label>Image<span class="soft">as ghcr.io/acme/app:1.2.3, in a registry that everyone may read</span><input name="image" required maxlength="1024" autocomplete="off" autocapitalize="none" spellcheck="false"></label><button>Have it judged</button></form></section>`;
}
