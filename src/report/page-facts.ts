import { html } from "hono/html";
import { type Build, tagName } from "../build/build.ts";
import { platformWords } from "./ancestry-words.ts";
import type { VerdictDocument } from "./json.ts";
import type { JudgedBy } from "./judged-by.ts";
import { markOfOutcome } from "./marks.ts";
import { builtBy, type DocumentNode, type DocumentStatement } from "./node-details.ts";
import type { Markup } from "./page-layout.ts";
import { linked, marked, named, time } from "./page-marks.ts";
import { SHORT_DIGEST } from "./short-reference.ts";
import type { SignedSummaries } from "./signed-summaries.ts";
import { commitUrl, policyUrl, repositoryUrl, tagUrl } from "./source-links.ts";
import { inputsWords, levelWords } from "./text.ts";
import { versionWords } from "./version-words.ts";

/** What was built from what, by whom, and whose policy said what of it when. */
export function facts(
  build: Build,
  judged: readonly JudgedBy[],
  server: string | undefined,
  summaries: SignedSummaries | undefined,
): Markup {
  const { key, repository, request, run } = build;
  const home = repositoryUrl(build, server);
  const documents = judged.map(({ document }) => document);
  const platforms = documents[0] === undefined ? undefined : platformWords(documents[0]);
  const version = documents[0] === undefined ? undefined : versionWords(documents[0]);
  const digest = build.digest ?? documents[0]?.image.digest ?? undefined;
  return html`<section><h2>Source and build</h2><dl class="box facts">
${row(
  "Image",
  (request?.tags ?? []).map((tag) => named(`${request?.image}:${tag}`)),
)}
${row("Digest", digest === undefined ? [] : [named(digest)])}
${row("Version", version === undefined ? [] : [html`${version}`])}
${row("Platforms", platforms === undefined ? [] : [html`${platforms}`])}
${row("Inputs", documents[0] === undefined ? [] : [html`${inputsWords(documents[0])}`])}
${row("Repository", [linked(`${repository.owner}/${repository.name}`, home)])}
${row("Tag", [linked(tagName(key.ref), tagUrl(home, key.ref))])}
${row("Commit", [linked(key.commit, commitUrl(home, key.commit))])}
${row("Workflow run", run === undefined ? [] : [html`${linked(`run ${run.id}, attempt ${run.attempt}`, run.url)} (the log)`])}
${row("Signed", signatures(documents))}
${judged.map((each) => row(`Policy of the ${each.policy.kind}`, [policyOf(each)]))}
${row(
  "As of",
  [...new Set(documents.map(({ asOf }) => asOf))].map((asOf) => time(new Date(asOf))),
)}
${row("Signed summary (SLSA VSA)", summaries === undefined ? [] : placesOf(summaries))}
</dl></section>`;
}

/** On this server, and at its images. */
function placesOf({ address, attached }: SignedSummaries): readonly Markup[] {
  return [
    html`<a href="${address}">vsa.jsonl</a>`,
    ...attached.map(({ image, manifest }) => html`attached to ${named(image)} as ${named(manifest)}`),
  ];
}

function row(name: string, values: readonly Markup[]): Markup | "" {
  return values.length === 0 ? "" : html`<div><dt>${name}</dt>${values.map((value) => html`<dd>${value}</dd>`)}</div>`;
}

function policyOf({ policy, document }: JudgedBy): Markup {
  return html`${marked(markOfOutcome(document.verdict), document.verdict)}, level ${levelWords(document)}<br>${linked(policy.name, policyUrl(policy))} at commit ${named(policy.commit.slice(0, SHORT_DIGEST))}`;
}

/** Who signed the image, for which source; each once, over all platforms and policies. */
function signatures(documents: readonly VerdictDocument[]): readonly Markup[] {
  const told = new Map<string, Markup>();
  for (const { nodes, platforms } of documents) {
    const subjects = new Set(platforms.map(({ node }) => node));
    for (const node of nodes) {
      const statement = subjects.has(node.id) ? builtBy(node) : undefined;
      if (statement === undefined) continue;
      told.set(
        JSON.stringify([statement.signer, statement.sourceRepository, statement.sourceCommit, statement.times[0]]),
        signature(statement, node),
      );
    }
  }
  return [...told.values()];
}

function signature(
  { signer, times, sourceRepository, sourceCommit, sourceRef }: DocumentStatement,
  { sourceProven }: DocumentNode,
): Markup {
  const [at] = times;
  const by = html`by ${named(signer)}${at === undefined ? "" : html`, at ${time(new Date(at))}`}`;
  if (sourceRepository === null) return html`${by}, who names no source`;
  return html`${by}, for ${named(sourceRepository)} at ${linked(sourceCommit?.slice(0, SHORT_DIGEST) ?? "?", commitUrl(sourceRepository, sourceCommit))} (${named(sourceRef ?? "?")})${sourceProven === true ? "" : "; not proven: the build's own record names no git source"}`;
}
