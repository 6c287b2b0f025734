import type { Annotation } from "../build/ports.ts";
import { several } from "./ancestry-words.ts";
import { parentRows, resolvedReference } from "./forecast-parents.ts";
import { pinsOf } from "./forecast-pins.ts";
import { groupBy } from "./grouping.ts";
import { fittedTitle } from "./markdown-limits.ts";
import { printable } from "./printable.ts";
import { faultsOf, type ShownFault, subjectOf, unreachableOf } from "./pull-faults.ts";
import type { ShownFile } from "./pull-shown.ts";
import { shortReference } from "./short-reference.ts";

/** How many annotations one check run gets: four of GitHub's portions of 50, which is more than anybody reads in a diff. */
export const MAX_ANNOTATIONS = 200;
/** Longest message, in UTF-16 units; GitHub takes 64 KiB. */
const MAX_MESSAGE = 4000;
const LEVELS: readonly Annotation["level"][] = ["failure", "warning", "notice"];

interface Remark extends Annotation {
  /** What it is about: of one line and one image there is one annotation. */
  readonly subject: string;
}

/**
 * Remarks on lines of the files at the head, the gravest first. What fails is a failure; what is let pass, what could not be looked at
 * and what is named by a tag alone are warnings; a newer trusted digest is a notice.
 *
 * @param whole - Address of the whole, for what is cut.
 */
export function pullAnnotations(files: readonly ShownFile[], whole: string | undefined): readonly Annotation[] {
  const remarks = files.flatMap((file) => [
    ...refusedRemarks(file),
    ...faultsOf(file).flatMap((fault) => faultRemarks(fault, fault.isPassed ? "warning" : "failure", "")),
    ...unreachableOf(file).flatMap((fault) => faultRemarks(fault, "warning", "could not look: ")),
    ...pinRemarks(file),
    ...newerRemarks(file),
  ]);
  const one = groupBy(remarks, ({ path, line, subject }) => JSON.stringify([path, line, subject]));
  const annotations = [...one.values()].map(merged).sort(byGravity);
  if (annotations.length <= MAX_ANNOTATIONS) return annotations;
  const shown = annotations.slice(0, MAX_ANNOTATIONS - 1);
  const [first] = annotations.slice(shown.length);
  if (first === undefined) return shown;
  const left = annotations.length - shown.length;
  return [
    ...shown,
    {
      path: first.path,
      line: first.line,
      endLine: first.line,
      level: first.level,
      title: `${several(left, "more remark")}`,
      message: `${several(left, "more remark")} ${left === 1 ? "isn't" : "aren't"} shown on the lines. ${whole === undefined ? "They are in the check run's text." : `The whole is at ${printable(whole)}`}`,
    },
  ];
}

/** The gravest says the title; the others of the same line and image are told below it. */
function merged(group: readonly Remark[]): Annotation {
  const [first, ...rest] = group.toSorted((a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level));
  if (first === undefined) throw new Error("merged annotations: there is none");
  const { path, line, endLine, level, title } = first;
  const message = [...new Set([first, ...rest].map((each) => each.message))].join("\n\n");
  return { path, line, endLine, level, title: fittedTitle(title), message: bounded(message) };
}

function byGravity(a: Annotation, b: Annotation): number {
  const gravity = LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level);
  if (gravity !== 0) return gravity;
  if (a.path !== b.path) return a.path < b.path ? -1 : 1;
  return a.line - b.line;
}

function refusedRemarks({ file: { path, after } }: ShownFile): readonly Remark[] {
  if (after.kind !== "refused") return [];
  const line = Math.max(1, after.line);
  const title = `can't be read: line ${after.line}, column ${after.column}`;
  const message = `BuildKit refuses this Dockerfile, so that nothing was judged: ${printable(after.reason)}`;
  return [{ path, line, endLine: line, level: "failure", title, message, subject: "" }];
}

function faultRemarks(fault: ShownFault, level: Annotation["level"], before: string): readonly Remark[] {
  const { file, code, reason, mend, lines, parent } = fault;
  const { image, under } = subjectOf(fault);
  const named = `${shortReference(image)}${under === undefined ? "" : ` under ${shortReference(under)}`}`;
  const message = [
    `${printable(code)}: ${parent === undefined ? "" : `${named}: `}${printable(reason)}`,
    ...(mend === "" ? [] : [`What would mend it: ${printable(mend)}`]),
    ...(fault.isNew === false ? ["The base branch has it too."] : []),
  ].join("\n");
  const title = `${before}${printable(code)}${parent === undefined ? "" : `: ${named.replace(/@[0-9a-f]+$/, "")}`}`;
  const subject = parent?.reference ?? `${code} ${reason}`;
  return lines.map(({ line, endLine }) => ({
    path: file.file.path,
    ...within(line, endLine),
    level,
    title,
    message,
    subject,
  }));
}

function pinRemarks({ file, forecastsAfter }: ShownFile): readonly Remark[] {
  const documents = forecastsAfter.map(({ document }) => document);
  const references = new Map(
    documents.flatMap(({ parents }) =>
      parents.flatMap(({ uses, reference }) =>
        uses.flatMap(({ place }) => (place === null ? [] : [[`${place.start}`, reference] as const])),
      ),
    ),
  );
  return pinsOf(documents).map(({ place, line, endLine, written, pinned }) => ({
    path: file.path,
    ...within(line, endLine),
    level: "warning",
    title: `named by a tag alone: ${printable(written)}`,
    message: `A tag can move, and another image go in than was judged. To pin it, write:\n${printable(pinned)}`,
    subject: references.get(`${place.start}`) ?? written,
  }));
}

function newerRemarks({ file, forecastsAfter }: ShownFile): readonly Remark[] {
  return forecastsAfter.flatMap(({ document }) =>
    parentRows(document).flatMap(({ first }): readonly Remark[] => {
      const { newer, uses, reference } = first;
      if (newer === null || newer.outcome !== "trusted") return [];
      const to = printable(resolvedReference({ ...first, digest: newer.digest }));
      return uses.map(({ line, endLine }) => ({
        path: file.path,
        ...within(line, endLine),
        level: "notice",
        title: `a newer trusted digest: ${shortReference(to)}`,
        message: `The tag leads to another image by now, and all that went into it is trusted. To move there, write:\n${to}`,
        subject: reference,
      }));
    }),
  );
}

function within(line: number, endLine: number): Pick<Annotation, "line" | "endLine"> {
  const from = Math.max(1, line);
  return { line: from, endLine: Math.max(from, endLine) };
}

function bounded(text: string): string {
  return text.length <= MAX_MESSAGE ? text : `${text.slice(0, MAX_MESSAGE).toWellFormed()}… (cut)`;
}
