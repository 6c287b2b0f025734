// What nobody sees, blanks other than the usual one among it, but for the selector that makes a pictograph colourful. U+2800 is Braille
// without a dot; what is no character (U+FFFE) would end an SVG that has it.
const UNSEEN =
  /(?!(?<=\p{Extended_Pictographic})\ufe0f)(?! )[\p{Cc}\p{Cf}\p{Zs}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800]/gu;

/**
 * Text of strangers, safe for a terminal: control characters (they could move the cursor and paint a verdict of their own),
 * bidirectional overrides (they could show a name backwards) and what can't be seen (it would make two names look like one) become
 * visible escapes.
 */
export function printable(text: string): string {
  return text.replace(UNSEEN, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** A document as a JSON text that is safe on a terminal: JSON itself leaves C1 control characters and bidirectional overrides as they are. */
export function printableJson(document: unknown): string {
  return `${safeJson(JSON.stringify(document, null, 2))}\n`;
}

/** The same on one line. */
export function printableJsonLine(document: unknown): string {
  return `${safeJson(JSON.stringify(document))}\n`;
}

function safeJson(text: string): string {
  return text.replace(/[^\n\P{Cc}]|[\p{Cf}\p{Zl}\p{Zp}]/gu, escaped);
}

function escaped(character: string): string {
  return [...Array(character.length).keys()]
    .map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`)
    .join("");
}
