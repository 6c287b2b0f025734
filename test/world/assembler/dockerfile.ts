import { AssemblyFailed } from "./failure.ts";

/** One line that the assembler can follow. Variables are still in it. */
export type Instruction = { readonly line: number } & (
  | {
      readonly kind: "copy";
      /** Whether archives are taken apart. */
      readonly add: boolean;
      /** A stage or an image; the context if undefined. */
      readonly from: string | undefined;
      readonly sources: readonly [string, ...string[]];
      readonly to: string;
    }
  | {
      readonly kind: "run";
      /** As the shell would get it. */
      readonly command: string;
      readonly text: string;
      readonly append: boolean;
      readonly path: string;
    }
  | { readonly kind: "cmd"; readonly args: readonly string[] }
  | { readonly kind: "arg"; readonly name: string; readonly value: string | undefined }
);

/** A FROM and what stands below it. */
export interface Stage {
  readonly line: number;
  /** An image, an earlier stage, or `scratch`. */
  readonly from: string;
  readonly name: string | undefined;
  readonly instructions: readonly Instruction[];
}

/** A Dockerfile of the few kinds of lines that can be followed without running anything. */
export interface Dockerfile {
  readonly text: string;
  /** ARGs above the first FROM: for the names of images alone. */
  readonly globals: readonly (Instruction & { readonly kind: "arg" })[];
  readonly stages: readonly Stage[];
}

/** Words that the shell changes nothing about, in quotes or not; the blank before > keeps a digit from being taken for a file descriptor. */
const ECHO =
  /^echo +((?:"[^"$`\\]*"|'[^'\\]*'|[\w./:@%+,=][\w./:@%+,=-]*)(?: +(?:"[^"$`\\]*"|'[^'\\]*'|[\w./:@%+,=-]+))*) +(>>?) *(\/[\w./-]+)$/;

/**
 * Reads a Dockerfile.
 *
 * @throws {AssemblyFailed} naming the first line that isn't known, in a stage that isn't built too.
 */
export function parseDockerfile(text: string): Dockerfile {
  const globals: (Instruction & { kind: "arg" })[] = [];
  const stages: (Stage & { instructions: Instruction[] })[] = [];
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = index + 1;
    const trimmed = raw.trim();
    if (stages.length === 0 && /^#\s*\w+\s*=/.test(trimmed)) throw unknownLine(line, trimmed, "it is a directive");
    if (trimmed === "" || trimmed.startsWith("#")) continue;
    if (trimmed.endsWith("\\")) throw unknownLine(line, trimmed, "it goes on in the next line");
    const [, keyword = "", rest = ""] = /^(\S+)\s*(.*)$/.exec(trimmed) ?? [];
    if (keyword.toUpperCase() === "FROM") {
      stages.push(stageOf(line, trimmed, rest));
      continue;
    }
    const instruction = instructionOf(line, trimmed, keyword.toUpperCase(), rest);
    const stage = stages.at(-1);
    if (stage !== undefined) stage.instructions.push(instruction);
    else if (instruction.kind === "arg") globals.push(instruction);
    else throw unknownLine(line, trimmed, "it stands above the first FROM");
  }
  if (stages.length === 0) throw new AssemblyFailed("the Dockerfile has no FROM");
  return { text, globals, stages };
}

/** @throws {AssemblyFailed} for a variable that isn't declared, and for everything but `$NAME` and `${NAME}`. */
export function substitute(line: number, text: string, variables: ReadonlyMap<string, string | undefined>): string {
  return text.replace(/\$(?:(\w+)|\{(\w+)\}|)/g, (whole, plain?: string, braced?: string) => {
    const value = variables.get(plain ?? braced ?? "");
    if (value === undefined) throw unknownLine(line, text, `${whole} has no value here`);
    return value;
  });
}

/** The error for a line that can't be followed. */
export function unknownLine(line: number, text: string, why: string): AssemblyFailed {
  return new AssemblyFailed(`Dockerfile:${line}: the assembler can't follow "${text}": ${why}`);
}

function stageOf(line: number, whole: string, rest: string): Stage & { instructions: Instruction[] } {
  const [from = "", as, name, ...more] = rest.split(/\s+/);
  const isNamed = as?.toUpperCase() === "AS" && name !== undefined && more.length === 0;
  if (from === "" || from.startsWith("--") || (as !== undefined && !isNamed)) {
    throw unknownLine(line, whole, "it must be FROM IMAGE [AS NAME]");
  }
  return { line, from, name: name?.toLowerCase(), instructions: [] };
}

function instructionOf(line: number, whole: string, keyword: string, rest: string): Instruction {
  switch (keyword) {
    case "COPY":
    case "ADD":
      return copyOf(line, whole, keyword === "ADD", rest);
    case "RUN": {
      const [, words, operator, path] = ECHO.exec(rest) ?? [];
      if (words === undefined || path === undefined) throw unknownLine(line, whole, "it must be RUN echo TEXT > /FILE");
      const text = (words.match(/"[^"]*"|'[^']*'|[^ ]+/g) ?? []).map((word) => word.replace(/^["']|["']$/g, ""));
      if (text[0]?.startsWith("-")) throw unknownLine(line, whole, `${text[0]} is an option of echo`);
      return { kind: "run", line, command: rest, text: `${text.join(" ")}\n`, append: operator === ">>", path };
    }
    case "CMD":
      return { kind: "cmd", line, args: listOf(line, whole, rest) };
    case "ARG": {
      const [, name, value] = /^([A-Za-z_]\w*)(?:=([\w./:@-]*))?$/.exec(rest) ?? [];
      if (name === undefined) throw unknownLine(line, whole, "it must be ARG NAME[=VALUE]");
      return { kind: "arg", line, name, value };
    }
    default:
      throw unknownLine(line, whole, `it knows no ${keyword}`);
  }
}

function copyOf(line: number, whole: string, add: boolean, rest: string): Instruction {
  const words = rest.split(/\s+/);
  const flags = words.filter((word) => word.startsWith("--"));
  const [from, ...others] = flags.map((flag) => /^--from=(.+)$/.exec(flag)?.[1]);
  const [first, ...paths] = words.slice(flags.length);
  const to = paths.pop();
  const isKnown = (flags.length === 0 || (from !== undefined && !add)) && others.length === 0;
  if (
    !isKnown ||
    first === undefined ||
    to === undefined ||
    /["'\\*?[\]<]|:\/\//.test(words.slice(flags.length).join(" "))
  ) {
    throw unknownLine(
      line,
      whole,
      "it must be COPY [--from=STAGE] PATH… PATH or ADD PATH… PATH, without patterns and quotes",
    );
  }
  return { kind: "copy", line, add, from, sources: [first, ...paths], to };
}

function listOf(line: number, whole: string, rest: string): readonly string[] {
  try {
    const list: unknown = JSON.parse(rest);
    if (Array.isArray(list) && list.every((word): word is string => typeof word === "string")) return list;
  } catch {
    // Not the form that needs no shell.
  }
  throw unknownLine(line, whole, 'it must be CMD ["PROGRAM", …]');
}
