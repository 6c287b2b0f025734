import { html } from "hono/html";
import type { Outcome } from "../trust/verdict.ts";
import { markOfOutcome } from "./marks.ts";
import { askingForm } from "./missing-image-page.ts";
import { document, type Markup } from "./page-layout.ts";
import { linked, marked, named, time } from "./page-marks.ts";
import { shortReference } from "./short-reference.ts";
import { repositoryName } from "./source-links.ts";

/** What was searched for, as it was written. */
export interface SearchWords {
  readonly q: string;
  readonly source: string;
  readonly owner: string;
  readonly verdict: Outcome | "";
}

/** One image that was found; `outcome` is what may be told of it now. */
export interface FoundImage {
  /** Without its digest where it has a tag. */
  readonly name: string;
  readonly outcome: Outcome;
  /** Whether it is being judged anew. */
  readonly isPending: boolean;
  readonly asOf: Date;
  /** `https://github.com/acme/app` */
  readonly source: string | undefined;
  /** Its page. */
  readonly page: string;
}

/** What the page of images shows. */
export interface SearchPageContent {
  readonly words: SearchWords;
  readonly found: readonly FoundImage[];
  /** Where the next part is. */
  readonly next: string | undefined;
  readonly policyUrl: string;
  /** Whether this server has images judged that anyone names. */
  readonly asks: boolean;
}

/** The first page of the server: images by name, source and owner. */
export function searchPage({ words, found, next, policyUrl, asks }: SearchPageContent): string {
  return document({
    title: "Images",
    main: html`<h1>Can this image be trusted?</h1>
<p>Whether an image was built, by a builder that is accepted, from source that is named, and whether the same is true of every image under it. Answers here are by <a href="${policyUrl}">this server's published policy</a>.</p>
<section><h2>Find an image</h2>${form(words)}</section>
<section><h2>Images</h2>${found.length === 0 ? html`<p class="soft">None found.</p>` : results(found)}${next === undefined ? "" : html`<p><a href="${next}" rel="next">Older answers</a></p>`}<p class="soft small">That an image is found says nothing of trust: anyone may call one what he likes. The mark is the verdict.</p></section>
${asks ? askingForm() : ""}`,
  });
}

function form({ q, source, owner, verdict }: SearchWords): Markup {
  const choices: readonly (Outcome | "")[] = ["", "trusted", "untrusted", "undetermined"];
  return html`<form class="card search" method="get" action="/images" role="search"><label>Name<span class="soft">a part is enough</span><input name="q" value="${q}" maxlength="256" autocapitalize="none" spellcheck="false"></label><label>Source repository<span class="soft">acme/app</span><input name="source" value="${source}" maxlength="256" autocapitalize="none" spellcheck="false"></label><label>Owner of the source<span class="soft">acme</span><input name="owner" value="${owner}" maxlength="256" autocapitalize="none" spellcheck="false"></label><label>Verdict<span class="soft">by the published policy</span><select name="verdict">${choices.map((choice) => html`<option value="${choice}"${choice === verdict ? html` selected` : ""}>${choice === "" ? "any" : choice}</option>`)}</select></label><button>Search</button></form>`;
}

function results(found: readonly FoundImage[]): Markup {
  return html`<div class="box" role="region" tabindex="0" aria-label="Images that were found"><table class="history found"><thead><tr><th scope="col">Verdict</th><th scope="col" class="text">Image</th><th scope="col" class="text">Source</th><th scope="col">As of</th></tr></thead><tbody>${found.map(
    ({ name, outcome, isPending, asOf, source, page }) =>
      html`<tr><td>${marked(markOfOutcome(outcome), outcome)}${isPending ? html` <span class="soft small">being judged anew</span>` : ""}</td><td class="text"><a href="${page}">${named(shortReference(name))}</a></td><td class="text">${source === undefined ? "" : linked(repositoryName(source), source)}</td><td>${time(asOf)}</td></tr>`,
  )}</tbody></table></div>`;
}
