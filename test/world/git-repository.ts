import { execFile } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

/** Contents by path below the repository's root. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

/** `owner/name` as the servers take it. */
export const REPOSITORY_NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]*\/[A-Za-z0-9_.-]*[A-Za-z0-9_-]$/;

/** Neither the person's configuration nor their clock has a say. */
export const GIT_ENV = {
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_SYSTEM: "/dev/null",
  GIT_AUTHOR_NAME: "Ada",
  GIT_AUTHOR_EMAIL: "ada@example.test",
  GIT_AUTHOR_DATE: "2026-01-02T03:04:05Z",
  GIT_COMMITTER_NAME: "Ada",
  GIT_COMMITTER_EMAIL: "ada@example.test",
  GIT_COMMITTER_DATE: "2026-01-02T03:04:05Z",
};

const OUTPUT_BYTES = 64 * 1024 * 1024;

/** What a commit is to have. */
export interface CommitOptions {
  readonly message?: string;
  /** Whether files of the branch that aren't named stay. Default: the commit has exactly the given ones. */
  readonly keep?: boolean;
  /** With `keep`: paths that are taken away. */
  readonly remove?: readonly string[];
  /** Targets by path. */
  readonly symlinks?: Readonly<Record<string, string>>;
}

const run = promisify(execFile);

/** Runs git on a bare repository, without a shell. */
export async function git(directory: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Buffer> {
  const { stdout } = await run("git", [...args], {
    env: { ...process.env, ...GIT_ENV, GIT_DIR: directory, GIT_LITERAL_PATHSPECS: "1", ...env },
    encoding: "buffer",
    maxBuffer: OUTPUT_BYTES,
  });
  return stdout;
}

/** Makes a bare repository, without a commit, if it isn't there. */
export async function initRepository(directory: string): Promise<void> {
  if (existsSync(directory)) return;
  await run("git", ["init", "-q", "--bare", "--initial-branch=main", directory], {
    env: { ...process.env, ...GIT_ENV },
  });
  // Any commit may be asked for. And a bare repository would refuse the work tree that it gets from outside.
  appendFileSync(
    join(directory, "config"),
    "[uploadpack]\n\tallowAnySHA1InWant = true\n[core]\n\tbare = false\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n",
  );
}

/**
 * Commits on the branch main of a bare repository, which is made if it isn't there. Content that begins like a program gets the
 * executable bit. Dates are fixed, so that the same files give the same commit.
 */
export async function commitFiles(directory: string, files: Files, options: CommitOptions = {}): Promise<string> {
  const work = mkdtempSync(join(tmpdir(), "git-work-"));
  const inWork = (...args: string[]) => git(directory, args, { GIT_WORK_TREE: work });
  try {
    await initRepository(directory);
    if (options.keep) await inWork("checkout", "--quiet", "--force", "main");
    for (const path of options.remove ?? []) rmSync(join(work, path));
    for (const [path, content] of Object.entries(files)) {
      const file = join(work, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
      if (isProgram(content)) chmodSync(file, 0o755);
    }
    for (const [path, target] of Object.entries(options.symlinks ?? {})) symlinkSync(target, join(work, path));
    await inWork("add", "--all", "--force", ".");
    await inWork("commit", "-q", "--allow-empty", "-m", options.message ?? "change");
    return (await inWork("rev-parse", "HEAD")).toString().trim();
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function isProgram(content: string | Uint8Array): boolean {
  const start = Buffer.from(content).subarray(0, 4).toString("latin1");
  return start === "\x7fELF" || start.startsWith("#!");
}
