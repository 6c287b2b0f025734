import { html } from "hono/html";
import { type Build, type Outcome, tagName } from "../build/build.ts";
import type { Outcome as Verdict } from "../trust/verdict.ts";
import { type JudgedBy, shownOutcome, worstFirst } from "./judged-by.ts";
import { ancestry } from "./page-ancestry.ts";
import { facts } from "./page-facts.ts";
import { document, type Markup } from "./page-layout.ts";
import { linked, named } from "./page-marks.ts";
import { banner, summaryOf } from "./page-outcome.ts";
import { problems, warnings } from "./page-problems.ts";
import { steps } from "./page-steps.ts";
import { printable } from "./printable.ts";
import type { SignedSummaries } from "./signed-summaries.ts";
import { repositoryUrl } from "./source-links.ts";

export { errorPage } from "./error-page.ts";
export { CONTENT_SECURITY_POLICY } from "./page-layout.ts";

/**
 * The status page of a build: one whole document without script, to be sent with {@link CONTENT_SECURITY_POLICY}. It fetches itself
 * anew until the outcome is known, and has no time but those of the build and of its verdicts.
 *
 * @param server - The GitHub server, for links before a run tells it.
 * @param summaries - The signed summaries, by their path on this server, where there are some.
 */
export function buildPage(
  build: Build,
  judged: readonly JudgedBy[],
  { server, summaries }: { readonly server?: string; readonly summaries?: SignedSummaries } = {},
): string {
  const outcome = build.outcome && shownOutcome(build.outcome, judged);
  const summary = summaryOf(build, outcome, judged);
  const { request, key, repository } = build;
  const name = request === undefined ? `${repository.owner}/${repository.name}` : `${request.image}:${request.tags[0]}`;
  const ordered = worstFirst(judged);
  return document({
    title: `${summary.word}: ${printable(name)}`,
    crumb: html`${linked(`${repository.owner}/${repository.name}`, repositoryUrl(build, server))} · ${printable(tagName(key.ref))}`,
    main: html`${banner(summary, named(name))}
${ordered.map((each) => problems(each, judged.length > 1))}
${outcome === undefined ? "" : detailsOf(outcome)}
${warnings(judged)}
${steps(build, verdictOf(outcome))}
${facts(build, judged, server, summaries)}
${ancestry(ordered)}`,
    footer: html`Build ${named(build.id)}`,
    refreshes: outcome === undefined,
  });
}

/** What stands at the last step: `none` where it ended before anything was judged. */
function verdictOf(outcome: Outcome | undefined): Verdict | "none" | undefined {
  if (outcome?.kind === "verdict") return outcome.verdict;
  return outcome && (outcome.kind === "undetermined" ? "undetermined" : "none");
}

/** What an outcome without a verdict has to show. */
function detailsOf(outcome: Outcome): Markup | "" {
  switch (outcome.kind) {
    case "build-failed":
      return outcome.log === undefined
        ? ""
        : html`<section><h2>The end of the log</h2><div class="box" role="region" tabindex="0" aria-label="The end of the log"><pre>${outcome.log
            .trimEnd()
            .split(/\r\n|[\r\n]/)
            .map((line) => `${printable(line.replaceAll("\t", "    "))}\n`)}</pre></div></section>`;
    case "policy-wrong":
      return html`<section><h2>What is wrong with the policy</h2><div class="box" role="region" tabindex="0" aria-label="Faults of the policy"><table>
<thead><tr><th scope="col">Line</th><th scope="col">Column</th><th scope="col">What is wrong</th></tr></thead>
<tbody>${outcome.faults.map(({ line, column, path, message }) => html`<tr><td>${line}</td><td>${column}</td><td class="text">${path === "" ? "" : html`${named(path)}<br>`}${printable(message)}</td></tr>`)}</tbody></table></div></section>`;
    case "verdict":
    case "undetermined":
    case "cancelled":
    case "no-workflow":
    case "tag-unusable":
      return "";
  }
}
