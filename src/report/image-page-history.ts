import { html } from "hono/html";
import type { PastAnswer } from "../answer/answer.ts";
import type { Digest } from "../image/digest.ts";
import { markOfOutcome } from "./marks.ts";
import type { Markup } from "./page-layout.ts";
import { marked, named, time } from "./page-marks.ts";
import { SHORT_DIGEST } from "./short-reference.ts";

/** What was said of the name before: each time that something else was said. */
export function past(
  answers: readonly PastAnswer[],
  pageOfDigest: (digest: Digest) => string,
  shown: Digest,
): Markup | "" {
  if (answers.length === 0) return "";
  return html`<section><h2>History of verdicts</h2><div class="box" role="region" tabindex="0" aria-label="History of verdicts"><table class="history"><thead><tr><th scope="col">Verdict</th><th scope="col">As of</th><th scope="col">Digest</th><th scope="col">Level</th><th scope="col" class="text">Faults</th><th scope="col">Policy</th></tr></thead><tbody>${answers.map(
    ({ digest, policy, outcome, level, asOf, faults }) =>
      html`<tr><td>${marked(markOfOutcome(outcome), outcome)}</td><td>${time(asOf)}</td><td>${digest === shown ? html`${named(short(digest))} <span class="soft">(this)</span>` : html`<a href="${pageOfDigest(digest)}">${named(short(digest))}</a>`}</td><td>${level}</td><td class="text">${faults.map((code, i) => html`${i === 0 ? "" : ", "}${named(code)}`)}</td><td>${named(short(policy))}</td></tr>`,
  )}</tbody></table></div></section>`;
}

function short(digest: Digest): string {
  return digest.slice(0, digest.indexOf(":") + 1 + SHORT_DIGEST);
}
