import type { Build } from "../build/build.ts";
import { tagName } from "../build/build.ts";
import type { JudgedBy } from "./judged-by.ts";

/** The repository of a build on its server; undefined as long as nothing tells which server that is. */
export function repositoryUrl({ repository, run }: Build, server: string | undefined): string | undefined {
  const path = `${repository.owner}/${repository.name}`;
  if (server !== undefined) return `${server.replace(/\/+$/, "")}/${path}`;
  const at = run?.url.indexOf(`/${path}/actions/runs/`) ?? -1;
  return run === undefined || at < 0 ? undefined : run.url.slice(0, at + 1 + path.length);
}

/** A source repository by name: without its host only where that is github.com, so that another forge's `acme/app` isn't taken for GitHub's. */
export function repositoryName(address: string): string {
  return address.replace(/^https:\/\/(?:github\.com\/)?/, "");
}

/** A commit's page. */
export function commitUrl(
  repository: string | null | undefined,
  commit: string | null | undefined,
): string | undefined {
  return repository && commit && /^[0-9a-f]{40,64}$/.test(commit) ? `${repository}/commit/${commit}` : undefined;
}

/** What the repository held at a tag. */
export function tagUrl(repository: string | undefined, ref: string): string | undefined {
  return repository === undefined ? undefined : `${repository}/tree/${encodePath(tagName(ref))}`;
}

/** A policy as it stood at its commit. */
export function policyUrl({ uri }: Pick<JudgedBy["policy"], "uri">): string | undefined {
  const [, repository, commit, path] = /^git\+(https?:\/\/[^@#]+)@([0-9a-f]{40,64})#(.+)$/s.exec(uri) ?? [];
  return path === undefined ? undefined : `${repository}/blob/${commit}/${encodePath(path)}`;
}

/** A path for an address, each part escaped. */
export function encodePath(path: string): string {
  return path.toWellFormed().split("/").map(encodeURIComponent).join("/");
}
