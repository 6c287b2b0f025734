/**
 * A repository's URL as certificates and provenance spell it, made comparable: without `.git`, a slash or credentials, host in lower
 * case. Owner and repository are compared without case: GitHub gives one name to one repository whatever its case.
 *
 * @returns undefined if the text isn't the URL of a repository below `server`.
 */
export function repositoryPath(uri: string, server: string): string | undefined {
  let url: URL;
  let base: URL;
  try {
    url = new URL(uri);
    base = new URL(server);
  } catch {
    return undefined;
  }
  if (url.origin !== base.origin || url.origin === "null") return undefined;
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") return undefined;
  const prefix = base.pathname.replace(/\/$/, "");
  if (!url.pathname.startsWith(`${prefix}/`)) return undefined;
  const path = url.pathname
    .slice(prefix.length + 1)
    .replace(/\/$/, "")
    .replace(/\.git$/, "");
  return /^[A-Za-z0-9._-]+\/[A-Za-z0-9._-]+$/.test(path) ? path.toLowerCase() : undefined;
}

/** Whether both URLs are of one repository below `server` (RULES R10). */
export function isSameRepository(a: string, b: string, server: string): boolean {
  const path = repositoryPath(a, server);
  return path !== undefined && path === repositoryPath(b, server);
}

/** A run of a workflow: `SERVER/OWNER/REPO/actions/runs/ID[/attempts/N]`. */
export interface RunUri {
  /** owner/repository in lower case. */
  readonly repository: string;
  readonly run: string;
  readonly attempt: string | undefined;
}

/** @returns undefined if the text isn't the URL of a run below `server`. */
export function parseRunUri(uri: string, server: string): RunUri | undefined {
  const found = /^(.+)\/actions\/runs\/([1-9][0-9]*)(?:\/attempts\/([1-9][0-9]*))?$/.exec(uri);
  const repository = found?.[1] === undefined ? undefined : repositoryPath(found[1], server);
  if (found?.[2] === undefined || repository === undefined) return undefined;
  return { repository, run: found[2], attempt: found[3] };
}
