/** A pattern that may stand in no file of the project, and why. */
interface Forbidden {
  readonly pattern: RegExp;
  readonly why: string;
  /** Which files it is about; all where it is left out. */
  readonly files?: RegExp;
}

const CODE = /\.ts$/;

/** The patterns are spelled so that none of them matches this file. */
const FORBIDDEN: readonly Forbidden[] = [
  { pattern: /(?<![\w.*-])\/(?:work|root|home\/\w+|Users\/\w+)\//, why: "a path of one machine" },
  {
    pattern: /\b(?:registry\.npm|registry\.yarn|npm\.pkg|deb\.debian|ftp\.debian)[.\w-]/,
    why: "the host of a package registry",
  },
  {
    pattern: /"resolved":\s*"https?:/,
    why: "the host of a package registry in the lock file",
    files: /package-lock\.json$/,
  },
  {
    pattern: /\b(?:test|it|describe|suite)\s*\.\s*(?:only|skip|todo)\b/,
    why: "a test that is left out or runs alone",
    files: CODE,
  },
  { pattern: /\b(?:only|skip|todo):\s*true\b/, why: "a test that is left out or runs alone", files: CODE },
  { pattern: /@ts-(?:ignore|nocheck)/, why: "a type error that is hidden", files: CODE },
  { pattern: /biome[-]ignore/, why: "a lint finding that is hidden", files: CODE },
  { pattern: /\bas\s+any\b/, why: "a cast to any: parse it", files: CODE },
  { pattern: /\b(?:TO[D]O|FIX[M]E)\b/, why: "a note to oneself: open an issue", files: CODE },
  { pattern: /^(?:<{7}|>{7}) /m, why: "the mark of a merge conflict" },
];

/** Files whose bytes are others' own, or which can't be read as text. */
const OTHERS = /^(?:LICENSE|src\/sigstore\/roots\/.*\.json)$/;

/** What the file says that no file of the project may say: `line: why`, one for each. */
export function forbiddenIn(path: string, text: string): readonly string[] {
  if (OTHERS.test(path) || text.includes("\u0000")) return [];
  return FORBIDDEN.flatMap(({ pattern, why, files }) => {
    const match = files === undefined || files.test(path) ? pattern.exec(text) : null;
    return match === null ? [] : [`${text.slice(0, match.index).split("\n").length}: ${why}: ${match[0].trim()}`];
  });
}
