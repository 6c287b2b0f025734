import { OLDER_DIRECTIVES, readDirective } from "./directives.ts";
import { type Budget, ExpansionError } from "./expansion.ts";
import { checkFlags, type Flag, readFlags } from "./flags.ts";
import { findHeredocs, type Heredoc } from "./heredoc.ts";
import { DockerfileError, type Lines } from "./reading.ts";
import { type Located, refusal, refusalAt, type Source } from "./source.ts";
import { isSeparator, skipSpace, trimEnd } from "./white-space.ts";
import { hasJsonInFront, readJsonWords, splitAtSeparators, splitQuoted, type Word } from "./words.ts";

/** Most instructions of a file. */
export const MAX_INSTRUCTIONS = 10_000;

/** Longest line, in bytes with its end: what BuildKit's scanner takes. */
export const MAX_LINE_BYTES = 64 * 1024;

/** One instruction, its lines put together. */
export interface Instruction extends Lines {
  readonly source: Source;
  /** In upper case. */
  readonly name: string;
  /** The lines without continuations and comments. */
  readonly located: Located;
  /** Where it begins in the text: not at 0 for what stands behind `ONBUILD`. */
  readonly at: number;
  readonly flags: readonly Flag[];
  /** What stands behind the flags, from where to where in the text. */
  readonly rest: { readonly start: number; readonly end: number };
  /** As the instruction cuts them: at blanks, at blanks outside quotes, or not at all. */
  readonly words: readonly Word[];
  /** The arguments where they are written as JSON. */
  readonly json: readonly string[] | undefined;
  readonly heredocs: readonly (Heredoc & { readonly content: string })[];
  /** What stands behind `ONBUILD`. */
  readonly trigger: Instruction | undefined;
}

/** A file cut into instructions. */
export interface Instructions {
  readonly list: readonly Instruction[];
  /** `\`, or what the directive says. */
  readonly escape: string;
}

const CUTS: Readonly<Record<string, "blanks" | "quotes" | "whole" | "json" | "json-or-blanks" | "trigger">> = {
  ADD: "json-or-blanks",
  ARG: "quotes",
  CMD: "json",
  COPY: "json-or-blanks",
  ENTRYPOINT: "json",
  ENV: "quotes",
  EXPOSE: "blanks",
  FROM: "blanks",
  HEALTHCHECK: "whole",
  LABEL: "quotes",
  MAINTAINER: "whole",
  ONBUILD: "trigger",
  RUN: "json",
  SHELL: "json",
  STOPSIGNAL: "whole",
  USER: "whole",
  VOLUME: "json-or-blanks",
  WORKDIR: "whole",
};
const HEREDOCS = new Set(["ADD", "COPY", "RUN"]);

/**
 * Cuts a Dockerfile into instructions as BuildKit's parser does: directives, byte order mark, continued lines with comments and empty
 * lines between them, heredocs. A line that is taken for text here and for `FROM` there would be an image that nobody judges, so this
 * follows that parser step by step.
 *
 * @throws {DockerfileError}
 */
export function readInstructions(source: Source, budget: Budget): Instructions {
  return new Parser(source, budget, false).run();
}

/**
 * Cuts a Dockerfile into instructions as frontends of before heredocs and `check` did, to which their lines are instructions and a comment.
 *
 * @throws {DockerfileError}
 */
export function readOlderInstructions(source: Source, budget: Budget): Instructions {
  return new Parser(source, budget, true).run();
}

class Parser {
  readonly #source: Source;
  readonly #budget: Budget;
  readonly #isOlder: boolean;
  readonly #directives = new Set<string>();
  #escape = "\\";
  #directivesDone = false;
  #line = 0;

  constructor(source: Source, budget: Budget, isOlder: boolean) {
    this.#source = source;
    this.#budget = budget;
    this.#isOlder = isOlder;
  }

  run(): Instructions {
    this.#refuseLongLines();
    const list: Instruction[] = [];
    const { text } = this.#source;
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const line = this.#line;
      const bom = line === 1 && text.startsWith("\uFEFF") ? 1 : 0;
      const start = skipSpace(text, next.start + bom, next.end);
      this.#readDirective(start, next.end);
      if (text.charAt(start) === "#" || start >= next.end) continue;
      const located = this.#joinLines(start, next.end);
      const instruction = this.#read(located, 0, located.text.length, line);
      list.push({ ...instruction, ...this.#readHeredocs(instruction), line, endLine: this.#line });
      // An older reading is only compared: a limit of ours would hide in it what is there.
      if (list.length > MAX_INSTRUCTIONS && !this.#isOlder) {
        throw refusalAt(this.#source, start, `the file has more than ${MAX_INSTRUCTIONS} instructions`);
      }
    }
    if (list.length === 0) throw new DockerfileError("the file has no instructions", 1, 1);
    return { list, escape: this.#escape };
  }

  /** The next line, without its end. */
  #next(): { readonly start: number; readonly end: number; readonly rawEnd: number } | undefined {
    const { text, lineStarts } = this.#source;
    const start = lineStarts[this.#line];
    if (start === undefined || start >= text.length) return undefined;
    this.#line++;
    const rawEnd = lineStarts[this.#line] ?? text.length;
    let end = rawEnd;
    while (end > start && (text.charAt(end - 1) === "\n" || text.charAt(end - 1) === "\r")) end--;
    return { start, end, rawEnd };
  }

  #refuseLongLines(): void {
    const { text, lineStarts } = this.#source;
    for (const [index, start] of lineStarts.entries()) {
      const end = lineStarts[index + 1] ?? text.length + 1;
      // No UTF-16 unit takes more than three bytes.
      if ((end - start) * 3 <= MAX_LINE_BYTES) continue;
      const bytes = new TextEncoder().encode(text.slice(start, end)).length + (end > text.length ? 1 : 0);
      if (bytes > MAX_LINE_BYTES) throw refusalAt(this.#source, start, `a line is longer than ${MAX_LINE_BYTES} bytes`);
    }
  }

  #readDirective(start: number, end: number): void {
    if (this.#directivesDone) return;
    const names = this.#isOlder ? OLDER_DIRECTIVES : undefined;
    const directive = readDirective(this.#source.text, { start, end }, "#", names);
    if (directive === undefined) {
      this.#directivesDone = true;
      return;
    }
    const { name, value, place, isSure } = directive;
    if (!isSure)
      throw refusalAt(this.#source, start, "what stands behind # is white space to some of BuildKit's versions");
    if (this.#directives.has(name)) throw refusalAt(this.#source, start, `the directive ${name} is there twice`);
    this.#directives.add(name);
    if (name !== "escape") return;
    if (value !== "\\" && value !== "`")
      throw refusalAt(this.#source, place.start, "the escape character is neither \\ nor `");
    this.#escape = value;
  }

  /** A line and those that continue it. */
  #joinLines(start: number, end: number): Located {
    const { text } = this.#source;
    const segments = [{ at: 0, source: start }];
    let cut = this.#continuation(start, end);
    let joined = text.slice(start, cut ?? end);
    while (cut !== undefined) {
      const next = this.#next();
      if (next === undefined) break;
      const first = skipSpace(text, next.start, next.end);
      this.#readDirective(next.start, next.end);
      if (first >= next.end || text.charAt(first) === "#") continue;
      cut = this.#continuation(next.start, next.end);
      segments.push({ at: joined.length, source: next.start });
      joined += text.slice(next.start, cut ?? next.end);
    }
    return { text: joined, segments };
  }

  /** Where the escape stands that continues the line; two of them are one that is escaped, and continue nothing. */
  #continuation(start: number, end: number): number | undefined {
    const { text } = this.#source;
    let at = end;
    while (at > start && (text.charAt(at - 1) === " " || text.charAt(at - 1) === "\t")) at--;
    if (at === start || text.charAt(at - 1) !== this.#escape) return undefined;
    return at - 1 === start || text.charAt(at - 2) !== this.#escape ? at - 1 : undefined;
  }

  #read(located: Located, start: number, end: number, line: number): Instruction {
    const { text } = located;
    const at = skipSpace(text, start, end);
    const last = trimEnd(text, at, end);
    let nameEnd = at;
    while (nameEnd < last && !isSeparator(text.charCodeAt(nameEnd))) nameEnd++;
    const written = text.slice(at, nameEnd);
    // Letters that become others in upper case, such as "ſ", make no instruction.
    const name = /^[a-zA-Z]+$/.test(written) ? written.toUpperCase() : written;
    let argumentsAt = nameEnd;
    while (argumentsAt < last && isSeparator(text.charCodeAt(argumentsAt))) argumentsAt++;
    const [flags, flagsEnd] = readFlags(this.#source, located, argumentsAt, last, this.#escape);
    const rest = { start: skipSpace(text, flagsEnd, last), end: last };
    const whole = { source: this.#source, name, located, at, flags, rest, line, endLine: line, heredocs: [] };
    const cut = Object.hasOwn(CUTS, name) ? CUTS[name] : undefined;
    const word = text.slice(rest.start, rest.end);
    const single = word === "" ? [] : [{ text: word, at: rest.start }];
    const plain = { ...whole, json: undefined, trigger: undefined };
    switch (cut) {
      case undefined:
        throw refusal(this.#source, located, at, `${name.slice(0, 40)} is no instruction`);
      case "whole":
        return { ...plain, words: single };
      case "blanks":
        return { ...plain, words: splitAtSeparators(text, rest.start, rest.end) };
      case "quotes":
        return { ...plain, words: splitQuoted(text, rest.start, rest.end, this.#escape) };
      case "trigger":
        if (word === "" || name !== "ONBUILD") return { ...plain, words: [] };
        return { ...plain, words: single, trigger: this.#readTrigger(located, rest, line) };
      default: {
        const json = readJsonWords(word);
        if (json === "mixed") throw refusal(this.#source, located, rest.start, "an array has more than strings in it");
        if (json !== undefined) return { ...plain, json, words: json.map((each) => ({ text: each, at: rest.start })) };
        if (HEREDOCS.has(name) && (name !== "RUN" || word.includes("<<")) && hasJsonInFront(word))
          throw refusal(
            this.#source,
            located,
            rest.start,
            "what stands behind the array counts to some of BuildKit's versions",
          );
        if (cut === "json") return { ...plain, words: single };
        return { ...plain, words: splitAtSeparators(text, rest.start, rest.end) };
      }
    }
  }

  #readTrigger(located: Located, rest: Instruction["rest"], line: number): Instruction {
    const { text } = located;
    const name = /^[^\t\v\f\r ]*/.exec(text.slice(rest.start, rest.end))?.[0].toUpperCase() ?? "";
    // Before it is read: a chain of them would be as deep as the line is long.
    if (name === "ONBUILD" || name === "MAINTAINER" || name === "FROM") {
      throw refusal(this.#source, located, rest.start, `${name} can't stand behind ONBUILD`);
    }
    return this.#read(located, rest.start, rest.end, line);
  }

  #readHeredocs(instruction: Instruction): Pick<Instruction, "heredocs" | "trigger"> {
    const { name, located, trigger } = instruction;
    const subject = trigger ?? instruction;
    if (this.#isOlder || !HEREDOCS.has(subject.name) || subject.json !== undefined || !located.text.includes("<<")) {
      return { heredocs: [], trigger };
    }
    const heredocs = this.#findHeredocs(instruction).map((heredoc) => {
      const { text } = this.#source;
      const from = this.#source.lineStarts[this.#line] ?? text.length;
      for (let next = this.#next(); next !== undefined; next = this.#next()) {
        let start = next.start;
        while (heredoc.chomps && text.charAt(start) === "\t") start++;
        if (text.slice(start, next.end) === heredoc.terminator)
          return { ...heredoc, content: text.slice(from, next.start) };
      }
      throw refusal(this.#source, located, instruction.at, "a heredoc has no end");
    });
    if (trigger === undefined) return { heredocs, trigger };
    return { heredocs, trigger: name === "ONBUILD" ? { ...trigger, heredocs } : trigger };
  }

  #findHeredocs({ located, at }: Instruction): readonly Heredoc[] {
    try {
      return findHeredocs(located.text, this.#budget);
    } catch (error) {
      if (error instanceof ExpansionError) throw refusal(this.#source, located, at, error.message, { cause: error });
      throw error;
    }
  }
}

/** Refuses what BuildKit refuses before it looks at stages: flags, and numbers of arguments. */
export function checkInstruction(instruction: Instruction): void {
  const { source, located, name, flags, words, json, at } = instruction;
  checkFlags(source, located, name, flags);
  const count = words.length;
  const refuse = (message: string) => refusal(source, located, at, `${name} ${message}`);
  switch (name) {
    case "ADD":
    case "COPY":
      if (count < 2) throw refuse("needs a source and a destination");
      break;
    case "ENV":
    case "LABEL":
      readPairs(instruction);
      break;
    case "ARG":
      if (count === 0 || words.some(({ text }) => text.startsWith("="))) throw refuse("needs a name");
      break;
    case "SHELL":
      if (json === undefined || json.length === 0) throw refuse("needs an array");
      break;
    case "EXPOSE":
    case "HEALTHCHECK":
    case "MAINTAINER":
    case "ONBUILD":
    case "STOPSIGNAL":
    case "USER":
    case "VOLUME":
    case "WORKDIR":
      if (count === 0) throw refuse("needs an argument");
      break;
  }
}

/** The names and values of `ENV` or `LABEL`, in the form `name=value …` or the old one, `name value`. */
export function readPairs({
  source,
  located,
  name,
  words,
  rest,
  at,
}: Instruction): readonly (readonly [string, string])[] {
  const [first] = words;
  const refuse = (message: string) => refusal(source, located, at, `${name} ${message}`);
  if (first === undefined) throw refuse("needs a name and a value");
  if (!first.text.includes("=")) {
    const text = located.text.slice(rest.start, rest.end);
    const [, key = "", value] = /^([^\t\v\f\r ]*)[\t\v\f\r ]+([\s\S]*)$/.exec(text) ?? [];
    if (value === undefined) throw refuse("has no value");
    return [[key, value]];
  }
  return words.map(({ text }) => {
    const equals = text.indexOf("=");
    if (equals <= 0) throw refuse(equals < 0 ? "has a word without =" : "has a value without a name");
    return [text.slice(0, equals), text.slice(equals + 1)] as const;
  });
}
