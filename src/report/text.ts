import type { Verdict } from "../trust/verdict.ts";
import { several } from "./ancestry-words.ts";
import { type DocumentFault, faultGroups, wayTo } from "./faults.ts";
import { type VerdictDocument, verdictDocument } from "./json.ts";
import { type Mark, markOfOutcome, SHAPES } from "./marks.ts";
import { printable } from "./printable.ts";
import { type Emphasis, type Paint, plain, treeLines } from "./tree.ts";
import { versionWords } from "./version-words.ts";

/** How text is shown. */
export interface TextStyle {
  /** Whether the terminal takes colours, and the reader wants them (NO_COLOR). */
  readonly colour: boolean;
}

/** SGR codes. */
export const COLOURS: Readonly<Record<Emphasis, string>> = {
  good: "32",
  bad: "31",
  unknown: "33",
  undermined: "33",
  root: "36",
  faint: "2",
  bold: "1",
};

/** A verdict for people: the ancestry as a tree, then the verdict, policy, level, and what would mend each fault. */
export function verdictText(verdict: Verdict, style: TextStyle): string {
  const paint: Paint = style.colour ? (text, emphasis) => `\u001b[${COLOURS[emphasis]}m${text}\u001b[0m` : plain;
  const document = verdictDocument(verdict);
  return [...treeLines(document, paint), ...summary(paint, document), ...problems(paint, document), ""].join("\n");
}

function summary(paint: Paint, verdict: VerdictDocument): readonly string[] {
  const mark = markOfOutcome(verdict.verdict);
  const platforms = verdict.platforms.map(
    ({ platform, verdict: outcome, counts }) =>
      `${platform === null ? "?" : printable(platform)} ${outcome}${counts ? "" : " (policy doesn't judge it)"}`,
  );
  const version = versionWords(verdict);
  return [
    `${paint(`${SHAPES[mark]} ${verdict.verdict.toUpperCase()}`, mark)}  ${printable(verdict.image.reference)}`,
    ...(verdict.image.origin === null ? [] : [`  from    ${originWords(verdict.image.origin)}`]),
    ...(version === undefined ? [] : [`  tag     ${printable(verdict.image.tag ?? "")} is ${version}`]),
    `  policy  ${printable(verdict.policy.name)} (${verdict.policy.digest})`,
    ...(platforms.length > 1 ? [`  of      ${platforms.join(", ")}`] : []),
    ...(verdict.onlyPlatform === null
      ? []
      : [`  only    ${printable(verdict.onlyPlatform)}, as was asked: nothing is said of other platforms`]),
    `  level   ${levelWords(verdict)}`,
    `  inputs  ${inputsWords(verdict)}`,
    `  as of   ${verdict.asOf}${verdict.validUntil === null ? "" : `, until ${verdict.validUntil} at most`}`,
  ];
}

/** `oci:DIR; the name is the archive's own word`. */
function originWords({ place, namedBy }: NonNullable<VerdictDocument["image"]["origin"]>): string {
  const name =
    namedBy === "asker"
      ? "the name is the one you gave (--as)"
      : "the name is only what stands in it: check that it is the image you mean, or give --as NAME";
  return `${printable(place)}; ${name}`;
}

/** `2, the lowest of 3 at level 2`, and whether the ancestry ends in named roots. */
export function levelWords({ level, levels, nodes }: VerdictDocument): string {
  const counts = Object.entries(levels)
    .sort(([a], [b]) => Number(b) - Number(a))
    .map(([each, count]) => `${count} at level ${each}`);
  const roots = nodes.filter(({ finding }) => finding.kind === "root").length;
  const summaries = nodes.filter(({ finding }) => finding.kind === "summarised").length;
  const ends = [
    ...(roots === 0 ? [] : [several(roots, "named root")]),
    ...(summaries === 0 ? [] : [`${summaries} verifier's summar${summaries === 1 ? "y" : "ies"}`]),
  ];
  return `${level}, the lowest of ${counts.join(", ") || "nothing"}${ends.length === 0 ? "" : `; ends in ${ends.join(" and ")}`}`;
}

/** `open: something could get in that nothing records`: what the word means, for whoever meets it first. */
export function inputsWords({ inputs }: Pick<VerdictDocument, "inputs">): string {
  switch (inputs) {
    case "closed":
      return "closed: all that went in was fixed by digest, commit or checksum";
    case "recorded":
      return "recorded: the content of all that went in is known, and some of it was whatever stood at its address";
    case "open":
      return "open: something could get in that nothing records";
  }
}

function problems(paint: Paint, { nodes, faults, unreachable }: VerdictDocument): readonly string[] {
  const wayOf = (fault: DocumentFault) =>
    wayTo(fault, nodes)
      .map(({ role, name }) => `${role === null ? "" : ` → ${role} `}${name}`)
      .join("");
  const list = (title: string, listed: readonly DocumentFault[], mark: Mark) => {
    const lines = faultGroups(listed).flatMap((group) => [
      ...group.map((fault) => `${paint(`${SHAPES[mark]} ${fault.code}`, mark)}  ${wayOf(fault)}`),
      `    ${printable(group[0].reason)}`,
      `    ${paint("mend:", "faint")} ${printable(group[0].mend)}`,
    ]);
    return lines.length === 0 ? [] : ["", paint(title, "bold"), ...lines];
  };
  return [...list("What is wrong", faults, "bad"), ...list("What could not be looked at", unreachable, "unknown")];
}
