import { html } from "hono/html";
import type { AnswerHead } from "../answer/answer.ts";
import type { AnswerFacts, DockerfileFact, SourceFact } from "../answer/facts.ts";
import { platformWords, several } from "./ancestry-words.ts";
import type { VerdictDocument } from "./json.ts";
import type { Markup } from "./page-layout.ts";
import { linked, named, time } from "./page-marks.ts";
import { printable } from "./printable.ts";
import { SHORT_DIGEST } from "./short-reference.ts";
import { commitUrl, encodePath, repositoryName, tagUrl } from "./source-links.ts";
import { inputsWords } from "./text.ts";
import { versionWords } from "./version-words.ts";

/** How much of one Dockerfile a page shows, in lines and in UTF-16 units: a quarter of a million empty lines take half a second to write out. */
const MAX_LINES = 2000;
const MAX_SHOWN = 100_000;

/** What the image is, and what it was built from, in the word of those whom the policy lets speak for it. */
export function sources(
  head: AnswerHead,
  verdict: VerdictDocument,
  facts: AnswerFacts,
  resolvedAt: Date | undefined,
): Markup {
  const version = versionWords(verdict);
  const platforms = platformWords(verdict) ?? onlyPlatform(verdict);
  const { tag, digest } = head.image;
  return html`<section><h2>Source and build</h2><dl class="box facts">
<div><dt>Digest</dt><dd>${named(digest)}</dd>${tag === undefined || resolvedAt === undefined ? "" : html`<dd class="soft small">what the tag ${named(tag)} named at ${time(resolvedAt)}</dd>`}</div>
${version === undefined ? "" : html`<div><dt>Version</dt><dd>${version}</dd></div>`}
${platforms === undefined ? "" : html`<div><dt>Platforms</dt><dd>${platforms}</dd></div>`}
<div><dt>Inputs</dt><dd>${inputsWords(verdict)}</dd></div>
${facts.sources.length === 0 ? html`<div><dt>Source</dt><dd>no accepted signature names one</dd></div>` : facts.sources.map(sourceLines)}
</dl>${facts.dockerfiles.map(dockerfile)}${(facts.unread ?? []).length === 0 ? "" : html`<p class="soft small">Not shown: ${(facts.unread ?? []).map(printable).join("; ")}</p>`}</section>`;
}

function sourceLines({ repository, commit, ref, run, builder }: SourceFact): Markup {
  const tag = ref?.startsWith("refs/tags/") ? ref.slice("refs/tags/".length) : undefined;
  return html`<div><dt>Source repository</dt><dd>${linked(repositoryName(repository), repository)}</dd></div>
${commit === null ? "" : html`<div><dt>Commit</dt><dd>${linked(commit, commitUrl(repository, commit))}</dd></div>`}
${ref === null ? "" : html`<div><dt>${tag === undefined ? "Ref" : "Git tag"}</dt><dd>${linked(tag ?? ref, tag === undefined ? undefined : tagUrl(repository, ref))}</dd></div>`}
${run === null ? "" : html`<div><dt>Workflow run</dt><dd>${linked(runWords(run), run)} (the log)</dd></div>`}
${builder === null ? "" : html`<div><dt>Builder</dt><dd>${named(builder)}</dd></div>`}`;
}

/** `run 123, attempt 1` of its address. */
function runWords(run: string): string {
  const [, id, attempt] = /\/actions\/runs\/([0-9]+)(?:\/attempts\/([0-9]+))?$/.exec(run) ?? [];
  return id === undefined ? run : `run ${id}${attempt === undefined ? "" : `, attempt ${attempt}`}`;
}

function dockerfile({ repository, commit, path, text, reason }: DockerfileFact): Markup {
  const address = `${repository}/blob/${commit}/${encodePath(path)}`;
  const title = html`${linked(path, address)} at ${named(commit.slice(0, SHORT_DIGEST))}`;
  if (text === null)
    return html`<p>Dockerfile ${title}: not shown, ${printable(reason ?? "for no reason that was told")}</p>`;
  const lines = text.replace(/\n$/, "").split(/\r\n|[\r\n]/);
  const shown = beginningOf(lines);
  const left = lines.length - shown.length;
  return html`<details class="card source"><summary>The Dockerfile, ${several(lines.length, "line")}</summary><p class="small">${title}</p><div class="box" role="region" tabindex="0" aria-label="Text of the Dockerfile"><ol class="lines">${shown.map((line) => html`<li>${printable(line.replaceAll("\t", "    "))}</li>`)}</ol></div>${left === 0 ? "" : html`<p class="soft small">The rest isn't shown here: ${several(left, "line")}.</p>`}</details>`;
}

/** Whole lines: half of one could say something else. */
function beginningOf(lines: readonly string[]): readonly string[] {
  let room = MAX_SHOWN;
  const end = lines.slice(0, MAX_LINES).findIndex((line) => {
    room -= line.length + 1;
    return room < 0;
  });
  return lines.slice(0, end < 0 ? MAX_LINES : end);
}

function onlyPlatform({ platforms: [only] }: VerdictDocument): string | undefined {
  return only?.platform == null ? undefined : printable(only.platform);
}
