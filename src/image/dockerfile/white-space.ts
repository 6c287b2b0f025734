/**
 * Whether Go's `unicode.IsSpace` calls it white space, by which BuildKit trims lines and ends words. JavaScript's `\s` and `trim` differ
 * from it in U+0085 and U+FEFF, and a difference there would move the end of a word.
 */
export function isSpace(code: number): boolean {
  if (code < 0x80) return code === 0x20 || (code >= 0x09 && code <= 0x0d);
  return (
    code === 0x85 ||
    code === 0xa0 ||
    code === 0x1680 ||
    (code >= 0x2000 && code <= 0x200a) ||
    code === 0x2028 ||
    code === 0x2029 ||
    code === 0x202f ||
    code === 0x205f ||
    code === 0x3000
  );
}

/** The first index from `start` on, and at most `end`, at which no white space stands. */
export function skipSpace(text: string, start: number, end = text.length): number {
  let at = start;
  while (at < end && isSpace(text.charCodeAt(at))) at++;
  return at;
}

/** The end of `text` between `start` and `end` without the white space behind it. */
export function trimEnd(text: string, start: number, end = text.length): number {
  let at = end;
  while (at > start && isSpace(text.charCodeAt(at - 1))) at--;
  return at;
}

/** What separates arguments, `[\t\v\f\r ]+` in BuildKit: less than {@link isSpace}, so that a no-break space is part of a name. */
export function isSeparator(code: number): boolean {
  return code === 0x20 || code === 0x09 || (code >= 0x0b && code <= 0x0d);
}
