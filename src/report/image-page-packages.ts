import { html } from "hono/html";
import type { AnswerFacts, PackageList } from "../answer/facts.ts";
import { FORMATS, NO_LIST } from "./package-words.ts";
import type { Markup } from "./page-layout.ts";
import { linked, named } from "./page-marks.ts";
import { printable } from "./printable.ts";
import { SHORT_DIGEST } from "./short-reference.ts";

/** How many packages one page lists of each list; the rest is in the attestation itself. */
const MAX_SHOWN = 1000;

/** What an accepted attestation lists as being inside, with licences, and where the source is to be had. */
export function packages({ packages: lists }: AnswerFacts): Markup {
  return html`<section><h2>Packages and licences</h2>${
    lists.length === 0 ? html`<p class="soft">There is ${NO_LIST}.</p>` : lists.map(packageList)
  }</section>`;
}

function packageList({ platform, format, bundle, packages: all, omitted }: PackageList): Markup {
  const count = all.length + omitted;
  const of = platform === null ? "all platforms" : printable(platform);
  const shown = all.slice(0, MAX_SHOWN);
  const left = count - shown.length;
  return html`<details class="card source"><summary>${count} package${count === 1 ? "" : "s"}, ${of} (${FORMATS[format]})</summary>
<p class="small soft">as attested in bundle ${named(bundle.slice(0, "sha256:".length + SHORT_DIGEST))}; ${licencesOf(all)}</p>
<div class="box" role="region" tabindex="0" aria-label="Packages of ${of}"><table class="packages"><thead><tr><th scope="col">Package</th><th scope="col">Version</th><th scope="col" class="text">Licences</th><th scope="col" class="text">Source</th></tr></thead><tbody>${shown.map(
    ({ name, version, licences, purl, source }) =>
      html`<tr><td class="text">${named(name)}${purl === null ? "" : html`<br><span class="soft small">${printable(purl)}</span>`}</td><td>${version === null ? "" : named(version)}</td><td class="text">${licences.map(printable).join(", ")}</td><td class="text">${source === null ? html`<span class="soft">not told</span>` : linked(source, source)}</td></tr>`,
  )}</tbody></table></div>${left === 0 ? "" : html`<p class="soft small">${left} more aren't listed here.</p>`}</details>`;
}

/** `12 licences, 3 packages without one`. */
function licencesOf(all: PackageList["packages"]): string {
  const kinds = new Set(all.flatMap(({ licences }) => licences)).size;
  const without = all.filter(({ licences }) => licences.length === 0).length;
  return `${kinds} licence${kinds === 1 ? "" : "s"}${without === 0 ? "" : `, ${without} package${without === 1 ? "" : "s"} without one`}`;
}
