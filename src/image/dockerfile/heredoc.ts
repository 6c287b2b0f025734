import { type Budget, ExpansionError, type ExpansionRules, expand } from "./expansion.ts";

/** `<<EOF` in an instruction: the lines that follow belong to it. */
export interface Heredoc {
  /** The line that ends it. */
  readonly terminator: string;
  /** `<<-`: tabs before the lines don't count. */
  readonly chomps: boolean;
  /** Whether variables are put in: not if the terminator was quoted. */
  readonly expands: boolean;
}

const HEREDOC = /^[0-9]*<<(-?)[\t\n\f\r ]*([^<]*)$/;
const NOTHING: ReadonlyMap<string, string> = new Map();
// The backslash here whatever the file's escape character is, as in BuildKit.
const RAW: ExpansionRules = { escape: "\\", keepsQuotes: true, keepsEscapes: true, keepsUnset: true, splits: true };
const PLAIN: ExpansionRules = { escape: "\\", keepsUnset: true, splits: true };
const QUOTED: ExpansionRules = { ...PLAIN, keepsQuotes: true };

/**
 * Finds the heredocs that an instruction begins, in order. Where BuildKit's lexer can't make out the words of the line (`it's`), it finds
 * none, and reads the lines below as instructions: so does this.
 *
 * @throws {ExpansionError} if a terminator can't be made out.
 */
export function findHeredocs(line: string, budget: Budget): readonly Heredoc[] {
  let words: readonly string[];
  try {
    words = expand(line, NOTHING, RAW, budget).words;
  } catch (error) {
    if (error instanceof ExpansionError && error.code === "malformed") return [];
    throw error;
  }
  return words.map((word) => readHeredoc(word, budget)).filter((heredoc) => heredoc !== undefined);
}

/** Reads one word as the beginning of a heredoc. @returns undefined if it is none. @throws {ExpansionError} as {@link findHeredocs}. */
export function readHeredoc(word: string, budget: Budget): Heredoc | undefined {
  const [, dash, rest = ""] = HEREDOC.exec(word) ?? [];
  if (rest === "") return undefined;
  const { words } = expand(rest, NOTHING, PLAIN, budget);
  const [terminator] = words;
  if (terminator === undefined || words.length !== 1) return undefined;
  // It may stand for a byte that isn't UTF-8. BuildKit compares bytes, so that another line would end the text there than here.
  if (terminator.includes("\uFFFD")) throw new ExpansionError("malformed", "a heredoc's end isn't UTF-8");
  const [quoted = ""] = expand(rest, NOTHING, QUOTED, budget).words;
  return { terminator, chomps: dash === "-", expands: countQuotes(terminator) === countQuotes(quoted) };
}

function countQuotes(text: string): number {
  return text.length - text.replace(/['"]/g, "").length;
}
