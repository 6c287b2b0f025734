import type { Repository } from "../build/build.ts";
import { safeUrl } from "./markdown.ts";

/** Longest address that is written, in characters: servers and browsers cut or refuse longer ones. */
const MAX_URL = 7000;

/**
 * Opens GitHub's editor with a new file, its content filled in where the address has room for it; a person reads and commits it.
 *
 * @returns undefined where the server's address isn't one that is safe to link.
 */
export function newFileUrl(
  server: string,
  repository: Repository,
  branch: string,
  file: { readonly path: string; readonly text: string },
): { readonly url: string; readonly isFilled: boolean } | undefined {
  const base = repositoryUrl(server, repository);
  if (base === undefined) return undefined;
  const bare = `${base}/new/${encodePath(branch)}?filename=${encode(file.path)}`;
  const filled = `${bare}&value=${encode(file.text)}`;
  if (bare.length > MAX_URL) return undefined;
  return filled.length <= MAX_URL ? { url: filled, isFilled: true } : { url: bare, isFilled: false };
}

/** Opens GitHub's editor on a file that is there. */
export function editUrl(server: string, repository: Repository, branch: string, path: string): string | undefined {
  const base = repositoryUrl(server, repository);
  const url = `${base}/edit/${encodePath(branch)}/${encodePath(path)}`;
  return base === undefined || url.length > MAX_URL ? undefined : url;
}

function repositoryUrl(server: string, { owner, name }: Repository): string | undefined {
  return safeUrl(`${server}/${encode(owner)}/${encode(name)}`);
}

function encodePath(path: string): string {
  return path.split("/").map(encode).join("/");
}

/** Also what means something to Markdown: nothing in the address ends the link that it stands in. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*~_]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
