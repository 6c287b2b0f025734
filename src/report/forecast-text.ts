import type { ForecastDocument, ForecastFaultDocument } from "./forecast-json.ts";
import { outcomeOfParent, resolvedReference } from "./forecast-parents.ts";
import { pinsOf } from "./forecast-pins.ts";
import { forecastTree, linesWords } from "./forecast-tree.ts";
import { groupBy } from "./grouping.ts";
import { type Mark, markOfOutcome, SHAPES } from "./marks.ts";
import { printable } from "./printable.ts";
import { shortReference } from "./short-reference.ts";
import { COLOURS, type TextStyle } from "./text.ts";
import { type Paint, plain } from "./tree.ts";

/** A forecast for people: what would go in as a tree, then the outcome, policy and level, and what would mend each fault. @param name - The file's. */
export function forecastText(document: ForecastDocument, { colour }: TextStyle, name = "Dockerfile"): string {
  const paint: Paint = colour ? (text, emphasis) => `\u001b[${COLOURS[emphasis]}m${text}\u001b[0m` : plain;
  return [
    ...forecastTree(document, name, paint),
    "",
    ...summary(document, name, paint),
    ...problems(document, "What is wrong", "bad", paint),
    ...problems(document, "What could not be looked at", "unknown", paint),
    ...pins(document, paint),
    "",
  ].join("\n");
}

function summary(document: ForecastDocument, name: string, paint: Paint): readonly string[] {
  const { forecast, policy, level, asOf, validUntil, parents } = document;
  const mark = markOfOutcome(forecast);
  const unjudged = parents.filter((_, i) => outcomeOfParent(document, i) === null).length;
  return [
    `${paint(`${SHAPES[mark]} WOULD BE ${forecast.toUpperCase()}`, mark)}  ${printable(name)}`,
    `  policy  ${printable(policy.name)} (${policy.digest})`,
    `  level   ${level === null ? "none: no image goes in" : `${level} at most`}${unjudged === 0 ? "" : `; ${unjudged} not judged by policy`}`,
    `  as of   ${asOf}${validUntil === null ? "" : `, until ${validUntil} at most`}`,
    "  what is built is signed by whoever builds it, and judged again then",
  ];
}

function problems(
  { parents, ...document }: ForecastDocument,
  title: "What is wrong" | "What could not be looked at",
  mark: Mark,
  paint: Paint,
): readonly string[] {
  const [listed, left] =
    title === "What is wrong"
      ? [document.faults, document.faultsLeftOut]
      : [document.unreachable, document.unreachableLeftOut];
  const headOf = (fault: ForecastFaultDocument) => {
    const parent = fault.parent === null ? undefined : parents[fault.parent];
    const way = fault.path.slice(1).map(({ role, reference }) => ` → ${role ?? ""} ${shortReference(reference)}`);
    const named =
      parent === undefined ? "" : `  ${parent.role} ${shortReference(resolvedReference(parent))}${way.join("")}`;
    const at = linesWords(fault.lines);
    return `${paint(`${SHAPES[mark]} ${printable(fault.code)}`, mark)}${named}${at === "" ? "" : `  (${at})`}`;
  };
  const alike = [...groupBy(listed, ({ code, reason, mend }) => JSON.stringify([code, reason, mend])).values()];
  const lines = alike.flatMap((group) => [
    ...new Set(group.map(headOf)),
    ...group
      .slice(0, 1)
      .flatMap(({ reason, mend }) => [
        `    ${printable(reason)}`,
        ...(mend === "" ? [] : [`    ${paint("mend:", "faint")} ${printable(mend)}`]),
      ]),
  ]);
  const more = left === 0 ? [] : [`and ${left} more`];
  return lines.length + more.length === 0 ? [] : ["", paint(title, "bold"), ...lines, ...more];
}

function pins(document: ForecastDocument, paint: Paint): readonly string[] {
  const lines = pinsOf([document]).map(
    ({ line, written, pinned }) => `  line ${line}: ${printable(written)} → ${printable(pinned)}`,
  );
  return lines.length === 0 ? [] : ["", paint("Named by a tag alone; to pin, write", "bold"), ...lines];
}
