import { html } from "hono/html";
import type { Build, Outcome } from "../build/build.ts";
import { extentOf, several } from "./ancestry-words.ts";
import { faultGroups, generationOf, wayTo } from "./faults.ts";
import { type JudgedBy, worstFirst } from "./judged-by.ts";
import { markOfOutcome } from "./marks.ts";
import type { Markup } from "./page-layout.ts";
import { drawing, linked, named, type Sign, time } from "./page-marks.ts";
import { printable } from "./printable.ts";

/** What a build has come to, in a sign, a word, and a sentence or two. */
export interface Summary {
  readonly sign: Sign;
  readonly word: string;
  readonly lines: readonly Markup[];
}

/** How it stands with a build. @param outcome - As it is to be shown, its verdicts considered. */
export function summaryOf(build: Build, outcome: Outcome | undefined, judged: readonly JudgedBy[]): Summary {
  if (outcome === undefined) return summaryOfPhase(build);
  switch (outcome.kind) {
    case "verdict":
      return summaryOfVerdict(outcome.verdict, judged);
    case "undetermined":
      return {
        sign: "unknown",
        word: "Undetermined",
        lines: [
          html`${printable(outcome.reason)}`,
          html`This says nothing about the image: it is neither trusted nor untrusted. See to it that what is named here can be reached with the app's credentials, then run the check again.`,
        ],
      };
    case "build-failed":
      return {
        sign: "bad",
        word: "Build failed",
        lines: [html`${runOf(build)} ended with ${named(outcome.conclusion)}. Nothing was judged.`],
      };
    case "cancelled":
      return {
        sign: "undermined",
        word: "Cancelled",
        lines: [html`A person cancelled ${runOf(build)}. Nothing was judged; run the check again to build.`],
      };
    case "policy-wrong":
      return {
        sign: "bad",
        word: "Policy can't be used",
        lines: [
          html`${several(outcome.faults.length, "fault")} in ${named(outcome.policy)}. There is no verdict: a policy that can't be read is never taken for none.`,
        ],
      };
    case "no-workflow":
      return {
        sign: "bad",
        word: "Not built",
        lines: [
          html`${printable(outcome.reason)}`,
          html`The workflow's file has to be in the repository both on the default branch and at the tag. A tag from before the file can't be built; push a new one.`,
        ],
      };
    case "tag-unusable":
      return {
        sign: "bad",
        word: "Not built",
        lines: [
          html`${printable(outcome.reason)}`,
          html`Push a tag that makes a tag of an image, or change the templates of the policy's build.`,
        ],
      };
  }
}

function summaryOfVerdict(verdict: "trusted" | "untrusted", judged: readonly JudgedBy[]): Summary {
  const sign = markOfOutcome(verdict);
  const [first] = worstFirst(judged);
  if (first === undefined) return { sign: "unknown", word: "No verdict", lines: [html`No verdict is stored.`] };
  const asOf = html`<span class="soft small">as of ${time(new Date(first.document.asOf))}</span>`;
  if (verdict === "trusted") return { sign, word: "Trusted", lines: [html`${extentOf(first.document)}`, asOf] };
  const { faults, nodes } = first.document;
  const [fault] = faults;
  const others = faultGroups(faults).length - 1;
  const line =
    fault === undefined
      ? []
      : [
          html`${named(fault.code)}: ${generationOf(fault)} ${named(wayTo(fault, nodes).at(-1)?.name ?? fault.node)}${others === 0 ? "" : `, and ${several(others, "other fault")}`}`,
        ];
  return { sign, word: "Untrusted", lines: [...line, asOf] };
}

function summaryOfPhase(build: Build): Summary {
  const { waiting, phase, runStatus, failures } = build;
  if (waiting !== undefined) {
    return {
      sign: "unknown",
      word: "Could not look yet",
      lines: [
        html`${printable(waiting.reason)}`,
        html`Next try at ${time(waiting.until)}, ${several(failures, "failure")} so far. This says nothing about the image: it is neither trusted nor untrusted until it could be looked at.`,
      ],
    };
  }
  switch (phase) {
    case "requested":
      return { sign: "busy", word: "Queued", lines: [html`The workflow is about to be started.`] };
    case "dispatched":
      return runStatus?.status === "in_progress"
        ? { sign: "busy", word: "Building", lines: [html`since ${time(runStatus.since)}; the log: ${runOf(build)}`] }
        : { sign: "busy", word: "Queued", lines: [html`${runOf(build)} is started, and waits for a runner.`] };
    case "verifying":
    case "settled":
    case "done":
      return {
        sign: "busy",
        word: "Verifying",
        lines: [html`The image, what is signed about it, and every image under it are fetched and verified.`],
      };
  }
}

function runOf({ run }: Build): Markup {
  return run === undefined ? html`the workflow's run` : linked(`run ${run.id}, attempt ${run.attempt}`, run.url);
}

/** The summary as the first thing on the page. */
export function banner({ sign, word, lines }: Summary, of: Markup): Markup {
  return html`<div class="banner ${sign}">${drawing(sign)}<div><h1>${word}</h1><p class="of">${of}</p>${lines.map((line) => html`<p>${line}</p>`)}</div></div>`;
}
