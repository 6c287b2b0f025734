/** A place in a git repository, as BuildKit writes it into one URL. */
export interface GitUrl {
  /** Without fragment and query: what is compared with the certificate's source repository. */
  readonly uri: string;
  /** What was asked for: a branch, a tag or a commit. Branches and tags move. */
  readonly ref?: string;
  readonly subdirectory?: string;
}

/**
 * Reads a URL as a git source, as BuildKit decides it: an ssh or git URL, `git@host:path`, or http(s) with a path that ends in
 * `.git`; fragment `#ref:subdirectory`, or the same in a query.
 *
 * @returns undefined if BuildKit would fetch the URL as a file, or would not fetch it.
 * @see moby/buildkit util/gitutil/git_url.go
 */
export function parseGitUrl(text: string): GitUrl | undefined {
  const [, base = "", query = "", fragment] = /^([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(text) ?? [];
  const isGit =
    /^(?:ssh|git):\/\/[^/]/.test(base) || /^https?:\/\/[^/]+\/.*\.git$/.test(base) || /^[\w.-]+@[\w.-]+:/.test(base);
  if (!isGit) return undefined;
  const fromFragment = splitFragment(fragment);
  const parameters = new URLSearchParams(query);
  const ref =
    fromFragment.ref ?? parameters.get("ref") ?? parameters.get("tag") ?? parameters.get("branch") ?? undefined;
  const subdirectory = fromFragment.subdirectory ?? parameters.get("subdir") ?? undefined;
  return { uri: base, ...(ref !== undefined && { ref }), ...(subdirectory !== undefined && { subdirectory }) };
}

/**
 * Reads a git source as SPDX writes it, and with it SLSA's own examples, Tekton and GitHub's: `git+https://host/path@ref#subdirectory`.
 *
 * @returns undefined if it isn't of that form.
 * @see SPDX 2.3, 7.7 "Package download location field"
 */
export function parseSpdxGitUrl(text: string): GitUrl | undefined {
  const [, uri, ref, subdirectory] =
    /^git\+((?:https?|ssh|git):\/\/(?:[^/@#?\s]+@)?[^/@#?\s]+\/[^@#?\s]+)(?:@([^#\s]+))?(?:#(\S+))?$/.exec(text) ?? [];
  return uri === undefined ? undefined : { uri, ...(ref && { ref }), ...(subdirectory && { subdirectory }) };
}

/** The commit in a digest map, which git names by SHA-1 or, in newer repositories, SHA-256. */
export function commitOf(digest: Readonly<Record<string, string>>): string | undefined {
  const { sha1, sha256 } = digest;
  if (sha1 !== undefined && sha256 !== undefined) return undefined;
  const commit = sha1 ?? sha256;
  return commit !== undefined && isCommit(commit) && commit.length === (sha1 === undefined ? 64 : 40)
    ? commit
    : undefined;
}

/** Whether the text is the whole name of a commit, which can mean nothing else. */
export function isCommit(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}

function splitFragment(fragment: string | undefined): { readonly ref?: string; readonly subdirectory?: string } {
  if (fragment === undefined) return {};
  const colon = fragment.indexOf(":");
  const ref = colon < 0 ? fragment : fragment.slice(0, colon);
  const subdirectory = colon < 0 ? "" : fragment.slice(colon + 1);
  return { ...(ref !== "" && { ref }), ...(subdirectory !== "" && { subdirectory }) };
}
