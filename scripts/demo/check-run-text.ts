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
