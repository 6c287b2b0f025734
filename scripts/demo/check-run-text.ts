import { stripVTControlCharacters, type styleText } from "node:util";
import type { CheckRun } from "../../test/world/github/check-runs.ts";

type Paint = (format: Parameters<typeof styleText>[0], text: string) => string;

const MARKS: Readonly<Record<string, readonly [mark: string, colour: "green" | "red" | "yellow"]>> = {
  success: ["✔", "green"],
  failure: ["✖", "red"],
};

/** A check run as GitHub would show it, as far as a terminal can: its Markdown with the marks of formatting taken off. */
export function inTerminal({ name, conclusion, output }: CheckRun, paint: Paint, isWhole: boolean): string {
  const [mark, colour] = MARKS[conclusion ?? ""] ?? ["!", "yellow"];
  const head = `  ${paint(colour, `${mark} ${conclusion}`)}  ${paint("bold", name)}\n  ${output.title}`;
  if (!isWhole) return head;
  const body = [output.summary, output.text].filter((part) => part !== null && part !== "").join("\n\n");
  return [head, ...plain(body, paint).map((line) => `  ${paint("dim", "│")} ${line}`)].join("\n");
}

const LEVELS: Readonly<Record<string, readonly [mark: string, colour: "red" | "yellow" | "cyan"]>> = {
  failure: ["✖", "red"],
  warning: ["▲", "yellow"],
};

/** The lines of the file that the check run has something to say of, each with what it says: as GitHub shows them in the diff. */
export function onLines({ annotations }: CheckRun, text: string, paint: Paint): string {
  const source = text.split("\n");
  const lines = [...new Set(annotations.map(({ start_line }) => start_line))].sort((one, other) => one - other);
  return lines
    .flatMap((line) => [
      `  ${paint("dim", `${String(line).padStart(3)} │`)} ${source[line - 1] ?? ""}`,
      ...annotations
        .filter(({ start_line }) => start_line === line)
        .map(({ annotation_level, title, message }) => {
          const [mark, colour] = LEVELS[annotation_level] ?? ["●", "cyan"];
          const [said = ""] = stripVTControlCharacters(title ?? message).split("\n");
          return `      ${paint(colour, `${mark} ${said}`)}`;
        }),
    ])
    .join("\n");
}

function plain(markdown: string, paint: Paint): readonly string[] {
  let isFenced = false;
  return stripVTControlCharacters(markdown)
    .split("\n")
    .flatMap((line) => {
      if (/^\s*(`{3,}|<\/?(details|summary)>?)/.test(line)) {
        if (/^\s*`{3,}/.test(line)) isFenced = !isFenced;
        return [];
      }
      if (isFenced) return [line];
      if (/^\|?[\s:|-]+\|[\s:|-]*$/.test(line)) return [];
      const text = line
        .replace(/\[([^\]]*)\]\((?:[^()]|\([^()]*\))*\)/g, "$1")
        .replace(/\*\*([^*]+)\*\*/g, "$1")
        .replace(/`+([^`]+)`+/g, "$1")
        .replace(/<[^>]+>/g, "");
      const [, title] = /^#+ (.*)/.exec(text) ?? [];
      return [title === undefined ? text : paint("bold", title)];
    });
}
