import type { ForecastDocument, ForecastFaultDocument, ParentDocument } from "./forecast-json.ts";
import { markOfParent, outcomeOfParent, resolvedReference, wordOfParent } from "./forecast-parents.ts";
import { groupBy } from "./grouping.ts";
import { type Mark, markOfOutcome, SHAPES } from "./marks.ts";
import { printable } from "./printable.ts";
import { shortReference } from "./short-reference.ts";
import { type Paint, plain, platformTrees } from "./tree.ts";

/** How many lines of a file are named in one place. */
const MAX_LINES = 5;

/**
 * What a Dockerfile would make as lines of a tree: the file, the images that would go in, and the ancestry of each. Texts of strangers
 * in them are printable.
 *
 * @param name - The file's.
 */
export function forecastTree(document: ForecastDocument, name: string, paint: Paint = plain): readonly string[] {
  const mark = markOfOutcome(document.forecast);
  const head = `${paint(`${SHAPES[mark]} ${document.forecast}`, mark)} ${paint("forecast", "faint")}  ${paint(printable(name), "bold")}`;
  const loose = (faults: readonly ForecastFaultDocument[], sign: Mark) =>
    faults.filter(({ parent }) => parent === null).map((fault) => faultBlock(fault, sign, paint));
  const blocks = [
    ...parentBlocks(document, paint),
    ...loose(document.faults, "bad"),
    ...loose(document.unreachable, "unknown"),
    ...leftOut(document.faultsLeftOut, "fault", paint),
    ...leftOut(document.unreachableLeftOut, "thing that could not be looked at", paint),
  ];
  if (blocks.length === 0) return [head, `└─ ${paint("no image goes in", "faint")}`];
  return [head, ...blocks.flatMap((block, i) => hung(block, i === blocks.length - 1))];
}

/** `line 3`, `lines 3 and 7`: each once; of many only the first. */
export function linesWords(lines: readonly { readonly line: number }[], leftOut = 0): string {
  const numbers = [...new Set(lines.map(({ line }) => line))].sort((a, b) => a - b);
  if (numbers.length === 0) return "";
  const shown = numbers.slice(0, MAX_LINES);
  const more = numbers.length - shown.length + leftOut;
  const last = more > 0 ? `${more} more` : shown.length > 1 ? String(shown.pop()) : undefined;
  return `line${numbers.length + leftOut === 1 ? "" : "s"} ${shown.join(", ")}${last === undefined ? "" : ` and ${last}`}`;
}

/** One image in several roles is drawn once. */
function parentBlocks(document: ForecastDocument, paint: Paint): readonly (readonly string[])[] {
  const all = document.parents.map((parent, index) => ({ parent, index }));
  const same = groupBy(all, ({ parent, index }) =>
    JSON.stringify([
      parent.reference,
      parent.platform,
      parent.verdict,
      parent.digest,
      wordOfParent(outcomeOfParent(document, index), parent),
    ]),
  );
  return [...same.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const roles = [...new Set(group.map(({ parent }) => parent.role))].join(" and ");
    const uses = group.flatMap(({ parent }) => parent.uses);
    const more = group.reduce((sum, { parent }) => sum + parent.usesLeftOut, 0);
    const at = paint(`(${linesWords(uses, more)})`, "faint");
    const verdict = first.parent.verdict === null ? undefined : document.verdicts[first.parent.verdict];
    const trees = verdict === undefined ? [] : platformTrees(verdict, paint, roles);
    const own = ownFaults(
      document,
      group.map(({ index }) => index),
      paint,
      verdict !== undefined,
    );
    if (trees.length === 0) return [[`${headOf(document, first.parent, first.index, roles, paint)} ${at}`, ...own]];
    return trees.map(([head = "", ...rest]) => [`${head} ${at}`, ...rest, ...own]);
  });
}

function headOf(
  document: ForecastDocument,
  parent: ParentDocument,
  index: number,
  roles: string,
  paint: Paint,
): string {
  const outcome = outcomeOfParent(document, index);
  const mark = markOfParent(outcome);
  return `${paint(`${SHAPES[mark]} ${wordOfParent(outcome, parent)}`, mark)} ${paint(roles, "faint")}  ${paint(shortReference(resolvedReference(parent)), "bold")} ${printable(parent.platform)}`;
}

/** What no verdict shows: that the name leads nowhere, or that it should have been pinned. */
function ownFaults(
  { faults, unreachable, verdicts, parents }: ForecastDocument,
  indexes: readonly number[],
  paint: Paint,
  isDrawn: boolean,
): readonly string[] {
  const said = new Set(
    isDrawn ? indexes.flatMap((i) => verdicts[parents[i]?.verdict ?? -1]?.faults.map(({ code }) => code) ?? []) : [],
  );
  const own = (listed: readonly ForecastFaultDocument[], mark: Mark) =>
    listed
      .filter(
        ({ parent, path, code }) => parent !== null && indexes.includes(parent) && path.length === 0 && !said.has(code),
      )
      .map(({ code, reason }) => {
        const words = printable(`${code}: ${reason}`);
        // The line above it tells the parent's verdict; one of a tree tells what was found of its image, which may be in order.
        return `    ${isDrawn ? paint(`${SHAPES[mark]} ${words}`, mark) : paint(words, "faint")}`;
      });
  return [...new Set([...own(faults, "bad"), ...own(unreachable, "unknown")])];
}

function faultBlock({ code, reason, lines }: ForecastFaultDocument, mark: Mark, paint: Paint): readonly string[] {
  const at = linesWords(lines);
  return [
    `${paint(`${SHAPES[mark]} ${printable(code)}`, mark)}${at === "" ? "" : ` ${paint(`(${at})`, "faint")}`}`,
    `    ${paint(printable(reason), "faint")}`,
  ];
}

function leftOut(count: number, noun: string, paint: Paint): readonly (readonly string[])[] {
  return count === 0 ? [] : [[paint(`and ${count} more ${noun}${count === 1 ? "" : "s"}`, "faint")]];
}

/** A block as a branch of the trunk. */
function hung([head = "", ...rest]: readonly string[], isLast: boolean): readonly string[] {
  return [`${isLast ? "└─ " : "├─ "}${head}`, ...rest.map((line) => `${isLast ? "   " : "│  "}${line}`)];
}
