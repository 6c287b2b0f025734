import type { CheckAction, CheckRunReport } from "../build/ports.ts";
import { conclusionOfPull } from "../change/conclusion.ts";
import type { PolicyOf, PullCheck, PullOutcome } from "../change/pull.ts";
import { several } from "./ancestry-words.ts";
import type { ForecastDocument } from "./forecast-json.ts";
import { pinsOf } from "./forecast-pins.ts";
import { code } from "./markdown.ts";
import { fitted, fittedTitle, MAX_MARKDOWN, type Parts } from "./markdown-limits.ts";
import { markOfOutcome, SHAPES } from "./marks.ts";
import { pullAncestrySections } from "./pull-ancestry.ts";
import { pullAnnotations } from "./pull-annotations.ts";
import { changeSections } from "./pull-changes.ts";
import { enforcementSections, POLICIES } from "./pull-enforcement.ts";
import { type PullReportOptions, pullLinks } from "./pull-links.ts";
import { askedSection, partsOfPullPhase, partsWithoutVerdict } from "./pull-phase.ts";
import { arePinsWritten, pinsNote } from "./pull-pins-note.ts";
import { pinSections, problemSections } from "./pull-problems.ts";
import { type ShownFile, shownFile, worstOfFiles } from "./pull-shown.ts";
import { pullTitle } from "./pull-title.ts";
import { SHORT_DIGEST } from "./short-reference.ts";
import { utc } from "./utc.ts";

export type { PullReportOptions } from "./pull-links.ts";

/** The button that pins what is named by a tag alone. */
export const PIN_DIGESTS: CheckAction = {
  label: "Pin digests",
  description: "Write the digests beside the tags",
  identifier: "pin-digests",
};
/** The button that looks anew at everything. */
export const RE_VERIFY: CheckAction = {
  label: "Re-verify",
  description: "Look anew at everything that goes in",
  identifier: "re-verify",
};

type Judged = Extract<PullOutcome, { readonly kind: "judged" }>;

/**
 * What the check run of a pull request says, in every phase. The same check and documents give the same report to the byte. Texts of
 * strangers can't become markup, links, mentions or lines of their own.
 *
 * @param documents - Of the files' forecasts, by key.
 * @throws {Error} where a forecast of the head is to be shown and its document isn't there: nothing may pass without it.
 */
export function pullReport(
  check: PullCheck,
  documents: ReadonlyMap<string, ForecastDocument>,
  options: PullReportOptions,
): CheckRunReport {
  const outcome = check.outcome && shownOutcome(check.outcome, documents);
  const files = outcome?.kind === "judged" ? outcome.files.map((file) => shownFile(file, documents)) : [];
  const lost = files.find(({ isWhole }) => !isWhole);
  if (lost !== undefined)
    throw new Error(`reported check ${check.id}: a forecast of ${lost.file.path} has no document`);
  const parts =
    outcome === undefined
      ? partsOfPullPhase(check, options)
      : outcome.kind === "judged"
        ? judgedParts(check, outcome, files, options)
        : partsWithoutVerdict(check, outcome, options);
  const details = options.page ?? pullLinks(check, options).pull;
  const text = fitted(parts.text ?? [], MAX_MARKDOWN, details);
  const actions = actionsOf(outcome, files, check);
  const annotations = pullAnnotations(files, details);
  return {
    status: outcome === undefined ? "in_progress" : "completed",
    ...(outcome !== undefined && { conclusion: conclusionOfPull(outcome) }),
    title: fittedTitle(parts.title),
    summary: fitted(parts.summary, MAX_MARKDOWN, details),
    ...(text !== "" && { text }),
    detailsUrl: details,
    startedAt: check.createdAt,
    ...(outcome !== undefined && check.settledAt !== undefined && { completedAt: check.settledAt }),
    ...(annotations.length > 0 && { annotations }),
    ...(actions.length > 0 && { actions }),
  };
}

/** The outcome, where a document says worse than what was weighed with the worse, and with the worst of the files as its verdict. */
export function shownOutcome(outcome: PullOutcome, documents: ReadonlyMap<string, ForecastDocument>): PullOutcome {
  if (outcome.kind !== "judged") return outcome;
  const files = outcome.files.map((file) => shownFile(file, documents));
  const worst = worstOfFiles([outcome.verdict, ...files.map(({ after }) => after)]);
  // Nothing was judged (RULES R18).
  const verdict = files.length === 0 && worst === "trusted" ? "untrusted" : worst;
  return { ...outcome, verdict, files: files.map(({ file }) => file) };
}

function judgedParts(
  check: PullCheck,
  outcome: Judged,
  files: readonly ShownFile[],
  options: PullReportOptions,
): Parts {
  const { verdict } = outcome;
  const links = pullLinks(check, options);
  const conclusion = conclusionOfPull(outcome);
  const there = files.filter(({ after }) => after !== "absent");
  const title = pullTitle(files, verdict, conclusion, check.failures);
  const word = `${verdict.slice(0, 1).toUpperCase()}${verdict.slice(1)}`;
  const said =
    there.length === 0
      ? "no Dockerfile is left to judge"
      : `what ${there.length === 1 ? code(there[0]?.file.path ?? "") : several(there.length, "Dockerfile")} would make, judged before anything is built`;
  return {
    title: outcome.heldBackBy === undefined ? title : `held back by another pull request; ${title}`,
    summary: [
      { lines: [`**${SHAPES[markOfOutcome(verdict)]} ${word}**: ${said}`] },
      ...pinsNote(check, links),
      ...changeSections(files, check.base.branch, links),
      ...enforcementSections(outcome, files, verdict === "trusted"),
      ...problemSections(files, links),
      ...pinSections(files, links),
      askedSection(check, links, options, judgedFacts(files)),
    ],
    text: pullAncestrySections(files, links),
  };
}

/** By whose policies, when, and for how long. */
function judgedFacts(files: readonly ShownFile[]): readonly string[] {
  const all = files.flatMap(({ forecastsAfter }) => forecastsAfter);
  const policies = new Set(all.map(({ policy, document }) => policyLine(policy, document)));
  const times = new Set(all.map(({ document }) => utc(new Date(document.asOf))));
  const [until] = all.flatMap(({ document }) => document.validUntil ?? []).sort();
  return [
    ...policies,
    ...(times.size === 0 ? [] : [`- judged at: ${[...times].sort().join(", ")}`]),
    ...(until === undefined ? [] : [`- holds until ${utc(new Date(until))} at most: a root or a summary lapses then`]),
    "- a forecast: what would be built is signed by whoever builds it, and judged again then",
  ];
}

function policyLine(kind: PolicyOf, { policy }: ForecastDocument): string {
  const digest = policy.digest.slice(policy.digest.indexOf(":") + 1).slice(0, SHORT_DIGEST);
  return `- ${POLICIES[kind]}: ${code(policy.name)}, ${code(digest)}`;
}

function actionsOf(
  outcome: PullOutcome | undefined,
  files: readonly ShownFile[],
  check: PullCheck,
): readonly CheckAction[] {
  if (outcome === undefined || outcome.kind === "superseded") return [];
  const hasPins = files.some(({ forecastsAfter }) => pinsOf(forecastsAfter.map(({ document }) => document)).length > 0);
  return [...(hasPins && !arePinsWritten(check) ? [PIN_DIGESTS] : []), RE_VERIFY];
}
