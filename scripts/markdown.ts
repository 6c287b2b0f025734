import { posix } from "node:path";

/** A fenced block of a Markdown document. */
export interface Block {
  /** What stands behind the fence, `sh` or `console` for what the tests run. */
  readonly info: string;
  readonly text: string;
  /** The line of the opening fence, from 1. */
  readonly line: number;
}

/** A command that a document shows, and what it says comes out. */
export interface Example {
  readonly command: string;
  /** What is printed, where the document shows it: `…` stands for any text, and a line of `…` for any lines. */
  readonly output: string | undefined;
  readonly line: number;
}

const FENCE = /^(`{3,}|~{3,})\s*(.*)$/;

/** The fenced blocks of a document, and its lines with the blocks taken out. */
export function readMarkdown(text: string): { readonly blocks: readonly Block[]; readonly prose: readonly string[] } {
  const blocks: Block[] = [];
  const prose: string[] = [];
  let open: { fence: string; info: string; line: number; lines: string[] } | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    const fence = FENCE.exec(line.trim());
    if (open === undefined && fence)
      open = { fence: fence[1] ?? "", info: (fence[2] ?? "").trim(), line: index + 1, lines: [] };
    else if (open !== undefined && fence && fence[2] === "" && (fence[1] ?? "").startsWith(open.fence)) {
      blocks.push({ info: open.info, text: open.lines.join("\n"), line: open.line });
      open = undefined;
    } else (open?.lines ?? prose).push(line);
  }
  if (open !== undefined) throw new Error(`the fence opened in line ${open.line} is never closed`);
  return { blocks, prose };
}

/** The commands of one block: each line of `sh`, each line behind `$ ` of `console` with what follows it. */
export function examplesOf(block: Block): readonly Example[] {
  const lines = block.text.split("\n");
  if (block.info === "sh") {
    const joined = block.text.replace(/\\\n/g, (match) => `${match.slice(0, -1)}\u0000`).split("\n");
    return joined.flatMap((line, index) => {
      const command = line.replaceAll("\\\u0000", " ").trim();
      return command === "" || command.startsWith("#")
        ? []
        : [{ command, output: undefined, line: block.line + 1 + index }];
    });
  }
  if (block.info !== "console") return [];
  const examples: { command: string; output: string[]; line: number }[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.startsWith("$ ")) examples.push({ command: line.slice(2), output: [], line: block.line + 1 + index });
    else if (line.startsWith("> ") && examples.at(-1)?.output.length === 0)
      examples.at(-1)!.command += `\n${line.slice(2)}`;
    else examples.at(-1)?.output.push(line);
  }
  return examples.map((each) => ({ ...each, output: each.output.join("\n") }));
}

/** Whether what was printed is what the document shows. Spaces at the ends of lines and empty lines at the end don't count. */
export function isOutput(shown: string, printed: string): boolean {
  const tidy = (text: string) => text.replace(/[ \t]+$/gm, "").trimEnd();
  const pattern = tidy(shown)
    .split("\n")
    .map((line, index, all) =>
      line.trim() === "…"
        ? `(?:.*(?:\\n|$))*?`
        : line.split("…").map(RegExp.escape).join(".*") + (index < all.length - 1 ? "\\n" : ""),
    )
    .join("");
  return new RegExp(`^${pattern}$`).test(tidy(printed));
}

/** The name that GitHub gives a heading as an anchor. */
export function anchorOf(heading: string): string {
  return heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-");
}

/**
 * The links of a document that lead nowhere. Addresses on the web aren't looked up.
 *
 * @param path - Path of the document from the project's root.
 * @param read - The text of a file, "" for a folder, undefined where there is neither.
 */
export function deadLinks(path: string, text: string, read: (path: string) => string | undefined): readonly string[] {
  const prose = readMarkdown(text)
    .prose.join("\n")
    .replace(/`[^`\n]*`/g, "``");
  const targets = [
    ...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g),
    ...prose.matchAll(/^\[[^\]]+\]:\s*(\S+)/gm),
  ];
  return targets.flatMap(([, target = ""]) => {
    if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return [];
    const [file = "", anchor] = target.split("#");
    const to = file === "" ? path : posix.join(posix.dirname(path), decodeURIComponent(file));
    const found = to.startsWith("..") ? undefined : read(to.replace(/\/$/, ""));
    if (found === undefined) return [target];
    if (anchor === undefined || !to.endsWith(".md")) return [];
    const headings = readMarkdown(found).prose.flatMap((line) => /^#{1,6}\s+(.*?)\s*#*$/.exec(line)?.[1] ?? []);
    return headings.map(anchorOf).includes(anchor) ? [] : [target];
  });
}
