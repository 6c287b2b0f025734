/** Longest piece of somebody else's words that goes into a message, in characters. */
const MAX_QUOTE_LENGTH = 200;

/** Someone else's words, fit for one line of a log: no control or direction characters, and cut where they get long. */
export function quote(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ").trim();
  return line.length > MAX_QUOTE_LENGTH ? `${line.slice(0, MAX_QUOTE_LENGTH)}…` : line;
}
