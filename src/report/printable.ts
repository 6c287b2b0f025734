/**
 * Text of strangers, safe for a terminal: control characters (they could move the cursor and paint a verdict of their own) and
 * bidirectional overrides (they could show a name backwards) become visible escapes.
 */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}
