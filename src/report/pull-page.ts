import { html } from "hono/html";
import { conclusionOfPull } from "../change/conclusion.ts";
import type { PullCheck } from "../change/pull.ts";
import type { ForecastDocument } from "./forecast-json.ts";
import { document, type Markup } from "./page-layout.ts";
import { linked, named } from "./page-marks.ts";
import { banner } from "./page-outcome.ts";
import { printable } from "./printable.ts";
import { worstFilesFirst } from "./pull-ancestry.ts";
import { type PullLinks, type PullReportOptions, pullLinks } from "./pull-links.ts";
import { filesTable, forecastSections } from "./pull-page-files.ts";
import { pinsSection } from "./pull-page-pins.ts";
import { pullProblems } from "./pull-page-problems.ts";
import { factsOf, pullSummary } from "./pull-page-summary.ts";
import { shownOutcome } from "./pull-report.ts";
import { shownFile } from "./pull-shown.ts";

/**
 * The page of a pull request's check: the whole of what the check run says, where GitHub's limits cut that, and the pins to write by
 * hand. One document without script; it fetches itself anew until the outcome is known. A forecast that isn't kept any more is said to
 * be missing.
 */
export function pullPage(
  check: PullCheck,
  documents: ReadonlyMap<string, ForecastDocument>,
  options: Pick<PullReportOptions, "server">,
): string {
  const outcome = check.outcome && shownOutcome(check.outcome, documents);
  const shown = outcome?.kind === "judged" ? outcome.files.map((file) => shownFile(file, documents)) : [];
  const files = worstFilesFirst(shown);
  const links: PullLinks = pullLinks(check, options);
  const { owner, name } = check.repository;
  const conclusion = outcome === undefined ? undefined : conclusionOfPull(outcome);
  const summary = pullSummary(check, outcome, shown, conclusion);
  const sections: readonly (Markup | "")[] = [
    filesTable(files, check.base.branch, links),
    pullProblems(outcome, files, links),
    pinsSection(files, links),
    factsOf(check, outcome, files, links, conclusion),
    ...forecastSections(files, links),
  ];
  return document({
    title: `${summary.word}: ${printable(`${owner}/${name}#${check.number}`)}`,
    crumb: html`${linked(`${owner}/${name}`, links.repository)} · pull request ${check.number}`,
    main: html`${banner(summary, linked(`${owner}/${name}#${check.number}`, links.pull))}
${sections}`,
    footer: html`Check ${named(check.id)}`,
    refreshes: outcome === undefined,
  });
}
