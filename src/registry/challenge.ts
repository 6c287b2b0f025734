/** Longest header that is looked at, in characters: real ones have about 200. */
const MAX_HEADER_LENGTH = 8192;

/** How a server wants to be asked. */
export interface Challenge {
  /** Lower case. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const TOKEN68 = /[A-Za-z0-9\-._~+/]+=*(?=\s*(?:,|$))/y;
const PARAMETER =
  /([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+\-.^_`|~0-9A-Za-z:/?]+))/y;
const SEPARATOR = /[ \t]*(?:,[ \t]*)*/y;

/**
 * Reads `WWW-Authenticate`, which may hold several challenges, with commas between them and between their parameters.
 *
 * The header decides where credentials go, so nothing is guessed: from the first thing that does not follow the grammar, or that
 * is said twice, nothing counts any more. It never throws.
 *
 * @see RFC 9110 §11.6.1
 */
export function parseChallenges(header: string): readonly Challenge[] {
  if (header.length > MAX_HEADER_LENGTH) return [];
  const challenges: Challenge[] = [];
  let at = 0;
  const take = (expression: RegExp): RegExpExecArray | undefined => {
    expression.lastIndex = at;
    const match = expression.exec(header);
    if (match === null) return undefined;
    at += match[0].length;
    return match;
  };

  take(SEPARATOR);
  while (at < header.length) {
    const scheme = take(TOKEN)?.[0].toLowerCase();
    if (scheme === undefined) return [];
    const parameters = new Map<string, string>();
    const gap = take(/[ \t]+/y);
    if (gap === undefined && at < header.length && header[at] !== ",") return [];
    if (gap !== undefined && take(TOKEN68) === undefined) {
      for (let match = take(PARAMETER); match !== undefined; match = takeNext()) {
        const name = match[1]!.toLowerCase();
        if (parameters.has(name)) return [];
        parameters.set(name, match[2]?.replace(/\\(.)/g, "$1") ?? match[3] ?? "");
      }
    }
    challenges.push({ scheme, parameters });
    const before = at;
    take(SEPARATOR);
    if (at === before && at < header.length) return [];
  }
  return challenges;

  /** The next parameter of the same challenge; the next challenge begins with a word that no `=` follows. */
  function takeNext(): RegExpExecArray | undefined {
    const before = at;
    take(SEPARATOR);
    const match = at > before && header.slice(before, at).includes(",") ? take(PARAMETER) : undefined;
    if (match === undefined) at = before;
    return match;
  }
}
