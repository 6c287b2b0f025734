import { safeUrl } from "./markdown.ts";

/** Longest title of a check run, in UTF-8 bytes. */
export const MAX_TITLE = 255;
/**
 * Longest summary of a check run, and longest text, in UTF-8 bytes: GitHub's description says characters, and it isn't known which
 * of the two is counted.
 */
export const MAX_MARKDOWN = 65_535;

/** A part of a report that can be cut between its lines, and still ends as it has to. */
export interface Section {
  /** A heading, the head of a table, the opening of a fence. */
  readonly before?: readonly string[];
  readonly lines: readonly string[];
  readonly after?: readonly string[];
}

/** What a check run says, before it is fitted into GitHub's limits. */
export interface Parts {
  readonly title: string;
  readonly summary: readonly Section[];
  readonly text?: readonly Section[];
}

/**
 * The sections below each other, within the limit. Where they don't fit, the long ones give way to the short ones, and each that is
 * cut says how much is missing and where the whole is.
 *
 * @param whole - Address of the whole.
 */
export function fitted(sections: readonly Section[], limit: number, whole: string | undefined): string {
  const filled = sections.filter(({ before = [], lines }) => before.length + lines.length > 0);
  const texts = filled.map(({ before = [], lines, after = [] }) => [...before, ...lines, ...after].join("\n"));
  const room = shares(
    texts.map((text) => bytes(text) + 2),
    limit,
  );
  return filled
    .map((section, i) => {
      const text = texts[i] ?? "";
      const share = (room[i] ?? 0) - 2;
      return bytes(text) <= share ? text : cut(section, share, whole);
    })
    .join("\n\n");
}

/** Each gets what it needs or an equal share of what the smaller ones leave. */
function shares(needs: readonly number[], limit: number): readonly number[] {
  let left = limit;
  const granted = [...needs];
  const smallestFirst = needs.map((_, i) => i).sort((a, b) => (needs[a] ?? 0) - (needs[b] ?? 0));
  smallestFirst.forEach((index, taken) => {
    const share = Math.min(needs[index] ?? 0, Math.floor(left / (needs.length - taken)));
    granted[index] = share;
    left -= share;
  });
  return granted;
}

function cut({ before = [], lines, after = [] }: Section, share: number, whole: string | undefined): string {
  const target = whole === undefined ? undefined : safeUrl(whole);
  const noticeOf = (left: number) =>
    `… cut: ${left} of ${lines.length} lines are left out${target === undefined ? "" : `; the whole is at <${target}>`}`;
  let room = share - bytes([...before, ...after, "", "", noticeOf(lines.length)].join("\n"));
  const kept: string[] = [];
  for (const line of lines) {
    room -= bytes(line) + 1;
    if (room < 0) break;
    kept.push(line);
  }
  return [...before, ...kept, ...after, "", noticeOf(lines.length - kept.length)].join("\n");
}

/** One line of plain text, within the limit. */
export function fittedTitle(text: string): string {
  if (bytes(text) <= MAX_TITLE) return text;
  const points = [...text];
  while (bytes(points.join("")) > MAX_TITLE - bytes("…")) points.pop();
  return `${points.join("")}…`;
}

function bytes(text: string): number {
  return Buffer.byteLength(text, "utf8");
}
