/** Patterns longer than this are refused. In characters. */
const MAX_PATTERN_LENGTH = 512;

/** Texts longer than this match nothing: no name, ref or workflow that anyone means is as long. In UTF-16 units. */
const MAX_TEXT_LENGTH = 4096;

/** A pattern that cannot be compiled. */
export class GlobError extends Error {
  readonly code = "malformed-pattern";
}

/** A compiled pattern: what it was, and the values of its `{names}` if the whole text matches. */
export interface Glob {
  readonly pattern: string;
  /** The `{names}` in the pattern, in order. */
  readonly captures: readonly string[];
  /** @returns undefined if the text as a whole doesn't match. */
  match(text: string): Readonly<Record<string, string>> | undefined;
}

/** A part of a pattern: literal text, or a run of characters; a named run has one or more. */
type Part = string | { readonly name: string | undefined; readonly crossesSlash: boolean };

/**
 * Compiles a pattern (RULES R7): `*` is any run without `/` and `@`, `**` also crosses `/`, `{name}` captures one or more characters
 * without `/` and `@`, nothing else is special, and the whole text must match. No run crosses a control character: nothing that is
 * named here has one, and a line feed at the end of a ref is a look-alike.
 *
 * Not by a regular expression: a policy comes from strangers as well, and `*a*a*a*a` would keep a backtracking one busy for years.
 * The work is the pattern's length times the text's.
 *
 * @throws {GlobError}
 */
export function compileGlob(pattern: string): Glob {
  if (pattern.length > MAX_PATTERN_LENGTH) throw new GlobError(`pattern longer than ${MAX_PATTERN_LENGTH} characters`);
  return compile(pattern);
}

function compile(pattern: string): Glob {
  const parts = partsOf(pattern);
  const captures = parts.flatMap((part) => (typeof part === "string" || part.name === undefined ? [] : [part.name]));
  for (const name of captures) {
    if (captures.indexOf(name) !== captures.lastIndexOf(name)) throw new GlobError(`"{${name}}" stands twice`);
  }
  return { pattern, captures, match: (text) => matchParts(parts, text) };
}

function partsOf(pattern: string): readonly Part[] {
  const tokens = pattern.match(/\*+|\{[^{}]*\}|[^*{}]+|[{}]/g) ?? [];
  const parts = tokens.map((token): Part => {
    if (token === "*" || token === "**") return { name: undefined, crossesSlash: token === "**" };
    if (token.startsWith("*")) throw new GlobError(`"${token}" in a pattern: use * or **`);
    if (!/^[{}]/.test(token)) return token;
    const [, name] = /^\{([a-z]+)\}$/.exec(token) ?? [];
    if (name === undefined) throw new GlobError(`"${token}" in a pattern: braces hold a name in lower-case letters`);
    return { name, crossesSlash: false };
  });
  // Where one run ends and the next begins would be nobody's decision, and a captured name is somebody's identity.
  if (parts.some((part, i) => typeof part !== "string" && i > 0 && typeof parts[i - 1] !== "string")) {
    throw new GlobError(`two wildcards side by side in "${pattern}"`);
  }
  return parts;
}

function matchParts(parts: readonly Part[], text: string): Readonly<Record<string, string>> | undefined {
  if (text.length > MAX_TEXT_LENGTH) return undefined;
  const fits = tailsThatFit(parts, text);
  if (fits[0]?.[0] !== 1) return undefined;
  const values: [string, string][] = [];
  let at = 0;
  parts.forEach((part, i) => {
    let end = at;
    if (typeof part === "string") end += part.length;
    else {
      // The longest run with which the rest still fits.
      for (let next = at; next <= text.length; next++) {
        if (fits[i + 1]?.[next] === 1) end = next;
        if (!isInRun(part, text, next)) break;
      }
      if (part.name !== undefined) values.push([part.name, text.slice(at, end)]);
    }
    at = end;
  });
  return Object.fromEntries(values);
}

/** For each part and each place in the text: whether the parts from there on match the text from there on, as 1 or 0. */
function tailsThatFit(parts: readonly Part[], text: string): readonly Uint8Array[] {
  const end = new Uint8Array(text.length + 1);
  end[text.length] = 1;
  const fits = [end];
  let after = end;
  for (const part of parts.toReversed()) {
    const here = new Uint8Array(text.length + 1);
    for (let at = text.length; at >= 0; at--) {
      if (typeof part === "string") here[at] = text.startsWith(part, at) ? (after[at + part.length] ?? 0) : 0;
      else {
        const longer = isInRun(part, text, at) ? (here[at + 1] ?? 0) | (after[at + 1] ?? 0) : 0;
        here[at] = part.name === undefined ? longer | (after[at] ?? 0) : longer;
      }
    }
    fits.unshift(here);
    after = here;
  }
  return fits;
}

function isInRun({ crossesSlash }: Exclude<Part, string>, text: string, at: number): boolean {
  const character = text.charAt(at);
  return character > "\x1f" && character !== "\x7f" && character !== "@" && (crossesSlash || character !== "/");
}

/** The pattern with the captured values put in, each taken literally. */
export function substitute(pattern: string, values: Readonly<Record<string, string>>): Glob {
  let remaining = pattern;
  for (const [name, value] of Object.entries(values)) {
    if (/[*{}]/.test(value)) throw new GlobError(`a captured name holds a pattern character: ${value}`);
    remaining = remaining.replaceAll(`{${name}}`, () => value);
  }
  // Without the limit: the pattern kept it, and what was captured is a name.
  return compile(remaining);
}
