import { formatPlatform, parsePlatform } from "../image/platform.ts";
import type { FoundFile } from "./found-repository.ts";

/** So many lines of a workflow are looked at, and so many platforms taken from all of them. */
const MAX_LINES = 2000;
const MAX_LINE = 500;
const MAX_PLATFORMS = 8;

/**
 * The platforms that a repository's workflows build for today, where a line says `platforms: linux/amd64,linux/arm64`. Words of a file,
 * not a reading of the workflow: a proposal is made of them, and nothing is judged.
 *
 * @returns undefined where none says so: then the builder's own.
 */
export function platformsIn(workflows: readonly FoundFile[]): readonly string[] | undefined {
  const lines = workflows.flatMap(({ text }) => text.split(/\r?\n/, MAX_LINES));
  const words = lines.flatMap((line) => {
    const [, list] = /^\s*-?\s*platforms:\s*(\S.*)$/.exec(line.slice(0, MAX_LINE)) ?? [];
    return list === undefined ? [] : list.split(/[\s,"'[\]]+/);
  });
  const platforms = [...new Set(words.flatMap(platformOf))].slice(0, MAX_PLATFORMS);
  return platforms.length === 0 ? undefined : platforms;
}

function platformOf(word: string): readonly string[] {
  if (!/^linux\/[a-z0-9]+(?:\/v[0-9]+)?$/.test(word)) return [];
  try {
    return [formatPlatform(parsePlatform(word))];
  } catch {
    // Not a platform: a word like any other.
    return [];
  }
}
