import { matchEnd, parseShellPattern, reversed, type ShellPattern, ShellPatternError } from "./shell-pattern.ts";
import { isSpace } from "./white-space.ts";

/** Longest result of an expansion, in UTF-16 units: that of a file, since a heredoc is expanded as one word. */
export const MAX_EXPANDED_LENGTH = 1024 * 1024;

/** Deepest nesting of `${a:-${b:-…}}`. */
export const MAX_EXPANSION_DEPTH = 64;

/**
 * What all expansions of one file may cost together, in characters looked at: `ARG B=$A$A`, `ARG C=$B$B`, … doubles with each line, and
 * `${A//*x/y}` looks at every beginning of a match.
 */
export const MAX_EXPANSION_STEPS = 4 * 1024 * 1024;

/** What is left of {@link MAX_EXPANSION_STEPS}. */
export interface Budget {
  steps: number;
}

/** How a word is read. */
export interface ExpansionRules {
  /** The escape character: `\`, or what the directive says. */
  readonly escape: string;
  readonly keepsQuotes?: boolean;
  readonly keepsEscapes?: boolean;
  /** Leaves `$name` standing where it is not set. */
  readonly keepsUnset?: boolean;
  /** Takes quotes for characters like any other. */
  readonly ignoresQuotes?: boolean;
  /** Says {@link Expansion.words} too. */
  readonly splits?: boolean;
}

/** What became of a word. */
export interface Expansion {
  readonly value: string;
  /** The value cut at unquoted white space; empty unless it was asked for. */
  readonly words: readonly string[];
  /** The variables that were looked up and found. */
  readonly used: ReadonlySet<string>;
  /** Those that were not set. */
  readonly unset: ReadonlySet<string>;
}

/** The word can't be expanded. */
export class ExpansionError extends Error {
  /** `required`: `${name?…}` is not set. `too-large`: a limit of ours. */
  readonly code: "malformed" | "required" | "too-large";
  constructor(code: ExpansionError["code"], message: string) {
    super(message);
    this.name = "ExpansionError";
    this.code = code;
  }
}

const SPECIAL = /[$'"\\`\uFEFF]/;
const NOTHING: ReadonlySet<string> = new Set();
const LETTER = /^\p{L}$/u;
const DIGIT = /^\p{Nd}$/u;
const PARAMETERS = new Set(["@", "*", "#", "?", "-", "$", "!", "0"]);

/**
 * Takes quotes and escapes out of a word and puts variables in, as BuildKit's shell lexer does with the words of instructions. It is
 * a lookalike of a shell and no shell: `${a#p}` knows no brackets, and an unset variable is empty.
 *
 * @param variables - By name, case and all: on a builder that runs Windows BuildKit would not look at the case.
 * @throws {ExpansionError}
 */
export function expand(
  word: string,
  variables: ReadonlyMap<string, string>,
  rules: ExpansionRules,
  budget: Budget,
): Expansion {
  if (rules.splits !== true && !SPECIAL.test(word)) return { value: word, words: [], used: NOTHING, unset: NOTHING };
  return new Lexer(word, variables, rules, budget).run();
}

/** Words under construction, as white space and quotes come by. */
class Words {
  readonly list: string[] = [];
  word = "";

  add(text: string): void {
    for (const character of text) {
      if (!isSpace(character.codePointAt(0) ?? 0)) this.word += character;
      else this.end();
    }
  }

  end(): void {
    if (this.word !== "") this.list.push(this.word);
    this.word = "";
  }
}

class Lexer {
  readonly #text: string;
  readonly #variables: ReadonlyMap<string, string>;
  readonly #rules: ExpansionRules;
  readonly #budget: Budget;
  readonly #used = new Set<string>();
  readonly #unset = new Set<string>();
  #at: number;
  #depth = 0;
  #keepsEscapes: boolean;

  constructor(text: string, variables: ReadonlyMap<string, string>, rules: ExpansionRules, budget: Budget) {
    this.#text = text;
    this.#variables = variables;
    this.#rules = rules;
    this.#budget = budget;
    // Go's scanner drops a byte order mark at the beginning of whatever it reads.
    this.#at = text.startsWith("\uFEFF") ? 1 : 0;
    this.#keepsEscapes = rules.keepsEscapes === true;
  }

  run(): Expansion {
    const { value, words } = this.#until(undefined, this.#keepsEscapes);
    return { value, words, used: this.#used, unset: this.#unset };
  }

  #peek(): string | undefined {
    const code = this.#text.codePointAt(this.#at);
    return code === undefined ? undefined : String.fromCodePoint(code);
  }

  #next(): string | undefined {
    const character = this.#peek();
    if (character !== undefined) this.#at += character.length;
    this.#spend(1);
    return character;
  }

  #spend(steps: number): void {
    this.#budget.steps -= steps;
    if (this.#budget.steps < 0)
      throw new ExpansionError("too-large", "the variables of the file are too much to expand");
  }

  /** Reads on to the end, or to an unquoted `stop`. */
  #until(
    stop: string | undefined,
    keepsEscapes: boolean,
  ): { readonly value: string; readonly words: readonly string[] } {
    if (++this.#depth > MAX_EXPANSION_DEPTH) {
      throw new ExpansionError("too-large", `expressions are nested more than ${MAX_EXPANSION_DEPTH} deep`);
    }
    const before = this.#keepsEscapes;
    this.#keepsEscapes = keepsEscapes;
    const words = new Words();
    const splits = this.#rules.splits === true;
    let value = "";
    let ended = stop === undefined;
    for (let character = this.#peek(); character !== undefined; character = this.#peek()) {
      if (character === stop) {
        this.#next();
        ended = true;
        break;
      }
      const [text, isRaw] = this.#piece(character);
      value += text;
      if (value.length > MAX_EXPANDED_LENGTH) {
        throw new ExpansionError("too-large", `a value is longer than ${MAX_EXPANDED_LENGTH} characters`);
      }
      if (!splits) continue;
      if (isRaw) words.word += text;
      else words.add(text);
    }
    words.end();
    this.#depth--;
    this.#keepsEscapes = before;
    if (!ended) throw new ExpansionError("malformed", `the end comes before a matching ${stop}`);
    return { value, words: words.list };
  }

  /** @returns the text, and whether white space in it ends no word. */
  #piece(character: string): [text: string, isRaw: boolean] {
    if (character === "$") return [this.#dollar(), false];
    if (this.#rules.ignoresQuotes !== true) {
      if (character === "'") return [this.#singleQuoted(), true];
      if (character === '"') return [this.#doubleQuoted(), true];
    }
    this.#next();
    if (character === "<" && this.#rules.splits === true) return [this.#redirection(), true];
    if (character !== this.#rules.escape) return [character, false];
    return [(this.#keepsEscapes ? character : "") + (this.#next() ?? ""), true];
  }

  /** `<<  EOF` is one word. */
  #redirection(): string {
    if (this.#peek() !== "<") return "<";
    this.#next();
    let text = "<<";
    for (let next = this.#peek(); next !== undefined && isSpace(next.codePointAt(0) ?? 0); next = this.#peek()) {
      text += this.#next();
    }
    return text;
  }

  #singleQuoted(): string {
    const end = this.#text.indexOf("'", this.#at + 1);
    if (end < 0) throw new ExpansionError("malformed", "a single quote has no end");
    const inside = this.#text.slice(this.#at + 1, end);
    this.#at = end + 1;
    this.#spend(inside.length + 2);
    return this.#rules.keepsQuotes === true ? `'${inside}'` : inside;
  }

  #doubleQuoted(): string {
    const quote = this.#rules.keepsQuotes === true ? '"' : "";
    this.#next();
    let value = quote;
    for (;;) {
      const character = this.#peek();
      if (character === undefined) throw new ExpansionError("malformed", "a double quote has no end");
      if (character === "$") {
        value += this.#dollar();
        if (value.length > MAX_EXPANDED_LENGTH) {
          throw new ExpansionError("too-large", `a value is longer than ${MAX_EXPANDED_LENGTH} characters`);
        }
        continue;
      }
      this.#next();
      if (character === '"') return value + quote;
      if (character !== this.#rules.escape) {
        value += character;
        continue;
      }
      if (this.#keepsEscapes) value += character;
      const next = this.#peek();
      if (next === undefined) continue;
      // Before anything else the escape is a character like any other.
      value += next === '"' || next === "$" || next === this.#rules.escape ? this.#next() : character;
    }
  }

  #dollar(): string {
    this.#next();
    if (this.#peek() !== "{") {
      const name = this.#name();
      if (name === "") return "$";
      return this.#get(name) ?? (this.#rules.keepsUnset === true ? `$${name}` : "");
    }
    this.#next();
    const first = this.#peek();
    if (first === undefined) throw missingBrace();
    if (first === "{" || first === "}" || first === ":") throw new ExpansionError("malformed", "a bad substitution");
    const name = this.#name();
    const operator = this.#next();
    switch (operator) {
      case "}":
        return this.#get(name) ?? (this.#rules.keepsUnset === true ? `\${${name}}` : "");
      case "/":
        return this.#replaced(name);
      case ":":
        return this.#modified(name, this.#next(), true);
      default:
        return this.#modified(name, operator, false);
    }
  }

  /** `${name-word}` and its like. With a colon, empty is as good as unset. */
  #modified(name: string, operator: string | undefined, withColon: boolean): string {
    // BuildKit reads the word before it looks whether it knows the operator.
    const { value: word } = this.#until("}", operator === "#" || operator === "%");
    const value = this.#get(name);
    const isUnset = value === undefined || (withColon && value === "");
    if (value === undefined && this.#rules.keepsUnset === true) {
      return `\${${name}${withColon ? ":" : ""}${operator ?? ""}${word}}`;
    }
    switch (operator) {
      case "-":
        return isUnset ? word : value;
      case "+":
        return isUnset ? "" : word;
      case "?":
        if (!isUnset) return value;
        throw new ExpansionError("required", `${name}: ${word === "" ? "is not allowed to be unset or empty" : word}`);
      case "#":
      case "%":
        return this.#trimmed(value ?? "", word, operator);
      default:
        throw new ExpansionError("malformed", `an unknown operator ${operator ?? ""} in a substitution`);
    }
  }

  #trimmed(value: string, word: string, operator: "#" | "%"): string {
    const longest = word.startsWith(operator);
    const pattern = this.#pattern(longest ? word.slice(1) : word);
    const characters = [...value];
    this.#spend(costOf(pattern, characters));
    if (operator === "#") {
      const end = matchEnd(pattern, characters, 0, longest);
      return end === undefined ? value : characters.slice(end).join("");
    }
    const end = matchEnd(reversed(pattern), characters.toReversed(), 0, longest);
    return end === undefined ? value : characters.slice(0, characters.length - end).join("");
  }

  #replaced(name: string): string {
    const all = this.#peek() === "/";
    if (all) this.#next();
    const { value: pattern } = this.#until("/", true);
    const { value: replacement } = this.#until("}", true);
    const value = this.#get(name);
    if (value === undefined && this.#rules.keepsUnset === true) return `\${${name}/${pattern}/${replacement}}`;
    return this.#replace(value ?? "", this.#pattern(pattern), replacement, all);
  }

  /** As Go's `ReplaceAllString`, down to matches of nothing and to `$1` in the replacement. */
  #replace(value: string, pattern: ShellPattern, replacement: string, all: boolean): string {
    const characters = [...value];
    let result = "";
    let last = 0;
    for (let start = 0; start <= characters.length; ) {
      this.#spend(costOf(pattern, characters));
      const end = matchEnd(pattern, characters, start, true);
      if (end === undefined) {
        start++;
        continue;
      }
      const match = characters.slice(start, end).join("");
      result += characters.slice(last, start).join("");
      if (end > last || start === 0) result += all ? fillIn(replacement, match) : replacement;
      if (result.length > MAX_EXPANDED_LENGTH) {
        throw new ExpansionError("too-large", `a value is longer than ${MAX_EXPANDED_LENGTH} characters`);
      }
      this.#spend(replacement.length);
      last = end;
      if (!all) break;
      start = Math.max(end, start + 1);
    }
    return result + characters.slice(last).join("");
  }

  #pattern(text: string): ShellPattern {
    try {
      return parseShellPattern(text);
    } catch (error) {
      if (error instanceof ShellPatternError) throw new ExpansionError("malformed", error.message);
      throw error;
    }
  }

  #name(): string {
    const first = this.#peek();
    if (first !== undefined && !DIGIT.test(first) && PARAMETERS.has(first)) return this.#next() ?? "";
    const digitsOnly = first !== undefined && DIGIT.test(first);
    let name = "";
    for (let next = first; next !== undefined; next = this.#peek()) {
      if (!DIGIT.test(next) && (digitsOnly || (next !== "_" && !LETTER.test(next)))) break;
      name += this.#next();
    }
    return name;
  }

  #get(name: string): string | undefined {
    const value = this.#variables.get(name);
    (value === undefined ? this.#unset : this.#used).add(name);
    this.#spend(value?.length ?? 0);
    return value;
  }
}

function missingBrace(): ExpansionError {
  return new ExpansionError("malformed", "a ${ has no end");
}

function costOf(pattern: ShellPattern, characters: readonly string[]): number {
  return 1 + (((pattern.length + 1) * (characters.length + 1)) >> 2);
}

/** Go's template: `$0` is the match, any other group is empty, `$$` a dollar. */
function fillIn(template: string, match: string): string {
  return template.replace(/\$(?:\$|([A-Za-z0-9_]+)|\{([A-Za-z0-9_]+)\})/g, (whole, bare, braced) => {
    const name = bare ?? braced;
    if (name === undefined) return whole === "$$" ? "$" : whole;
    return name === "0" ? match : "";
  });
}
