/** A pattern as `${name#pattern}` has it, read: single characters, any one, any number of them. */
export type ShellPattern = readonly ("any" | "star" | { readonly character: string })[];

/** The pattern can't be read. */
export class ShellPatternError extends Error {
  readonly code = "malformed-pattern";
}

/**
 * Reads a pattern as BuildKit does: `*`, `?`, and `\` before one of them or itself; no sets in brackets. Before `}` and `/` the `\` was
 * only there to get them into the expression.
 *
 * @throws {ShellPatternError} if `\` stands before anything else.
 */
export function parseShellPattern(text: string): ShellPattern {
  const atoms: ShellPattern[number][] = [];
  const characters = [...text];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? "";
    if (character === "*") atoms.push("star");
    else if (character === "?") atoms.push("any");
    else if (character !== "\\") atoms.push({ character });
    else {
      const next = characters[at + 1];
      if (next === "}" || next === "/") continue;
      if (next !== "*" && next !== "?" && next !== "\\")
        throw new ShellPatternError("a \\ in the pattern escapes nothing");
      atoms.push({ character: next });
      at++;
    }
  }
  return atoms;
}

/** The pattern for a text that is turned round. */
export function reversed(pattern: ShellPattern): ShellPattern {
  return pattern.toReversed();
}

/**
 * Where a match that begins at `start` ends, the nearest or the farthest such end; undefined if there is none. It takes time
 * in proportion to the text and the pattern multiplied, whatever they are: no backtracking.
 */
export function matchEnd(
  pattern: ShellPattern,
  characters: readonly string[],
  start: number,
  longest: boolean,
): number | undefined {
  let reached = new Uint8Array(characters.length + 1);
  reached[start] = 1;
  for (const atom of pattern) {
    const next = new Uint8Array(characters.length + 1);
    for (let at = start; at <= characters.length; at++) {
      if (reached[at] === 0) continue;
      const character = characters[at];
      if (atom === "star") {
        next[at] = 1;
        // As `.` in Go's expressions, neither wildcard takes a line's end.
        if (character !== undefined && character !== "\n") reached[at + 1] = 1;
      } else if (character !== undefined && (atom === "any" ? character !== "\n" : character === atom.character)) {
        next[at + 1] = 1;
      }
    }
    reached = next;
  }
  const end = longest ? reached.lastIndexOf(1) : reached.indexOf(1);
  return end < 0 ? undefined : end;
}
