import { z } from "zod";
import { describeFault, type PolicyFault } from "../trust/policy-fault.ts";
import type { UnseenName, WrittenId } from "../trust/policy-ids.ts";
import type { PolicyWarning } from "../trust/policy-warnings.ts";
import { several } from "./ancestry-words.ts";
import { SHAPES } from "./marks.ts";
import { printable } from "./printable.ts";
import { COLOURS, type TextStyle } from "./text.ts";

/** What was found in one policy file. */
export interface CheckedPolicy {
  /** As the person named it. */
  readonly file: string;
  /** The text, to show the lines of it; undefined if it isn't UTF-8. */
  readonly text: string | undefined;
  /** Of a file that can be used. */
  readonly digest: string | undefined;
  readonly faults: readonly PolicyFault[];
  readonly warnings: readonly PlacedWarning[];
  /** Numbers that were written into it. */
  readonly written: readonly Placed<WrittenId>[];
  /** Names of which GitHub did not tell the numbers. */
  readonly unseen: readonly Placed<UnseenName>[];
}

/** Something with its place in the file. */
export type Placed<T> = T & { readonly line: number; readonly column: number };

/** A warning with its place in the file. */
export type PlacedWarning = Placed<PolicyWarning>;

/** How much of a policy's line is shown beside a fault, in characters. */
const MAX_SHOWN = 120;

/** For people: each fault and warning with its line, then what the file is. */
export function policyCheckText(
  { file, text, digest, faults, warnings, written, unseen }: CheckedPolicy,
  { colour }: TextStyle,
): string {
  const paint = (words: string, code: keyof typeof COLOURS) =>
    colour ? `\u001b[${COLOURS[code]}m${words}\u001b[0m` : words;
  const lines = text?.split("\n") ?? [];
  const told = [
    ...faults.map((each) => ({ ...each, word: paint("fault", "bad") })),
    ...warnings.map((each) => ({ ...each, word: paint("warning", "unknown") })),
    ...unseen.map((each) => ({ ...each, word: paint("not looked at", "unknown") })),
    ...written.map(({ value, name: whose, ...each }) => ({
      ...each,
      message: `${value}, GitHub's number of ${whose}`,
      word: paint("written", "good"),
    })),
  ].sort((a, b) => a.line - b.line || a.column - b.column);
  const name = printable(file);
  return [
    ...told.flatMap((each) => [
      `${paint(`${name}:${each.line}:${each.column}`, "bold")}: ${each.word}: ${printable(describeFault(each))}`,
      ...shownLine(lines[each.line - 1], each.column).map((line) => paint(line, "faint")),
    ]),
    faults.length === 0
      ? `${paint(`${SHAPES.good} ${name} can be used`, "good")}${warnings.length === 0 ? "" : `, with ${several(warnings.length, "warning")}`}: ${digest}`
      : `${paint(`${SHAPES.bad} ${name} can't be used: ${several(faults.length, "fault")}`, "bad")}; docs/policy.md says what each key takes, and \`trusted-builds policy schema\` tells it to your editor`,
    "",
  ].join("\n");
}

/** The line, or the part of a long one around the column, and below it a mark at the column. */
function shownLine(line: string | undefined, column: number): readonly string[] {
  const text = line?.trimEnd().replaceAll("\t", " ") ?? "";
  const start = text.length > MAX_SHOWN ? Math.max(0, column - 1 - MAX_SHOWN / 2) : 0;
  const shown = text.slice(start, start + MAX_SHOWN);
  // Escapes would move what stands behind them.
  if (shown.trim() === "" || printable(shown) !== shown) return [];
  const before = start === 0 ? "" : "…";
  const after = start + MAX_SHOWN < text.length ? "…" : "";
  return [`    ${before}${shown}${after}`, `    ${" ".repeat(before.length + column - 1 - start)}^`];
}

const place = { line: z.int(), column: z.int(), path: z.string(), message: z.string() };

/** The form of `policy check --output json`. Fields may be added within a version; none changes its meaning. */
export const policyCheckSchema = z.strictObject({
  version: z.literal(1),
  files: z.array(
    z.strictObject({
      file: z.string(),
      digest: z.string().nullable().meta({ description: "of a file that can be used" }),
      faults: z.array(z.strictObject({ ...place, found: z.string().nullable(), accepted: z.array(z.string()) })),
      warnings: z.array(z.strictObject({ ...place, code: z.string() })),
      written: z
        .array(z.strictObject({ line: z.int(), column: z.int(), path: z.string(), value: z.int(), name: z.string() }))
        .meta({ description: "numbers that --fix wrote into the file, and whose they are" }),
      unseen: z
        .array(z.strictObject({ ...place, code: z.string() }))
        .meta({ description: "names of which GitHub did not tell --fix the numbers" }),
    }),
  ),
});

/** For programs. */
export function policyCheckDocument(checked: readonly CheckedPolicy[]): z.output<typeof policyCheckSchema> {
  return {
    version: 1,
    files: checked.map(({ file, digest, faults, warnings, written, unseen }) => ({
      file,
      digest: digest ?? null,
      faults: faults.map(({ found, accepted, line, column, path, message }) => ({
        ...{ line, column, path, message },
        found: found ?? null,
        accepted: [...(accepted ?? [])],
      })),
      warnings: warnings.map(({ code, line, column, path, message }) => ({ code, line, column, path, message })),
      written: written.map(({ line, column, path, value, name }) => ({ line, column, path, value, name })),
      unseen: unseen.map(({ code, line, column, path, message }) => ({ code, line, column, path, message })),
    })),
  };
}
