import type { Build } from "../build/build.ts";
import type { Outcome } from "../trust/verdict.ts";
import { extentOf, platformWords, several } from "./ancestry-words.ts";
import { ancestrySections } from "./check-run-ancestry.ts";
import type { Enforcement } from "./check-run-enforcement.ts";
import { pushed, type ReportOptions, runLink } from "./check-run-request.ts";
import { faultGroups, generationOf, wayTo } from "./faults.ts";
import type { VerdictDocument } from "./json.ts";
import { type JudgedBy, worstFirst } from "./judged-by.ts";
import { code, link, prose } from "./markdown.ts";
import type { Parts } from "./markdown-limits.ts";
import { markOfOutcome, SHAPES } from "./marks.ts";
import { builtBy } from "./node-details.ts";
import { printable } from "./printable.ts";
import { problemSections } from "./problem-sections.ts";
import { SHORT_DIGEST, shortReference } from "./short-reference.ts";
import { commitUrl, policyUrl } from "./source-links.ts";
import { inputsWords, levelWords } from "./text.ts";
import { utc } from "./utc.ts";
import { versionWords } from "./version-words.ts";

/**
 * What a check run says of a judged image: faults first, each under the policy that sees it; then who signed what; then the ancestry.
 *
 * @throws {Error} without a verdict, or with one on another image.
 */
export function verdictParts(
  build: Build,
  judged: readonly JudgedBy[],
  outcome: Outcome,
  options: ReportOptions,
  enforcement?: Enforcement,
): Parts {
  const [first] = judged;
  if (first === undefined) throw new Error(`reported build ${build.id} as ${outcome}: no verdict is stored with it`);
  const other = judged.find(({ document: { image } }) => image.digest !== null && image.digest !== build.digest);
  if (other !== undefined) {
    const { digest } = other.document.image;
    throw new Error(`reported build ${build.id} as ${outcome}: its image is ${build.digest}, the verdict's ${digest}`);
  }
  const warned = [...warnings(judged), ...noticesOf(build)];
  return {
    title: titleOf(judged, outcome, enforcement?.title ?? ""),
    summary: [
      { lines: [`**${SHAPES[markOfOutcome(outcome)]} ${capital(outcome)}**: ${code(first.document.image.reference)}`] },
      ...(enforcement === undefined ? [] : [{ before: ["### What is enforced", ""], lines: enforcement.lines }]),
      ...judged.flatMap((each) =>
        problemSections(each.document, judged.length > 1 ? `, says the ${policyWords(each)}` : ""),
      ),
      ...(warned.length === 0 ? [] : [{ before: ["### Warnings", ""], lines: warned }]),
      { before: ["### What was verified", ""], lines: facts(build, judged, first.document, options) },
    ],
    text: ancestrySections(worstFirst(judged)),
  };
}

function titleOf(judged: readonly JudgedBy[], outcome: Outcome, enforced: string): string {
  const [first] = judged.filter(({ document }) => document.verdict === outcome);
  if (first === undefined) return `${outcome}${enforced}`;
  if (outcome === "trusted") return `trusted: ${extentOf(first.document)}`;
  const { faults, unreachable, nodes } = first.document;
  const told = outcome === "untrusted" ? faults : unreachable;
  const [fault] = told;
  if (fault === undefined) return `${outcome}${enforced}`;
  // The digest is in the summary: a title is one line.
  const { name = fault.node } = wayTo(fault, nodes).at(-1) ?? {};
  const others = faultGroups(told).length - 1;
  return [
    `${outcome}${enforced}, ${printable(fault.code)}: ${generationOf(fault)} ${name.replace(/@[0-9a-f]+$/, "")}`,
    ...(others === 0 ? [] : [`and ${several(others, "other fault")}`]),
    ...(judged.length > 1 ? [`says the ${policyWords(first)}`] : []),
  ].join(", ");
}

function policyWords({ policy }: JudgedBy): string {
  return `policy of the ${policy.kind}`;
}

/** What was noticed when it was judged: it decides nothing. */
function noticesOf({ outcome }: Build): readonly string[] {
  if (outcome?.kind !== "verdict") return [];
  return (outcome.notices ?? []).map(({ code: each, message }) => `- ⚠ ${code(each)}: ${prose(message)}`);
}

function warnings(judged: readonly JudgedBy[]): readonly string[] {
  const unprotected = judged
    .filter(({ policy }) => policy.isProtected !== true)
    .map(({ policy }) =>
      policy.isProtected === "unknown"
        ? `- ⚠ ${code("policy-protection-unknown")}: it is not known whether the branch of ${code(policy.name)} takes changes without a review: GitHub shows the app rulesets, and not what other protection asks for; a ruleset with required reviews settles it`
        : `- ⚠ ${code("policy-unprotected")}: whoever may push to the branch of ${code(policy.name)} changes what is trusted, without a review; protect it with required reviews`,
    );
  const told = new Set(
    judged.flatMap(({ document }) =>
      document.nodes.flatMap((node) =>
        node.warnings.map((warning) => `- ⚠ ${code(shortReference(node.reference))}: ${prose(warning)}`),
      ),
    ),
  );
  return [...unprotected, ...told];
}

function facts(
  build: Build,
  judged: readonly JudgedBy[],
  document: VerdictDocument,
  options: ReportOptions,
): readonly string[] {
  const { image } = document;
  const platforms = platformWords(document);
  const version = versionWords(document);
  return [
    `- image: ${code(image.tag === null ? image.name : `${image.name}:${image.tag}`)}`,
    `- digest: ${image.digest === null ? "none; the tag could not be resolved" : code(image.digest)}`,
    ...(version === undefined ? [] : [`- version: ${prose(version)}`]),
    ...(platforms === undefined ? [] : [`- platforms: ${prose(platforms)}`]),
    `- inputs: ${inputsWords(document)}`,
    `- pushed: ${pushed(build, options)}`,
    ...signers(judged),
    ...(build.run === undefined ? [] : [`- built by: ${runLink(build)}`]),
    ...judged.map(policyLine),
    `- verified at: ${[...new Set(judged.map((each) => utc(new Date(each.document.asOf))))].join(", ")}`,
    ...ends(judged),
    ...(options.page === undefined ? [] : [`- build: ${link(build.id, options.page)}`]),
    ...summaries(options),
  ];
}

/** Most are attached later than this is written: the address, and the build's page, say so then. */
function summaries({ summaries }: ReportOptions): readonly string[] {
  if (summaries === undefined) return [];
  const attached = summaries.attached.map(
    ({ image, manifest }) => `  - attached to ${code(image)} as ${code(manifest)}`,
  );
  return [`- signed summary (SLSA VSA): ${link("vsa.jsonl", summaries.address)}`, ...attached];
}

/** The first moment at which something that one of the verdicts rests on lapses. */
function ends(judged: readonly JudgedBy[]): readonly string[] {
  const [first] = judged.flatMap(({ document: { validUntil } }) => validUntil ?? []).sort();
  return first === undefined ? [] : [`- holds until ${utc(new Date(first))} at most: a root or a summary lapses then`];
}

function policyLine({ policy, document }: JudgedBy): string {
  const at = `${link(policy.name, policyUrl(policy))} at commit ${code(policy.commit.slice(0, SHORT_DIGEST))}`;
  return `- policy of the ${policy.kind}: ${at}: **${document.verdict}**, level ${levelWords(document)}`;
}

/** Who signed the image, for which source; each once, over all platforms and policies. */
function signers(judged: readonly JudgedBy[]): readonly string[] {
  const told = judged.flatMap(({ document }) => {
    const subjects = new Set(document.platforms.map(({ node }) => node));
    return document.nodes.flatMap((node) => {
      const statement = subjects.has(node.id) ? builtBy(node) : undefined;
      if (statement === undefined) return [];
      const { sourceRepository, sourceCommit, sourceRef, signer, times } = statement;
      const source = `${code(sourceRepository ?? "")} at ${link(sourceCommit?.slice(0, SHORT_DIGEST) ?? "?", commitUrl(sourceRepository, sourceCommit))} (${code(sourceRef ?? "?")})`;
      const [time] = times;
      const by = `- signer: ${code(signer)}${time === undefined ? "" : `, at ${utc(new Date(time))}`}`;
      if (sourceRepository === null) return ["- source: none that its signer names", by];
      const proven = node.sourceProven === true ? "" : "; not proven: the build's own record names no git source";
      return [`- source: ${source}${proven}`, by];
    });
  });
  return [...new Set(told)];
}

function capital(word: string): string {
  return `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`;
}
