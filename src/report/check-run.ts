import { type Build, conclusionOf, type Outcome } from "../build/build.ts";
import type { CheckRunReport } from "../build/ports.ts";
import { enforcementOf } from "./check-run-enforcement.ts";
import { cancelledParts, failedParts, noWorkflowParts, policyParts, tagParts } from "./check-run-failure.ts";
import { partsOfPhase } from "./check-run-phase.ts";
import { asked, type ReportOptions } from "./check-run-request.ts";
import { verdictParts } from "./check-run-verdict.ts";
import { type JudgedBy, shownOutcome } from "./judged-by.ts";
import { prose } from "./markdown.ts";
import { fitted, fittedTitle, MAX_MARKDOWN, type Parts } from "./markdown-limits.ts";

export type { ReportOptions } from "./check-run-request.ts";

/**
 * What the check run of a build says, in every phase. The same build and verdicts give the same report to the byte: times are the
 * build's and the verdicts' own. Texts of strangers can't become markup, links, mentions or lines of their own.
 *
 * @param judged - The stored verdicts, one for each policy.
 * @throws {Error} where a verdict is to be shown and there is none, or one on another image: nothing may pass without it.
 */
export function checkRunReport(build: Build, judged: readonly JudgedBy[], options: ReportOptions): CheckRunReport {
  const outcome = build.outcome && shownOutcome(build.outcome, judged);
  const parts = outcome === undefined ? partsOfPhase(build, options) : partsOfOutcome(build, outcome, judged, options);
  const details = options.page ?? build.run?.url;
  const text = fitted(parts.text ?? [], MAX_MARKDOWN, details);
  return {
    status: statusOf(build),
    ...(outcome !== undefined && { conclusion: conclusionOf(outcome) }),
    title: fittedTitle(parts.title),
    summary: fitted(parts.summary, MAX_MARKDOWN, details),
    ...(text !== "" && { text }),
    ...(details !== undefined && { detailsUrl: details }),
    startedAt: build.createdAt,
    ...(outcome !== undefined && build.settledAt !== undefined && { completedAt: build.settledAt }),
  };
}

function statusOf({ id, phase, outcome, runStatus }: Build): CheckRunReport["status"] {
  if (outcome !== undefined) return "completed";
  switch (phase) {
    case "requested":
      return "queued";
    case "dispatched":
      return runStatus?.status ?? "queued";
    case "verifying":
      return "in_progress";
    case "settled":
    case "done":
      throw new Error(`reported build ${id}: it is ${phase} and has no outcome`);
  }
}

function partsOfOutcome(build: Build, outcome: Outcome, judged: readonly JudgedBy[], options: ReportOptions): Parts {
  switch (outcome.kind) {
    case "verdict":
      return verdictParts(build, judged, outcome.verdict, options, enforcementOf(outcome));
    case "undetermined":
      return undeterminedParts(build, outcome.reason, judged, options);
    case "build-failed":
      return failedParts(build, outcome, options);
    case "cancelled":
      return cancelledParts(build, options);
    case "policy-wrong":
      return policyParts(build, outcome, options);
    case "no-workflow":
      return noWorkflowParts(build, outcome, options);
    case "tag-unusable":
      return tagParts(build, outcome, options);
  }
}

function undeterminedParts(build: Build, reason: string, judged: readonly JudgedBy[], options: ReportOptions): Parts {
  const { failures } = build;
  const known = judged.length === 0 ? undefined : verdictParts(build, judged, "undetermined", options);
  const lines = [
    `**? Undetermined**: ${prose(reason)}`,
    "",
    "This says nothing about the image: it is neither trusted nor untrusted. What to do: see to it that what is named here can be reached with the app's credentials, then run this check again.",
  ];
  return {
    title: `undetermined: could not look${failures === 0 ? "" : `, after ${failures} ${failures === 1 ? "try" : "tries"}`}`,
    summary: [{ lines }, ...(known?.summary.slice(1) ?? [asked(build, options)])],
    ...(known?.text !== undefined && { text: known.text }),
  };
}
