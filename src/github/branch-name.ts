/** Longest branch that is made or moved, in bytes: what a file of git's may be called, less `refs/heads/`. */
const MAX_BYTES = 244;

/** Whether git takes it as the name of a branch, and nothing takes it as something else (git-check-ref-format). */
export function isBranchName(name: string): boolean {
  if (name === "@" || name === "HEAD" || Buffer.byteLength(name) > MAX_BYTES || !name.isWellFormed()) return false;
  if (/[\p{Cc}\p{Cf} ~^:?*[\\]|\.\.|@\{/u.test(name) || /^(?:-|refs\/)/.test(name)) return false;
  return name.split("/").every((part) => part !== "" && !/^\.|\.$|\.lock$/.test(part));
}
