import { html } from "hono/html";
import { type DocumentFault, faultGroups, generationOf, wayTo } from "./faults.ts";
import type { VerdictDocument } from "./json.ts";
import type { JudgedBy } from "./judged-by.ts";
import type { Markup } from "./page-layout.ts";
import { marked, named } from "./page-marks.ts";
import { printable } from "./printable.ts";
import { shortReference } from "./short-reference.ts";

/** What is wrong, and what could not be looked at: each with the way there, the reason, and what would mend it. */
export function problems(judged: JudgedBy, isOneOfSeveral: boolean): Markup {
  const { faults, unreachable, nodes } = judged.document;
  const of = isOneOfSeveral ? `, by the policy of the ${judged.policy.kind}` : "";
  return html`${list(`What is wrong${of}`, faults, nodes, "bad")}${list(`What could not be looked at${of}`, unreachable, nodes, "unknown")}`;
}

/** Faults of one kind under a title; nothing where there are none. */
export function list(
  title: string,
  faults: readonly DocumentFault[],
  nodes: VerdictDocument["nodes"],
  mark: "bad" | "unknown",
): Markup | "" {
  if (faults.length === 0) return "";
  return html`<section><h2>${title}</h2>${faultGroups(faults).map((group) => card(group, nodes, mark))}</section>`;
}

function card(
  group: readonly [DocumentFault, ...DocumentFault[]],
  nodes: VerdictDocument["nodes"],
  mark: "bad" | "unknown",
): Markup {
  const [first] = group;
  return html`<article class="card fault ${mark}">
${group.map((fault) => {
  const way = wayTo(fault, nodes);
  const { name = fault.node } = way.at(-1) ?? {};
  return html`<h3>${marked(mark, fault.code)} <span>${generationOf(fault)} ${named(name)}</span></h3>
${
  way.length < 2
    ? ""
    : html`<ol class="way" role="list" aria-label="The way from the image to it">${way.map(
        (step) =>
          html`<li>${step.role === null ? "" : html`<span class="soft small">${step.role}</span>`} ${named(step.name)}</li>`,
      )}</ol>`
}`;
})}
<dl class="why"><dt>Why</dt><dd>${printable(first.reason)}</dd>${first.mend === "" ? "" : html`<dt>What would mend it</dt><dd>${printable(first.mend)}</dd>`}</dl>
</article>`;
}

/** What doesn't keep the image from being trusted, and should be looked at. */
export function warnings(judged: readonly JudgedBy[]): Markup | "" {
  const unprotected = judged.flatMap(({ policy }) =>
    policy.isProtected === true
      ? []
      : [
          policy.isProtected === "unknown"
            ? html`<li>${marked("undermined", "policy-protection-unknown")}: it is not known whether the branch of ${named(policy.name)} takes changes without a review: GitHub shows the app rulesets, and not what other protection asks for; a ruleset with required reviews settles it</li>`
            : html`<li>${marked("undermined", "policy-unprotected")}: whoever may push to the branch of ${named(policy.name)} changes what is trusted, without a review; protect it with required reviews</li>`,
        ],
  );
  const told = new Map(
    judged.flatMap(({ document }) =>
      document.nodes.flatMap(({ reference, warnings: each }) =>
        each.map((warning) => [`${reference} ${warning}`, { reference, warning }] as const),
      ),
    ),
  );
  const others = [...told.values()].map(
    ({ reference, warning }) => html`<li>${named(shortReference(reference))}: ${printable(warning)}</li>`,
  );
  if (unprotected.length + others.length === 0) return "";
  return html`<section><h2>Warnings</h2><ul class="card" role="list">${[...unprotected, ...others]}</ul></section>`;
}
