/** So many lines and sources of a Dockerfile are looked at. */
const MAX_LINES = 5000;
const MAX_SOURCES = 200;

/**
 * From which directory a Dockerfile is built, as far as its `COPY` and `ADD` show: from its own, unless what it copies is found at the
 * root and not there. A guess for a proposal, which a person reads; nothing is judged by it.
 *
 * @returns undefined for the repository's root.
 */
export function contextOf(path: string, text: string, paths: ReadonlySet<string>): string | undefined {
  const directory = path.slice(0, Math.max(0, path.lastIndexOf("/")));
  if (directory === "") return undefined;
  const sources = copiedIn(text);
  const found = (base: string) => sources.filter((source) => isThere(base + source, paths)).length;
  return found("") > found(`${directory}/`) ? undefined : directory;
}

function copiedIn(text: string): readonly string[] {
  const lines = text.split(/\r?\n/, MAX_LINES);
  return lines
    .flatMap((line) => {
      const [instruction = "", ...words] = line.trim().split(/\s+/);
      if (!/^(?:copy|add)$/i.test(instruction) || words.some((word) => word.startsWith("--from"))) return [];
      return words.filter((word) => !word.startsWith("--")).slice(0, -1);
    })
    .map((source) => source.replace(/^(?:\.?\/)+/, "").replace(/\/+$/, ""))
    .filter((source) => source !== "" && source !== "." && !/[*?[\]$"'<\\]|:\/\//.test(source))
    .slice(0, MAX_SOURCES);
}

function isThere(source: string, paths: ReadonlySet<string>): boolean {
  if (paths.has(source)) return true;
  for (const path of paths) if (path.startsWith(`${source}/`)) return true;
  return false;
}
