import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveCommit } from "./git-objects.ts";
import { type CommitOptions, type Files, git } from "./git-repository.ts";

/**
 * Commits on a branch of a bare repository without touching its HEAD: files are added and replaced, and the others stay. A branch that
 * isn't there begins at `from`. Dates are fixed, so that the same files give the same commit.
 */
export async function commitOnBranch(
  directory: string,
  branch: string,
  from: string,
  files: Files,
  { message = "change", remove = [], symlinks = {} }: Pick<CommitOptions, "message" | "remove" | "symlinks">,
): Promise<string> {
  const ref = `refs/heads/${branch}`;
  const parent = (await resolveCommit(directory, ref)) ?? from;
  const work = mkdtempSync(join(tmpdir(), "git-index-"));
  const inIndex = async (...args: string[]) =>
    (await git(directory, args, { GIT_INDEX_FILE: join(work, "index") })).toString().trim();
  const add = async (mode: string, path: string, content: string | Uint8Array) => {
    const file = join(work, "blob");
    writeFileSync(file, content);
    const blob = await inIndex("hash-object", "-w", "--no-filters", "--", file);
    await inIndex("update-index", "--add", "--cacheinfo", `${mode},${blob},${path}`);
  };
  try {
    await inIndex("read-tree", parent);
    for (const path of remove) await inIndex("update-index", "--force-remove", "--", path);
    for (const [path, content] of Object.entries(files)) await add("100644", path, content);
    for (const [path, target] of Object.entries(symlinks)) await add("120000", path, target);
    const commit = await inIndex("commit-tree", await inIndex("write-tree"), "-p", parent, "-m", message);
    await git(directory, ["update-ref", ref, commit]);
    return commit;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
