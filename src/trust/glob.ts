/** Patterns longer than this are refused: they come from policy files, and each becomes an expression. In characters. */
const MAX_PATTERN_LENGTH = 512;

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

/**
 * Compiles a pattern (RULES R7): `*` is any run without `/` and `@`, `**` also crosses `/`, `{name}` captures one or more characters
 * without `/` and `@`, nothing else is special, and the whole text must match. Never a user's regular expression: an unescaped dot
 * or a missing anchor there has let look-alike identities through in other tools.
 *
 * @throws {GlobError}
 */
export function compileGlob(pattern: string): Glob {
  if (pattern.length > MAX_PATTERN_LENGTH) throw new GlobError(`pattern longer than ${MAX_PATTERN_LENGTH} characters`);
  const captures: string[] = [];
  const source = pattern.replace(/\*{2,}|\*|\{([^{}]*)\}|[\\^$.|?+()[\]{}/]/g, (token, name: string | undefined) => {
    if (token === "**") return "[^@]*";
    if (token === "*") return "[^/@]*";
    if (token.startsWith("**")) throw new GlobError(`"${token}" in a pattern: use * or **`);
    if (name === undefined) return `\\${token}`;
    if (!/^[a-z]+$/.test(name)) throw new GlobError(`"${token}" in a pattern: a name in braces is lower-case letters`);
    if (captures.includes(name)) throw new GlobError(`"${token}" stands twice in one pattern`);
    captures.push(name);
    return `(?<${name}>[^/@]+)`;
  });
  const expression = new RegExp(`^(?:${source})$`, "u");
  return {
    pattern,
    captures,
    match(text) {
      const found = expression.exec(text);
      return found === null ? undefined : { ...found.groups };
    },
  };
}

/** The pattern with the captured values put in, each taken literally. */
export function substitute(pattern: string, values: Readonly<Record<string, string>>): Glob {
  let remaining = pattern;
  for (const [name, value] of Object.entries(values)) {
    if (/[*{}]/.test(value)) throw new GlobError(`a captured name holds a pattern character: ${value}`);
    remaining = remaining.replaceAll(`{${name}}`, value);
  }
  return compileGlob(remaining);
}

/** Whether the pattern has a wildcard. */
export function hasWildcard(pattern: string): boolean {
  return pattern.includes("*");
}
