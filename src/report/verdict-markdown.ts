import type { Answer } from "./answers.ts";
import { tableOf, treeOf } from "./check-run-ancestry.ts";
import type { VerdictDocument } from "./json.ts";
import { code, prose } from "./markdown.ts";
import { fitted, type Section } from "./markdown-limits.ts";
import { markOfOutcome, SHAPES } from "./marks.ts";
import { problemSections } from "./problem-sections.ts";
import { shortReference } from "./short-reference.ts";
import { inputsWords, levelWords } from "./text.ts";
import { utc } from "./utc.ts";
import { versionWords } from "./version-words.ts";

/**
 * Verdicts as Markdown, for the summary of a job or a comment: as a check run tells them, without what only a build has.
 *
 * @param limit - in bytes; what doesn't fit is cut, and says so. The verdicts stand first, and are never cut away.
 */
export function verdictsMarkdown(answers: readonly Answer[], limit: number): string {
  const overview: readonly Section[] =
    answers.length < 2
      ? []
      : [
          {
            before: ["| verdict | image |", "|---|---|"],
            lines: answers.map((answer) => `| ${headOf(answer).join(" | ")} |`),
          },
        ];
  return `${fitted([...overview, ...answers.flatMap(sectionsOf)], limit - 1, undefined)}\n`;
}

function headOf(answer: Answer): readonly [string, string] {
  if (answer.kind === "unusable") return ["! No verdict", code(answer.image)];
  const { verdict, image } = answer.document;
  const word = `${verdict.slice(0, 1).toUpperCase()}${verdict.slice(1)}`;
  return [`${SHAPES[markOfOutcome(verdict)]} ${word}`, code(image.reference)];
}

function sectionsOf(answer: Answer): readonly Section[] {
  const [word, image] = headOf(answer);
  const heading = `## ${word}: ${image}`;
  if (answer.kind === "unusable")
    return [{ lines: [heading, "", `It can't be judged as it was asked for: ${prose(answer.reason)}`] }];
  const { document } = answer;
  const tree = treeOf(document);
  const table = tableOf(document);
  return [
    { lines: [heading, "", ...facts(document)] },
    ...problemSections(document),
    { before: warnings(document).length === 0 ? [] : ["### Warnings", ""], lines: warnings(document) },
    { ...tree, before: ["### Ancestry", "", ...(tree.before ?? [])] },
    { ...table, before: ["### Every image", "", ...(table.before ?? [])] },
  ];
}

function facts(document: VerdictDocument): readonly string[] {
  const { image, policy, onlyPlatform, platforms, asOf, validUntil } = document;
  const version = versionWords(document);
  const each = platforms.map(
    ({ platform, verdict, counts }) =>
      `${code(platform ?? "?")} ${verdict}${counts ? "" : " (policy doesn't judge it)"}`,
  );
  return [
    ...(image.origin === null
      ? []
      : [
          `- read from: ${code(image.origin.place)}; its name is ${image.origin.namedBy === "asker" ? "the one that was given" : "its own word"}`,
        ]),
    ...(version === undefined ? [] : [`- version: ${prose(version)}`]),
    ...(each.length > 1 ? [`- platforms: ${each.join(", ")}`] : []),
    ...(onlyPlatform === null
      ? []
      : [`- only ${code(onlyPlatform)}, as was asked: nothing is said of other platforms`]),
    `- policy: ${code(policy.name)} (${code(policy.digest)})`,
    `- level: ${levelWords(document)}`,
    `- inputs: ${inputsWords(document)}`,
    `- judged at: ${utc(new Date(asOf))}${validUntil === null ? "" : `, holds until ${utc(new Date(validUntil))} at most`}`,
  ];
}

function warnings({ nodes }: VerdictDocument): readonly string[] {
  const told = nodes.flatMap((node) =>
    node.warnings.map((warning) => `- ⚠ ${code(shortReference(node.reference))}: ${prose(warning)}`),
  );
  return [...new Set(told)];
}
