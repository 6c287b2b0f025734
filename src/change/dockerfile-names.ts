/** Longest path that is looked at, in UTF-16 units: git itself takes longer ones, and nobody builds from them. */
const MAX_PATH = 1024;

/** A file that tells the builder what to leave out of a Dockerfile's context, named after it. */
const IGNORE_FILE = /\.(?:dockerignore|containerignore)$/i;

/**
 * Whether a file is named like a Dockerfile: as GitHub's linguist has it (`Dockerfile`, `Containerfile`, and those endings in any case),
 * and with anything behind a dot, as `Dockerfile.alpine`; and `dockerfile`, which BuildKit takes where there is no `Dockerfile`. A name
 * is a hint alone: whether it is one its text says, and what policy names is one whatever it is called.
 */
export function isDockerfileName(path: string): boolean {
  if (path.length > MAX_PATH) return false;
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (IGNORE_FILE.test(name)) return false;
  return (
    name === "dockerfile" ||
    /^(?:Dockerfile|Containerfile)(?:\..+)?$/.test(name) ||
    /\.(?:dockerfile|containerfile)$/i.test(name)
  );
}

/**
 * The Dockerfiles among files, nearest to the root first and then by name, so that the same files always give the same list.
 *
 * @returns `left` counts those beyond the limit: whoever shows the list says so.
 */
export function dockerfilesAmong(
  paths: Iterable<string>,
  limit: number,
): { readonly paths: readonly string[]; readonly left: number } {
  const found = [...paths].filter(isDockerfileName).sort((a, b) => depth(a) - depth(b) || (a < b ? -1 : 1));
  return { paths: found.slice(0, limit), left: Math.max(0, found.length - limit) };
}

function depth(path: string): number {
  return path.split("/").length;
}
