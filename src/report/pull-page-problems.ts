import { html } from "hono/html";
import type { PullOutcome } from "../change/pull.ts";
import { resolvedReference } from "./forecast-parents.ts";
import { groupBy } from "./grouping.ts";
import type { Markup } from "./page-layout.ts";
import { linked, marked, named } from "./page-marks.ts";
import { printable } from "./printable.ts";
import { faultsOf, type ShownFault, unreachableOf } from "./pull-faults.ts";
import type { PullLinks } from "./pull-links.ts";
import type { ShownFile } from "./pull-shown.ts";
import { shortReference } from "./short-reference.ts";

/** What is wrong with policy or files, and what could not be looked at. */
export function pullProblems(
  outcome: PullOutcome | undefined,
  files: readonly ShownFile[],
  links: PullLinks,
): Markup | "" {
  if (outcome?.kind === "policy-wrong")
    return html`<section><h2>What is wrong with the policy</h2><div class="box" role="region" tabindex="0" aria-label="Faults of the policy"><table>
<thead><tr><th scope="col">Line</th><th scope="col">Column</th><th scope="col">What is wrong</th></tr></thead>
<tbody>${outcome.faults.map(({ line, column, path, message }) => html`<tr><td>${line}</td><td>${column}</td><td class="text">${path === "" ? "" : html`${named(path)}<br>`}${printable(message)}</td></tr>`)}</tbody></table></div></section>`;
  const refused = files.flatMap(({ file }) => {
    if (file.after.kind !== "refused") return [];
    const { line, column, reason } = file.after;
    return [
      html`<article class="card fault bad"><h3>${marked("bad", "can't be read")} ${linked(`${file.path}:${line}:${column}`, links.file(file.path, line))}</h3>
<dl class="why"><dt>Why</dt><dd>${printable(reason)}</dd></dl></article>`,
    ];
  });
  return html`${section("What is wrong", [...refused, ...cards(files.flatMap(faultsOf), "bad", links)])}${section(
    "What could not be looked at",
    cards(files.flatMap(unreachableOf), "unknown", links),
  )}`;
}

function section(title: string, all: readonly Markup[]): Markup | "" {
  return all.length === 0 ? "" : html`<section><h2>${title}</h2>${all}</section>`;
}

function cards(faults: readonly ShownFault[], mark: "bad" | "unknown", links: PullLinks): readonly Markup[] {
  const alike = groupBy(faults, ({ code, reason, mend }) => JSON.stringify([code, reason, mend]));
  return [...alike.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const mend = first.mend === "" ? "" : html`<dt>What would mend it</dt><dd>${printable(first.mend)}</dd>`;
    return [
      html`<article class="card fault ${mark}">
${group.map((fault) => heading(fault, mark, links))}
<dl class="why"><dt>Why</dt><dd>${printable(first.reason)}</dd>${mend}</dl>
</article>`,
    ];
  });
}

function heading(fault: ShownFault, mark: "bad" | "unknown", links: PullLinks): Markup {
  const { file, lines, parent, isNew, path, code } = fault;
  const name = file.file.path;
  const at = lines.map(({ line }) => html` ${linked(`${name}:${line}`, links.file(name, line))}`);
  const told =
    isNew === true
      ? html` <span>new here</span>`
      : isNew === false
        ? html` <span class="soft">as on the base branch</span>`
        : "";
  const subject =
    parent === undefined ? "" : html` <span>${parent.role} ${named(shortReference(resolvedReference(parent)))}</span>`;
  const way =
    path.length === 0
      ? ""
      : html`<ol class="way" role="list" aria-label="The way from the parent to it">${path.map(
          (step) =>
            html`<li>${step.role === null ? "" : html`<span class="soft small">${step.role}</span>`} ${named(shortReference(step.reference))}</li>`,
        )}</ol>`;
  return html`<h3>${marked(mark, code)}${subject}${at.length === 0 ? html` ${named(name)}` : at}${told}</h3>${way}`;
}
