import { html } from "hono/html";
import type { Conclusion } from "../build/build.ts";
import type { PullCheck, PullOutcome } from "../change/pull.ts";
import { several } from "./ancestry-words.ts";
import { markOfOutcome } from "./marks.ts";
import type { Markup } from "./page-layout.ts";
import { linked, named, time } from "./page-marks.ts";
import type { Summary } from "./page-outcome.ts";
import { printable } from "./printable.ts";
import { POLICIES } from "./pull-enforcement.ts";
import type { PullLinks } from "./pull-links.ts";
import type { ShownFile } from "./pull-shown.ts";
import { passedWords, pullTitle } from "./pull-title.ts";

/** How it stands with a pull request's check, in a sign, a word, and a sentence or two. @param outcome - As it is to be shown. */
export function pullSummary(
  check: PullCheck,
  outcome: PullOutcome | undefined,
  files: readonly ShownFile[],
  conclusion: Conclusion | undefined,
): Summary {
  const { waiting, failures, createdAt } = check;
  if (outcome === undefined) {
    return waiting === undefined
      ? { sign: "busy", word: "Judging", lines: [html`since ${time(createdAt)}; this page fetches itself anew`] }
      : {
          sign: "unknown",
          word: "Could not look yet",
          lines: [
            html`${printable(waiting.reason)}`,
            html`Next try at ${time(waiting.until)}, ${several(failures, "failure")} so far. This says nothing about the images: they are neither trusted nor untrusted until they could be looked at.`,
          ],
        };
  }
  const held =
    "heldBackBy" in outcome && outcome.heldBackBy !== undefined
      ? [html`Held back by pull request #${outcome.heldBackBy}, which has the same head commit and doesn't pass.`]
      : [];
  switch (outcome.kind) {
    case "judged": {
      const word = `${outcome.verdict.slice(0, 1).toUpperCase()}${outcome.verdict.slice(1)}`;
      const title = pullTitle(files, outcome.verdict, conclusion ?? "", failures);
      return {
        sign: markOfOutcome(outcome.verdict),
        word: `${word}${outcome.verdict === "untrusted" ? passedWords(files, conclusion ?? "") : ""}`,
        lines: [html`${title.replace(/^[^:]*: /, "")}`, html`The check ends as ${named(conclusion ?? "")}.`, ...held],
      };
    }
    case "no-dockerfile":
      return {
        sign: held.length === 0 ? "good" : "bad",
        word: "No Dockerfile",
        lines: [html`None is touched here or named by policy: there is nothing to judge.`, ...held],
      };
    case "limit":
      return { sign: "bad", word: "Too much to look at", lines: [html`${printable(outcome.reason)}`] };
    case "policy-wrong":
      return {
        sign: "bad",
        word: "Policy can't be used",
        lines: [
          html`${several(outcome.faults.length, "fault")} in ${named(outcome.policy)}. Nothing was judged: a policy that can't be read is never taken for none.`,
        ],
      };
    case "undetermined":
      return {
        sign: "unknown",
        word: "Undetermined",
        lines: [
          html`${printable(outcome.reason)}`,
          html`This says nothing about the images: they are neither trusted nor untrusted. See to it that what is named here can be reached with the app's credentials, then run the check again.`,
        ],
      };
    case "superseded":
      return {
        sign: "undermined",
        word: outcome.isClosed === true ? "Closed" : "Superseded",
        lines: [
          outcome.isClosed === true
            ? html`The pull request was closed before this was judged.`
            : html`Another push, base or question came first: the newest check of the pull request counts.`,
        ],
      };
  }
}

/** Which commits, whose policies, when, and what they make of it. */
export function factsOf(
  check: PullCheck,
  outcome: PullOutcome | undefined,
  files: readonly ShownFile[],
  links: PullLinks,
  conclusion: Conclusion | undefined,
): Markup {
  const { head, base, number } = check;
  const documents = files.flatMap(({ forecastsAfter }) => forecastsAfter);
  const policies = new Map(
    documents.map(({ policy, document }) => [
      `${policy} ${document.policy.digest}`,
      html`${POLICIES[policy]}: ${named(document.policy.name)}, ${named(document.policy.digest)}`,
    ]),
  );
  const said = new Map(
    files.flatMap(({ file }) =>
      file.enforced.map((each) => [
        JSON.stringify([file.path, each]),
        html`${named(file.path)}: ${POLICIES[each.policy]}, ${named(`enforce: ${each.mode}`)}: ${named(each.conclusion)}, because ${printable(each.reason)}`,
      ]),
    ),
  );
  const times = [...new Set(documents.map(({ document }) => document.asOf))].sort();
  const [until] = documents.flatMap(({ document }) => document.validUntil ?? []).sort();
  const rows: readonly (readonly [string, readonly Markup[]])[] = [
    ["Pull request", [html`${linked(`#${number}`, links.pull)} to ${linked(base.branch, links.base)}`]],
    [
      "Head",
      [
        html`${linked(head.commit, links.head)} of ${named(head.branch)}${head.repository === undefined ? ", whose repository is gone" : html` in ${named(`${head.repository.owner}/${head.repository.name}`)}`}`,
      ],
    ],
    ["Base", [named(base.commit)]],
    ["Policies", [...policies.values()]],
    ["Enforced", outcome?.kind === "judged" ? [...said.values(), html`this check: ${named(conclusion ?? "")}`] : []],
    ["Judged at", times.map((each) => time(new Date(each)))],
    ["Holds until", until === undefined ? [] : [html`${time(new Date(until))} at most`]],
  ];
  return html`<section><h2>Pull request and policy</h2><dl class="box facts">
${rows.map(([name, values]) => (values.length === 0 ? "" : html`<div><dt>${name}</dt>${values.map((value) => html`<dd>${value}</dd>`)}</div>`))}
</dl></section>`;
}
