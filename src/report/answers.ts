import type { VerdictDocument } from "./json.ts";
import { markOfOutcome, SHAPES } from "./marks.ts";
import { printable } from "./printable.ts";
import { COLOURS, type TextStyle } from "./text.ts";

/** What became of one image that was asked about, among several. */
export type Answer =
  | { readonly kind: "verdict"; readonly document: VerdictDocument }
  /** There is no verdict: it can't be judged as it was asked for. Never to be taken for one that is trusted. */
  | { readonly kind: "unusable"; readonly image: string; readonly reason: string };

/** Width of the column of verdicts: the longest is UNDETERMINED, with its mark. */
const COLUMN = 14;

/** A line for each of several images, and how many of them are trusted. */
export function answersText(answers: readonly Answer[], { colour }: TextStyle): string {
  const paint = (text: string, code: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const trusted = answers.filter((answer) => answer.kind === "verdict" && answer.document.verdict === "trusted");
  const lines = answers.map((answer) => {
    if (answer.kind === "unusable")
      return `${paint("! NO VERDICT".padEnd(COLUMN), COLOURS.bad)}  ${printable(answer.image)}: ${printable(answer.reason)}`;
    const { verdict, image } = answer.document;
    const mark = markOfOutcome(verdict);
    return `${paint(`${SHAPES[mark]} ${verdict.toUpperCase()}`.padEnd(COLUMN), COLOURS[mark])}  ${printable(image.reference)}`;
  });
  return [
    paint("All that was asked", COLOURS.bold),
    ...lines,
    `${trusted.length} of ${answers.length} trusted`,
    "",
  ].join("\n");
}
