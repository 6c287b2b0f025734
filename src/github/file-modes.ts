import { z } from "zod";
import type { Repository } from "../build/build.ts";
import { WriteRefused } from "../change/ports.ts";
import { ask, type GitHubClient } from "./ask.ts";
import { fullName } from "./repository.ts";
import { objectId } from "./tags.ts";

const treeAnswer = z.object({
  tree: z.array(z.object({ path: z.string(), mode: z.string(), type: z.string(), sha: objectId })),
  truncated: z.boolean(),
});
type Entries = z.infer<typeof treeAnswer>;

const FILE = "100644";
const EXECUTABLE = "100755";

/** What a file may be. */
export type FileMode = typeof FILE | typeof EXECUTABLE;

/**
 * Reads how files stand in a tree, directory by directory: an executable one stays executable, and a symbolic link isn't written over, nor
 * anything beyond it.
 *
 * @param paths - Of files that are there, or that are to be.
 * @throws {GitHubError} @throws {WriteRefused} `invalid`
 */
export async function readModes(
  octokit: GitHubClient,
  repository: Repository,
  tree: string,
  paths: readonly string[],
): Promise<ReadonlyMap<string, FileMode>> {
  const known = new Map<string, Promise<Entries>>();
  const read = (sha: string): Promise<Entries> => {
    const question = {
      asked: `for the tree ${sha} of ${fullName(repository)}`,
      repository: fullName(repository),
      needs: "contents: read",
    };
    const entries =
      known.get(sha) ??
      ask(question, treeAnswer, (request) =>
        octokit.rest.git.getTree({ owner: repository.owner, repo: repository.name, tree_sha: sha, request }),
      );
    known.set(sha, entries);
    return entries;
  };
  const modes = new Map<string, FileMode>();
  for (const path of paths) modes.set(path, await modeOf(read, tree, path));
  return modes;
}

async function modeOf(read: (sha: string) => Promise<Entries>, tree: string, path: string): Promise<FileMode> {
  const refuse = (why: string) => new WriteRefused("invalid", `${JSON.stringify(path)} isn't written: ${why}`);
  const parts = path.split("/");
  let directory = tree;
  for (const [depth, part] of parts.entries()) {
    const { tree: entries, truncated } = await read(directory);
    const entry = entries.find((each) => each.path === part);
    if (entry === undefined) {
      if (truncated) throw refuse("a directory on the way is larger than GitHub lists");
      return FILE;
    }
    const isLast = depth === parts.length - 1;
    if (isLast && (entry.mode === FILE || entry.mode === EXECUTABLE)) return entry.mode;
    if (isLast || entry.type !== "tree")
      throw refuse(`${JSON.stringify(parts.slice(0, depth + 1).join("/"))} is something else there`);
    directory = entry.sha;
  }
  return FILE;
}
