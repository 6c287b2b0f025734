import { isDigest } from "../digest.ts";

/** What `ADD` or a named context fetches over a network. */
export interface Remote {
  readonly kind: "http" | "git";
  /** Whether the address itself says which commit. */
  readonly isPinned: boolean;
}

/** An address of a git repository that BuildKit refuses. */
export class RemoteError extends Error {
  readonly code = "malformed-remote";
}

const PROTOCOL = /^([a-zA-Z0-9]+):\/\//;
const SCP = /^[a-zA-Z0-9_-]+@[a-zA-Z0-9.-]+:/;
const QUERIES = new Set(["ref", "tag", "branch", "subdir", "checksum", "commit", "keep-git-dir", "submodules"]);
const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/**
 * What a source is if it is fetched from elsewhere, by BuildKit's rules: an address over http is a git repository if its path ends in
 * `.git`. `github.com/owner/name` is a path in the context.
 *
 * @returns undefined for a path.
 * @throws {RemoteError}
 */
export function readRemote(source: string): Remote | undefined {
  if (source.startsWith("./") || source.startsWith("../")) return undefined;
  const protocol = PROTOCOL.exec(source)?.[1]?.toLowerCase();
  const isGit =
    protocol === undefined
      ? SCP.test(source)
      : protocol === "ssh" || protocol === "git" || (/^https?$/.test(protocol) && pathOf(source).endsWith(".git"));
  if (isGit) return { kind: "git", isPinned: isPinnedGit(source) };
  return /^https?:\/\//.test(source) ? { kind: "http", isPinned: false } : undefined;
}

/** Whether a `--checksum` says which bytes, or which commit, it is. A shortened commit says it of several. */
export function isChecksum(kind: Remote["kind"], checksum: string): boolean {
  return kind === "git" ? COMMIT.test(checksum) : isDigest(checksum);
}

function pathOf(address: string): string {
  const [beforeFragment = ""] = address.split("#", 1);
  const [path = ""] = beforeFragment.split("?", 1);
  const afterHost = path.slice(path.indexOf("://") + 3);
  const slash = afterHost.indexOf("/");
  const raw = slash < 0 ? "" : afterHost.slice(slash);
  try {
    return decodeURIComponent(raw);
  } catch {
    // Go refuses such an address, so that it is taken for one over http.
    return "";
  }
}

function isPinnedGit(address: string): boolean {
  const hash = address.indexOf("#");
  const [fragmentRef = ""] = hash < 0 ? [] : address.slice(hash + 1).split(":", 1);
  const before = hash < 0 ? address : address.slice(0, hash);
  const mark = before.indexOf("?");
  const query = new URLSearchParams(mark < 0 ? "" : before.slice(mark + 1));
  for (const key of query.keys()) {
    if (!QUERIES.has(key) || query.getAll(key).length > 1) {
      throw new RemoteError(`the address of a git repository can't have ${key.slice(0, 40)} so`);
    }
  }
  const commits = [query.get("checksum"), query.get("commit"), query.get("ref"), fragmentRef];
  return commits.some((commit) => commit !== null && COMMIT.test(commit));
}
