import { html } from "hono/html";
import type { Build } from "../build/build.ts";
import type { Outcome } from "../trust/verdict.ts";
import { several } from "./ancestry-words.ts";
import { markOfOutcome } from "./marks.ts";
import type { Markup } from "./page-layout.ts";
import { drawing, linked, type Sign, time } from "./page-marks.ts";

/** The steps of a build in the order in which they happen. */
const STEPS = ["pushed", "queued", "building", "verifying", "verdict"] as const;
type Step = (typeof STEPS)[number];
const NAMES: Readonly<Record<Step, string>> = {
  pushed: "Tag pushed",
  queued: "Queued",
  building: "Building",
  verifying: "Verifying",
  verdict: "Verdict",
};

const WORDS: Readonly<Record<Sign, string>> = {
  good: "done",
  bad: "failed",
  busy: "now",
  later: "not yet",
  unknown: "could not look yet",
  undermined: "cancelled",
  root: "done",
};

/** How far the build is, step by step, with the times that are known. @param verdict - Of a build that has ended. */
export function steps(build: Build, verdict: Outcome | "none" | undefined): Markup {
  const reached = STEPS.indexOf(stepOf(build));
  const lines = STEPS.map((step, i) => {
    const isVerdict = step === "verdict" && verdict !== undefined;
    const sign = !isVerdict ? signOf(build, i, reached) : verdict === "none" ? "later" : markOfOutcome(verdict);
    const word = isVerdict ? html`<span>: ${verdict}</span>` : html`<span class="hidden">: ${WORDS[sign]}</span>`;
    const current = sign === "busy" ? html` aria-current="step"` : "";
    const note = i <= reached || isVerdict ? noteOf(build, step) : "";
    return html`<li class="${sign}"${current}>${drawing(sign)}<span class="name">${NAMES[step]}</span>${word}${note}</li>`;
  });
  return html`<section><h2>Steps</h2><ol class="card steps" role="list">${lines}</ol></section>`;
}

/** The step that goes on, or at which it ended. */
function stepOf({ phase, runStatus, outcome, run, digest }: Build): Step {
  if (outcome?.kind === "verdict" || outcome?.kind === "undetermined") return "verdict";
  // What ended otherwise ended before anything was judged.
  if (outcome !== undefined) return run === undefined ? "queued" : "building";
  if (phase === "verifying" || digest !== undefined) return "verifying";
  return runStatus?.status === "in_progress" ? "building" : "queued";
}

function signOf({ outcome, waiting }: Build, i: number, reached: number): Sign {
  if (i > reached) return "later";
  if (i < reached) return "good";
  if (outcome !== undefined) return outcome.kind === "cancelled" ? "undermined" : "bad";
  return waiting === undefined ? "busy" : "unknown";
}

function noteOf(build: Build, step: Step): readonly Markup[] {
  const { createdAt, settledAt, run, runStatus, waiting, failures, outcome } = build;
  const isHere = stepOf(build) === step && outcome === undefined;
  const status = { queued: "queued", building: "in_progress" } as Readonly<Partial<Record<Step, string>>>;
  const notes = [
    step === "pushed" && time(createdAt),
    runStatus !== undefined && runStatus.status === status[step] && html`since ${time(runStatus.since)}`,
    step === "building" && run !== undefined && linked(`run ${run.id}, attempt ${run.attempt}`, run.url),
    isHere && waiting !== undefined && html`next try at ${time(waiting.until)}, ${several(failures, "failure")} so far`,
    step === "verdict" && settledAt !== undefined && time(settledAt),
  ];
  return notes.flatMap((note) => (note === false ? [] : [html`<div class="note">${note}</div>`]));
}
