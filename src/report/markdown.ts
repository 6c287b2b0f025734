import { printable } from "./printable.ts";

/** Longest text of strangers in one place, in code points; what is longer ends in a word that says so. */
const MAX_INLINE = 1000;
const CUT = "… (cut)";

/** Words that GitHub's Markdown shows as they are, wherever they stand; short numbers too. */
const WORD = /^(?:\p{L}[\p{L}\p{M}]*(?:['’-]\p{L}[\p{L}\p{M}]*)*|[0-9]{1,6}|[→–—…])$/u;
/** Words, or parts of them, that GitHub links: names of commits, and the beginnings of addresses. */
const LINKED = /(?<!\p{L})[0-9a-f]{7,}(?!\p{L})|www/iu;

/**
 * A text of strangers as a code span, which GitHub shows as it stands: no markup, links, images, HTML, mentions or references to
 * issues inside. No line breaks, and no pipe, which would end the cell of a table even there; both become visible escapes.
 */
export function code(text: string): string {
  const shown = shorten(printable(text).replaceAll("|", "\\u{7c}"));
  if (shown === "") return "(empty)";
  const fence = "`".repeat(longestRun(shown) + 1);
  // A blank next to a backtick belongs to the delimiter and isn't shown; one at both ends would be taken away.
  const pad = /^`|`$|^ .* $/.test(shown) && shown.trim() !== "" ? " " : "";
  return `${fence}${pad}${shown}${pad}${fence}`;
}

/**
 * A sentence of ours with texts of strangers somewhere in it: plain words stay words, and whatever else there is (names, addresses,
 * digests, anything with a sign that could be markup or that GitHub could link) stands as code. Never at the start of a line.
 */
export function prose(text: string): string {
  const words = shorten(text)
    .split(/\s+/)
    .filter((word) => word !== "");
  return words.map((word, i) => proseWord(word, i === 0)).join(" ");
}

function proseWord(word: string, isFirst: boolean): string {
  const [, before = "", core = "", after = ""] = /^([("']*)(.*?)([)"',;:.?]*)$/su.exec(word) ?? [];
  if (core === "") return code(word);
  // `1.` before a text begins a list, also inside an item of a list.
  const isSafe = WORD.test(core) && !LINKED.test(core) && !(isFirst && /^[0-9]+[.)]/.test(core + after));
  return `${before}${isSafe ? core : code(core)}${after}`;
}

/** A text of strangers that leads somewhere; only the text where the address isn't one that is safe to link. */
export function link(text: string, url: string | undefined): string {
  const target = url === undefined ? undefined : safeUrl(url);
  return target === undefined ? code(text) : `[${code(text)}](${target})`;
}

/** The address, if it is of the web and has nothing in it that could end a link or a cell, or mean something to Markdown or HTML. */
export function safeUrl(text: string): string | undefined {
  return /^https?:\/\/[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:\/[A-Za-z0-9._~+,:;=@%/?#-]*)?$/.test(text) ? text : undefined;
}

/** Lines of strangers, shown as they stand; no line among them ends the fence. */
export function fenced(lines: readonly string[]): {
  readonly before: readonly string[];
  readonly lines: readonly string[];
  readonly after: readonly string[];
} {
  const shown = lines.map((line) => shorten(printable(line.replaceAll("\t", "    "))));
  const fence = "`".repeat(Math.max(3, ...shown.map((line) => longestRun(line) + 1)));
  return { before: [`${fence}text`], lines: shown, after: [fence] };
}

function longestRun(text: string): number {
  return (text.match(/`+/g) ?? []).reduce((longest, run) => Math.max(longest, run.length), 0);
}

function shorten(text: string): string {
  if (text.length <= MAX_INLINE) return text;
  const points = [...text];
  return points.length <= MAX_INLINE ? text : `${points.slice(0, MAX_INLINE).join("")}${CUT}`;
}
