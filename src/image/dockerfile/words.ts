import { isSeparator, isSpace } from "./white-space.ts";

/** A part of an instruction's text, and where it begins there. */
export interface Word {
  readonly text: string;
  readonly at: number;
}

/** Cuts the text between `start` and `end` at blanks and tabs. What stands there must not begin or end with one. */
export function splitAtSeparators(text: string, start: number, end: number): readonly Word[] {
  const words: Word[] = [];
  let from = start;
  for (let at = start; at <= end && start < end; at++) {
    if (at < end && !isSeparator(text.charCodeAt(at))) continue;
    if (at > from) words.push({ text: text.slice(from, at), at: from });
    from = at + 1;
  }
  return words;
}

/** Cuts the text at white space outside quotes, which stay, as `ARG`, `ENV` and `LABEL` are cut. An escape at the very end is dropped. */
export function splitQuoted(text: string, start: number, end: number, escapeCharacter: string): readonly Word[] {
  const words: Word[] = [];
  let from = -1;
  let quote = "";
  let at = start;
  for (; at < end; at++) {
    const character = text.charAt(at);
    if (quote === "" && isSpace(text.charCodeAt(at))) {
      if (from >= 0) words.push({ text: text.slice(from, at), at: from });
      from = -1;
      continue;
    }
    if (from < 0) from = at;
    if (character === escapeCharacter && quote !== "'") {
      if (at + 1 === end) {
        if (at > from) words.push({ text: text.slice(from, at), at: from });
        return words;
      }
      at++;
    } else if (quote === "" && (character === "'" || character === '"')) quote = character;
    else if (character === quote) quote = "";
  }
  if (from >= 0) words.push({ text: text.slice(from, end), at: from });
  return words;
}

/**
 * Reads the form `["a", "b"]` of arguments.
 *
 * @returns undefined if it isn't JSON: then it is a text like any other. `mixed` if it is an array that holds more than strings,
 * which BuildKit refuses.
 */
export function readJsonWords(text: string): readonly string[] | "mixed" | undefined {
  if (!text.startsWith("[")) return undefined;
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    // As BuildKit: a shell's test, `[ -f x ]`, begins with a bracket as well.
    return undefined;
  }
  if (!Array.isArray(document)) return undefined;
  const words = document.filter((each): each is string => typeof each === "string");
  return words.length === document.length ? words : "mixed";
}

const STRINGS = /^\[\s*(?:"(?:[^"\\]|\\.)*"\s*(?:,\s*"(?:[^"\\]|\\.)*"\s*)*)?\]/;

/** Whether something stands behind a whole array: to BuildKit of before 2025 it doesn't count, and to a later one all of it is no array. */
export function hasJsonInFront(text: string): boolean {
  const [array] = STRINGS.exec(text) ?? [];
  return array !== undefined && array.length < text.length && Array.isArray(readJsonWords(array));
}
