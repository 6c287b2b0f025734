import { html } from "hono/html";
import type { ForecastDocument } from "./forecast-json.ts";
import { markOfParent, parentRows, resolvedReference, wordOfParent } from "./forecast-parents.ts";
import { forecastTree, linesWords } from "./forecast-tree.ts";
import type { Mark } from "./marks.ts";
import type { Markup } from "./page-layout.ts";
import { linked, marked, named } from "./page-marks.ts";
import type { ParentChange, SeenParent } from "./parent-change.ts";
import { printable } from "./printable.ts";
import { forecastsAlike } from "./pull-ancestry.ts";
import { builtAs, CHANGE_WORDS, changesOf, FILE_WORDS, seenDocument } from "./pull-changes.ts";
import type { PullLinks } from "./pull-links.ts";
import type { FileOutcome, ShownFile } from "./pull-shown.ts";
import { shortReference } from "./short-reference.ts";

const MARKS: Readonly<Record<FileOutcome, Mark | undefined>> = {
  trusted: "good",
  untrusted: "bad",
  undetermined: "unknown",
  refused: "bad",
  absent: undefined,
};

/** What changes for trust: each file before and after, and the images that come, go and move. */
export function filesTable(files: readonly ShownFile[], branch: string, links: PullLinks): Markup | "" {
  if (files.length === 0) return "";
  const changes = files.flatMap((file) => changesOf(file).map((change) => changeItem(change, file)));
  return html`<section><h2>What changes for trust</h2><div class="box" role="region" tabindex="0" aria-label="Dockerfiles before and after"><table>
<thead><tr><th scope="col" class="text">Dockerfile</th><th scope="col">On ${named(branch)}</th><th scope="col">With this pull request</th><th scope="col">Check</th></tr></thead>
<tbody>${files.map((file) => fileRow(file, links))}</tbody></table></div>
${changes.length === 0 ? "" : html`<ul class="card" role="list">${changes}</ul>`}</section>`;
}

/** The ancestry of what each file would make, as a tree and as a table. */
export function forecastSections(files: readonly ShownFile[], links: PullLinks): readonly Markup[] {
  return files.flatMap((file) => {
    const { path } = file.file;
    const lost = file.isWhole
      ? []
      : [
          html`<section><h2>Ancestry of ${named(path)}</h2><p>Not all that was foreseen of it is kept any more: run the check again to see it.</p></section>`,
        ];
    return [
      ...lost,
      ...forecastsAlike(file).flatMap(({ of, document }) => {
        // Of two regions of one page none may have the other's name.
        const label = printable([path, ...builtAs(file.file)].join(", ") + of);
        return [
          html`<section><h2>Ancestry of ${named(path)}${of}</h2><div class="box" role="region" tabindex="0" aria-label="Ancestry of ${label} as a tree"><pre>${forecastTree(document, path).map((line) => `${line}\n`)}</pre></div></section>`,
          html`<section><h2>What goes into ${named(path)}${of}</h2>${parentTable(file, document, links, label)}</section>`,
        ];
      }),
    ];
  });
}

function fileRow({ file, before, after, conclusion }: ShownFile, links: PullLinks): Markup {
  const { path, previousPath, isTouched } = file;
  const as = builtAs(file).map((each) => html` → ${named(each)}`);
  const notes = [
    ...(previousPath === undefined ? [] : [html` <span class="soft">was ${named(previousPath)}</span>`]),
    ...(isTouched ? [] : [html` <span class="soft">not touched</span>`]),
  ];
  return html`<tr><td class="text">${after === "absent" ? named(path) : linked(path, links.file(path))}${as}${notes}</td><td>${state(before)}</td><td>${state(after)}</td><td>${after === "absent" ? "" : named(conclusion)}</td></tr>`;
}

function state(outcome: FileOutcome): Markup {
  const mark = MARKS[outcome];
  const word = FILE_WORDS[outcome].replace(/^\S (?=\S)/u, "");
  return mark === undefined ? html`<span class="soft">${FILE_WORDS[outcome]}</span>` : marked(mark, word);
}

function changeItem({ kind, from, to, platforms }: ParentChange, { file }: ShownFile): Markup {
  const on =
    platforms.length < file.platforms.length ? html` on ${platforms.map((each) => html`${named(each)} `)}` : "";
  const states = [from, to].flatMap((each) => each ?? []).map(seen);
  return html`<li>${CHANGE_WORDS[kind]}${on}, ${(to ?? from)?.role} of ${named(file.path)}: ${states.map((each, i) => (i === 0 ? each : html` → ${each}`))}</li>`;
}

function seen(parent: SeenParent): Markup {
  const outcome = parent.outcome ?? null;
  return html`${named(shortReference(resolvedReference(seenDocument(parent))))} ${marked(markOfParent(outcome), wordOfParent(outcome, parent))}`;
}

function parentTable({ file }: ShownFile, document: ForecastDocument, links: PullLinks, label: string): Markup {
  const rows = parentRows(document).map(({ first, platforms, outcome }) => {
    const [use] = first.uses;
    const at =
      use === undefined ? "" : linked(linesWords(first.uses, first.usesLeftOut), links.file(file.path, use.line));
    return html`<tr><td>${marked(markOfParent(outcome), wordOfParent(outcome, first))}</td><td class="text">${named(resolvedReference(first))}<br><span class="soft">${printable(platforms.join(", "))}</span></td><td>${first.role}</td><td>${at}</td><td>${first.level === null ? "" : first.level}</td></tr>`;
  });
  if (rows.length === 0) return html`<p>No image goes in.</p>`;
  return html`<div class="box" role="region" tabindex="0" aria-label="What goes into ${label} as a table"><table class="images">
<thead><tr><th scope="col">Verdict</th><th scope="col" class="text">Image</th><th scope="col">Role</th><th scope="col">Where</th><th scope="col">Level</th></tr></thead>
<tbody>${rows}</tbody></table></div>`;
}
