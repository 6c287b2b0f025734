import type { Place, Source } from "./source.ts";
import { skipSpace } from "./white-space.ts";

/** A parser directive: `# escape=…`, and `// syntax=…` where only the syntax is looked for. */
export interface Directive {
  readonly name: string;
  readonly value: string;
  /** Of the value. */
  readonly place: Place;
  /** Whether all of BuildKit's versions take it for one: some skip any white space behind the `#`, some only that of ASCII. */
  readonly isSure: boolean;
}

const KNOWN = new Set(["syntax", "escape", "check"]);

/** To frontends before 1.9 a line that says `check` is a comment, so that what follows is none of the directives. */
export const OLDER_DIRECTIVES: ReadonlySet<string> = new Set(["syntax", "escape"]);
const NAME = /^([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=[\t\n\f\r ]*/;

/** What a file says of who is to read it, as {@link detectSyntax} finds it. */
export interface Syntax {
  /** The frontend's image. */
  readonly reference: string;
  /** Where it stands; undefined in JSON. */
  readonly place: Place | undefined;
  /** Whether the file is written in the language of Dockerfiles as far as this goes: `#`, neither `//` nor JSON. */
  readonly isDockerfile: boolean;
}

/**
 * Reads one line as a parser directive. They end with the first line that is none, so that a later one is a comment.
 *
 * @param prefix - `#`, or `//`.
 * @returns undefined if the line is no directive that BuildKit knows.
 */
export function readDirective(
  text: string,
  { start, end }: Place,
  prefix: string,
  names: ReadonlySet<string> = KNOWN,
): Directive | undefined {
  if (!text.startsWith(prefix, start)) return undefined;
  const from = skipSpace(text, start + prefix.length, end);
  const match = NAME.exec(text.slice(from, end));
  const name = match?.[1]?.toLowerCase();
  if (match === null || name === undefined || !names.has(name)) return undefined;
  const valueStart = from + match[0].length;
  let valueEnd = end;
  while (valueEnd > valueStart && /[\t\n\f\r ]/.test(text.charAt(valueEnd - 1))) valueEnd--;
  if (valueEnd === valueStart) return undefined;
  const isSure = /^[\t\n\f\r ]*$/.test(text.slice(start + prefix.length, from));
  return { name, value: text.slice(valueStart, valueEnd), place: { start: valueStart, end: valueEnd }, isSure };
}

/**
 * Finds the frontend that a file asks for, as BuildKit does (`DetectSyntax`): it looks without the leniency that it has for the other
 * directives, so that an indented `# syntax=` is none, and it looks in files of other languages too.
 */
export function detectSyntax({ text, lineStarts }: Source): Syntax | undefined {
  const start = text.startsWith("\uFEFF") ? 1 : 0;
  const first = text.startsWith("#!", start) ? 1 : 0;
  const lines = lineStarts.slice(first).map((line, index): Place => {
    const next = lineStarts[first + index + 1] ?? text.length + 1;
    const end = text.charAt(next - 2) === "\r" ? next - 2 : next - 1;
    return { start: Math.max(line, start), end: Math.max(end, line, start) };
  });
  for (const prefix of ["#", "//"]) {
    const found = findSyntax(text, lines, prefix);
    if (found === undefined) continue;
    const [reference = ""] = found.value.split(" ", 1);
    const place = { start: found.place.start, end: found.place.start + reference.length };
    return { reference, place, isDockerfile: prefix === "#" };
  }
  const reference = syntaxOfJson(text.slice(first === 0 ? start : (lineStarts[1] ?? text.length)));
  return reference === undefined ? undefined : { reference, place: undefined, isDockerfile: false };
}

function findSyntax(text: string, lines: readonly Place[], prefix: string): Directive | undefined {
  const seen = new Set<string>();
  for (const line of lines) {
    const directive = readDirective(text, line, prefix);
    if (directive === undefined || seen.has(directive.name)) return undefined;
    if (directive.name === "syntax") return directive;
    seen.add(directive.name);
  }
  return undefined;
}

function syntaxOfJson(text: string): string | undefined {
  if (!/^[\t\n\r ]*\{/.test(text)) return undefined;
  try {
    const document: unknown = JSON.parse(text);
    if (typeof document !== "object" || document === null) return undefined;
    const value: unknown = Object.getOwnPropertyDescriptor(document, "syntax")?.value;
    return typeof value === "string" ? value : undefined;
  } catch {
    // No JSON, so no frontend is named in it: the file is read as a Dockerfile, and refused as one.
    return undefined;
  }
}
