import { git } from "./git-repository.ts";

/** A file that differs between two commits. */
export interface DiffEntry {
  readonly path: string;
  readonly previousPath: string | undefined;
  /** git's letter: A, C, D, M, R or T. */
  readonly letter: string;
  /** What is there now; for a removed one what was there. */
  readonly blob: string;
  readonly additions: number;
  readonly deletions: number;
}

/** What one commit has that another has not, with renames found. */
export async function diffOf(directory: string, from: string, to: string): Promise<readonly DiffEntry[]> {
  const args = ["diff-tree", "-r", "-M", "-z", "--no-commit-id", from, to];
  const raw = (await git(directory, [...args, "--raw", "--no-abbrev"])).toString().split("\0");
  const counts = countsOf((await git(directory, [...args, "--numstat"])).toString().split("\0"));
  const entries: DiffEntry[] = [];
  for (let index = 0; raw[index]?.startsWith(":"); ) {
    const [, , before = "", after = "", status = ""] = raw[index]?.split(" ") ?? [];
    const letter = status[0] ?? "";
    const isMoved = letter === "R" || letter === "C";
    const path = raw[index + (isMoved ? 2 : 1)] ?? "";
    const [additions = 0, deletions = 0] = counts.get(path) ?? [];
    entries.push({
      path,
      previousPath: isMoved ? raw[index + 1] : undefined,
      letter,
      blob: letter === "D" ? before : after,
      additions,
      deletions,
    });
    index += isMoved ? 3 : 2;
  }
  return entries;
}

/** Where two commits parted; undefined if they have nothing in common. */
export async function mergeBaseOf(directory: string, one: string, other: string): Promise<string | undefined> {
  try {
    return (await git(directory, ["merge-base", one, other])).toString().trim();
  } catch {
    return undefined;
  }
}

/** How many commits one has that another has not. */
export async function countBetween(directory: string, from: string, to: string): Promise<number> {
  return Number((await git(directory, ["rev-list", "--count", `${from}..${to}`])).toString());
}

/** Lines added and removed by path; a moved file's line ends in nothing, and its two names follow. */
function countsOf(parts: readonly string[]): ReadonlyMap<string, readonly number[]> {
  const counts = new Map<string, readonly number[]>();
  for (let index = 0; index < parts.length; index++) {
    const [, added = "", removed = "", path = ""] = /^(\d+|-)\t(\d+|-)\t(.*)$/s.exec(parts[index] ?? "") ?? [];
    if (added === "") continue;
    const named = path === "" ? (parts[index + 2] ?? "") : path;
    if (path === "") index += 2;
    counts.set(named, [Number(added) || 0, Number(removed) || 0]);
  }
  return counts;
}
