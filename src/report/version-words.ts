import type { VerdictDocument } from "./json.ts";
import { printable } from "./printable.ts";
import { SHORT_DIGEST } from "./short-reference.ts";

/**
 * `v1.4.0 of 2026-03-01, commit 1a2b3c…`: what stands under the tag that was asked for (RULES R26); undefined where nothing says. Several
 * versions are told with their platforms.
 */
export function versionWords({ versions, platforms }: VerdictDocument): string | undefined {
  if (versions.length === 0) return undefined;
  const named = versions.map(
    ({ sourceRef, sourceCommit, firstSigned, nodes }) =>
      `${refWords(sourceRef)}${firstSigned === null ? ", signed nobody can prove when" : ` of ${firstSigned.slice(0, 10)}`}${
        sourceCommit === null ? "" : `, commit ${printable(sourceCommit.slice(0, SHORT_DIGEST))}`
      }${versions.length === 1 ? "" : ` (${nodes.map((node) => platformOf(platforms, node)).join(", ")})`}`,
  );
  return `${named.join("; ")}${isOfSeveral(versions) ? ": of several versions" : ""}`;
}

/** Whether some of the images are of versions that others aren't of. */
function isOfSeveral(versions: VerdictDocument["versions"]): boolean {
  const all = new Set(versions.flatMap(({ nodes }) => nodes));
  return versions.some(({ nodes }) => nodes.length < all.size);
}

function platformOf(platforms: VerdictDocument["platforms"], id: string): string {
  return printable(platforms.find(({ node }) => node === id)?.platform ?? "?");
}

/** A git tag by its name, since that is the version; whatever else is told as what it is. */
function refWords(ref: string | null): string {
  if (ref === null) return "a source that its signer doesn't name";
  const [, kind, name] = /^refs\/(tags|heads)\/(.*)$/s.exec(ref) ?? [];
  if (name === undefined) return printable(ref);
  return kind === "tags" ? printable(name) : `the branch ${printable(name)}`;
}
