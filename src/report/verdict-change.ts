import type { Outcome } from "../trust/verdict.ts";
import type { Entry, Section, Sign } from "./change-section.ts";
import { groupBy } from "./grouping.ts";
import { code, prose, safeUrl } from "./markdown.ts";
import { markOfOutcome, SHAPES } from "./marks.ts";
import { packageSections } from "./packages-change.ts";
import { printable } from "./printable.ts";
import { shortReference } from "./short-reference.ts";
import { COLOURS, type TextStyle } from "./text.ts";
import type { VerdictChangeDocument } from "./verdict-change-json.ts";

type Ancestor = VerdictChangeDocument["ancestors"]["gained"][number];
type FaultDocument = VerdictChangeDocument["faults"]["gained"][number];

const STANDING: Readonly<
  Record<VerdictChangeDocument["standing"], { readonly word: string; readonly outcome: Outcome }>
> = {
  "no-worse": { word: "no worse", outcome: "trusted" },
  worse: { word: "worse", outcome: "untrusted" },
  unknown: { word: "it can't be told", outcome: "undetermined" },
};

/** What differs, for people at a terminal. */
export function verdictChangeText(document: VerdictChangeDocument, { colour }: TextStyle): string {
  const { before, after, standing, reason, sources } = document;
  const paint = (text: string, as: string) => (colour ? `\u001b[${as}m${text}\u001b[0m` : text);
  const { word, outcome } = STANDING[standing];
  const mark = markOfOutcome(outcome);
  const signs: Readonly<Record<Sign, string>> = { "+": "32", "-": "31", "~": "33", "=": "2", "?": "33" };
  const side = (name: string, { verdict, reference, level }: typeof before) =>
    `${name}  ${paint(`${SHAPES[markOfOutcome(verdict)]} ${verdict}`, COLOURS[markOfOutcome(verdict)])}, level ${level}  ${printable(reference)}`;
  return [
    side("from", before),
    side("to  ", after),
    `${paint(`${SHAPES[mark]} ${word}`, COLOURS[mark])}: ${printable(reason)}`,
    ...sectionsOf(document).flatMap(({ title, entries }) => [
      "",
      paint(printable(title), COLOURS.bold),
      ...entries.flatMap(({ sign, words, mend }) => [
        `${paint(sign, signs[sign])} ${printable(words)}`,
        ...(mend === undefined ? [] : [`    mend: ${printable(mend)}`]),
      ]),
    ]),
    ...(sources.compare === null ? [] : ["", printable(sources.compare)]),
    "",
  ].join("\n");
}

/** The same as Markdown, for a comment or a job's summary. */
export function verdictChangeMarkdown(document: VerdictChangeDocument): string {
  const { before, after, standing, reason, sources } = document;
  const { word, outcome } = STANDING[standing];
  const compare = sources.compare === null ? undefined : safeUrl(sources.compare);
  const side = (name: string, { verdict, reference, level }: typeof before) =>
    `- ${name} ${code(reference)}: ${SHAPES[markOfOutcome(verdict)]} ${verdict}, level ${level}`;
  return [
    `## ${SHAPES[markOfOutcome(outcome)]} ${word.slice(0, 1).toUpperCase()}${word.slice(1)}`,
    "",
    side("from", before),
    side("to", after),
    `- that is: ${prose(reason)}`,
    ...(compare === undefined ? [] : [`- [what changed in the source](${compare})`]),
    ...sectionsOf(document).flatMap(({ title, entries }) => [
      "",
      `### ${prose(title)}`,
      "",
      ...entries.map(
        ({ sign, words, mend }) =>
          `- ${code(sign)} ${prose(words)}${mend === undefined ? "" : `; mend: ${prose(mend)}`}`,
      ),
    ]),
    "",
  ].join("\n");
}

/** What is as it was isn't told, but for what is wrong in both, and that packages were compared or weren't. */
function sectionsOf(document: VerdictChangeDocument): readonly Section[] {
  const { before, after, builders, platforms, ancestors, faults, unreachable, packages } = document;
  const became = (from: string | number, to: string | number): readonly Entry[] =>
    from === to ? [] : [{ sign: "~", words: `${from} → ${to}` }];
  const all: readonly Section[] = [
    { title: "Verdict", entries: became(before.verdict, after.verdict) },
    { title: "Level", entries: became(before.level, after.level) },
    { title: "Inputs", entries: became(before.inputs, after.inputs) },
    { title: "Policy", entries: became(before.policy.digest, after.policy.digest) },
    { title: "Source", entries: sourceEntries(document) },
    { title: "Builder", entries: namedEntries(builders) },
    { title: "Platforms", entries: namedEntries(platforms) },
    {
      title: "What it is built from",
      entries: [
        ...alike(
          ancestors.moved,
          ({ from, to }) => [from, to],
          "~",
          ({ from, to }) => `${to.role} ${nameOf(from)} → ${nameOf(to)}`,
        ),
        ...alike(
          ancestors.gained,
          (each) => [each],
          "+",
          (each) => `${each.role} ${nameOf(each)}`,
        ),
        ...alike(
          ancestors.lost,
          (each) => [each],
          "-",
          (each) => `${each.role} ${nameOf(each)}`,
        ),
      ],
    },
    {
      title: "What is wrong that wasn't",
      entries: faults.gained.map((each) => ({ ...faultEntry("+", each), mend: each.mend })),
    },
    { title: "What is wrong no more", entries: faults.lost.map((each) => faultEntry("-", each)) },
    { title: "What is wrong in both", entries: faults.same.map((each) => faultEntry("=", each)) },
    {
      title: "What could not be looked at",
      entries: [
        ...unreachable.gained.map((each) => faultEntry("+", each)),
        ...unreachable.lost.map((each) => faultEntry("-", each)),
      ],
    },
    ...packageSections(packages),
  ];
  return all.filter(({ entries }) => entries.length > 0);
}

function sourceEntries({ sources: { before, after } }: VerdictChangeDocument): readonly Entry[] {
  const words = ({ repository, commit, ref }: (typeof before)[number]) =>
    `${repository} at ${commit ?? "no commit"}${ref === null ? "" : ` (${ref})`}`;
  const [earlier, later] = [before.map(words), after.map(words)];
  return namedEntries({
    gained: later.filter((each) => !earlier.includes(each)),
    lost: earlier.filter((each) => !later.includes(each)),
  });
}

function namedEntries({ gained, lost }: VerdictChangeDocument["builders"]): readonly Entry[] {
  return [
    ...lost.map((words): Entry => ({ sign: "-", words })),
    ...gained.map((words): Entry => ({ sign: "+", words })),
  ];
}

/** What differs by platform alone is one entry. */
function alike<Each>(
  all: readonly Each[],
  ancestorsOf: (each: Each) => readonly Ancestor[],
  sign: Sign,
  wordsOf: (each: Each) => string,
): readonly Entry[] {
  const groups = groupBy(all, (each) =>
    JSON.stringify(ancestorsOf(each).map((ancestor) => ({ ...ancestor, platform: "" }))),
  );
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const platforms = [...new Set(group.flatMap((each) => ancestorsOf(each).map(({ platform }) => platform)))];
    const outcome = ancestorsOf(first).at(-1)?.outcome ?? null;
    const told = outcome === null ? "" : `, ${outcome}`;
    return [
      {
        sign,
        words: `${wordsOf(first)} (${platforms.filter((each) => each !== "").join(", ") || "every platform"})${told}`,
      },
    ];
  });
}

function nameOf({ name, tag, digest }: Ancestor): string {
  return shortReference(`${name}${tag === null ? "" : `:${tag}`}${digest === null ? "" : `@${digest}`}`);
}

function faultEntry(sign: Sign, { code: what, reason, path }: FaultDocument): Entry {
  return { sign, words: `${what}: ${path.map(shortReference).join(" → ")}: ${reason}` };
}
