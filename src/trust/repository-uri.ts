/**
 * The text with A–Z in lower case. Only those: U+212A, the Kelvin sign, has "k" for its lower case, and would make a look-alike
 * equal.
 */
export function foldCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/**
 * The repository that a certificate names: owner/repository in lower case, since GitHub gives one name to one repository whatever
 * its case.
 *
 * Compared as text, never read as a URL: that would drop line feeds, resolve `..`, and turn look-alike letters into a host.
 *
 * @returns undefined if the text isn't exactly `SERVER/OWNER/REPO`.
 */
export function repositoryPath(uri: string, server: string): string | undefined {
  const prefix = `${foldCase(server)}/`;
  const text = foldCase(uri);
  if (!text.startsWith(prefix)) return undefined;
  const path = text.slice(prefix.length);
  const isName = /^[a-z0-9._-]+\/[a-z0-9._-]+$/.test(path) && !path.split("/").some((part) => /^\.\.?$/.test(part));
  return isName && !path.endsWith(".git") ? path : undefined;
}

/** The same of a git source, where `.git` and a slash at the end say nothing. */
export function gitRepositoryPath(uri: string, server: string): string | undefined {
  return repositoryPath(uri.replace(/\/$/, "").replace(/\.git$/, ""), server);
}

/** Whether both texts name one repository below `server` (RULES R10). */
export function isSameRepository(a: string, b: string, server: string): boolean {
  const path = repositoryPath(a, server);
  return path !== undefined && path === repositoryPath(b, server);
}

/** Whether a git URL is that of a repository on any server: letter for letter, where `.git` and a slash at the end say nothing. */
export function isGitUrlOf(uri: string, repository: string): boolean {
  return /^https?:\/\//.test(repository) && uri.replace(/\/$/, "").replace(/\.git$/, "") === repository;
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
