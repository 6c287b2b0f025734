import { several } from "./ancestry-words.ts";
import type { DockerfileDocument } from "./dockerfile-json.ts";
import { SHAPES } from "./marks.ts";
import { printable } from "./printable.ts";
import { COLOURS, type TextStyle } from "./text.ts";
import { type Emphasis, type Paint, plain } from "./tree.ts";

/** How much of a text from the file is shown on its line, in UTF-16 units. */
const MAX_SHOWN = 300;

/** What a row is about, in its cells, and what is said behind them. */
interface Row {
  readonly cells: readonly string[];
  readonly note: string;
  readonly emphasis: Emphasis;
  readonly isReached: boolean;
}

/** What is read in a Dockerfile, for people: a table by line, the images that a tag alone names marked, and what can't be made out with why. */
export function dockerfileText(document: DockerfileDocument, { colour }: TextStyle): string {
  const paint: Paint = colour ? (text, emphasis) => `\u001b[${COLOURS[emphasis]}m${text}\u001b[0m` : plain;
  const { file, target, platforms, images, unresolved, others, stages } = document;
  const built = target === "" ? "" : `, target ${shown(target)}`;
  const head = `${paint(shown(file), "bold")}${built}, for ${platforms.map(printable).join(", ")}`;
  const rows = [
    ...images.map((each): Row => {
      const { line, role, platform, stage, reference, pinned, written, by, reached: isReached } = each;
      const note = pinned ? "" : `${SHAPES.unknown} no digest`;
      const origin = by === "context" || by === "ONBUILD" ? ` (${by === "context" ? `by ${shown(written)}` : by})` : "";
      const cells = [`${line}`, role, printable(platform), stage ?? "-", `${reference}${origin}`];
      return { cells, note, emphasis: "unknown", isReached };
    }),
    ...unresolved.map(({ line, role, stage, written, why, reached: isReached }): Row => {
      const cells = [`${line}`, role, "-", stage ?? "-", written];
      return { cells, note: `${SHAPES.bad} unresolved: ${why}`, emphasis: "bad", isReached };
    }),
    ...others.map(({ line, kind, stage, text, pinned, reached: isReached }): Row => {
      const isFetched = kind === "http" || kind === "git";
      const note = isFetched && !pinned ? `${SHAPES.unknown} no checksum` : "";
      return { cells: [`${line}`, kind, "-", stage ?? "-", text], note, emphasis: "unknown", isReached };
    }),
  ].sort((a, b) => Number(a.cells[0]) - Number(b.cells[0]));
  const left = stages.filter(({ reached }) => !reached).length;
  return [
    head,
    ...(rows.length === 0 ? [paint("no image goes in", "faint")] : table(rows, paint)),
    ...(left === 0 ? [] : [paint(`${several(left, "stage")} not needed for the target`, "faint")]),
    "",
  ].join("\n");
}

function table(rows: readonly Row[], paint: Paint): readonly string[] {
  const header = ["LINE", "USE", "PLATFORM", "STAGE", "WHAT"];
  const all = [header, ...rows.map(({ cells }) => cells.map(shown))];
  // The last one isn't filled up.
  const widths = header.slice(0, -1).map((_, i) => Math.max(...all.map((cells) => cells[i]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => (i === 0 ? cell.padStart(widths[0] ?? 0) : cell.padEnd(widths[i] ?? 0))).join("  ");
  return [
    paint(line(header), "faint"),
    ...rows.map(({ note, emphasis, isReached }, i) => {
      const said = [
        ...(note === "" ? [] : [paint(shown(note), emphasis)]),
        ...(isReached ? [] : [paint("not reached", "faint")]),
      ];
      return [line(all[i + 1] ?? []).trimEnd(), ...said].join("  ");
    }),
  ];
}

function shown(text: string): string {
  const cut = text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN).toWellFormed()}…`;
  return printable(cut);
}
