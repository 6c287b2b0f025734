import { WriteRefused } from "../change/ports.ts";

/** Most files of one commit: a proposal has two, and pins are in the Dockerfiles of one repository. */
const MAX_FILES = 30;

/** Largest commit, in bytes of all its files: a Dockerfile may have 1 MB. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Longest path, in bytes. */
const MAX_PATH_BYTES = 1024;

/** A file of a commit, whole. */
export interface CommitFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * Holds files of a commit to what may be sent: paths are made of what strangers have in their repositories.
 * @throws {WriteRefused} `invalid`
 */
export function checkFiles(files: readonly CommitFile[]): void {
  const refuse = (why: string) => {
    throw new WriteRefused("invalid", `no commit is made of ${files.length} files: ${why}`);
  };
  if (files.length === 0 || files.length > MAX_FILES) refuse(`it may have between 1 and ${MAX_FILES}`);
  if (files.reduce((sum, { bytes }) => sum + bytes.length, 0) > MAX_BYTES)
    refuse(`they have more than ${MAX_BYTES} bytes`);
  const paths = files.map(({ path }) => path);
  for (const path of paths)
    if (!isPath(path)) refuse(`${JSON.stringify(path.slice(0, 100))} is no path in a repository`);
  for (const path of paths)
    if (paths.filter((other) => other === path || other.startsWith(`${path}/`)).length > 1)
      refuse(`${JSON.stringify(path)} is there twice, or is a directory too`);
}

/** Nothing that leads out of the repository, or into git's own directory on any file system (CVE-2014-9390). */
function isPath(path: string): boolean {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES || !path.isWellFormed() || /[\p{Cc}\p{Cf}]/u.test(path)) return false;
  return path
    .split("/")
    .every((part) => part !== "" && part !== "." && part !== ".." && !/^(?:\.git|git~1)[. ]*$/i.test(part));
}

/** Text that goes into a tree as it is; undefined for bytes that need a blob of their own, since JSON would change them. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}
