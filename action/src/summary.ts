import type { Digest } from "../../src/image/digest.ts";
import type { BuiltPlatform } from "./built-image.ts";

/** What the page of the run shows of a build. */
export interface Summary {
  /** registry/repository */
  readonly image: string;
  readonly index: Digest;
  readonly tags: readonly string[];
  readonly platforms: readonly Omit<BuiltPlatform, "provenance">[];
  readonly commit: string;
  readonly sourceUrl: string;
  /** The workflow in the certificate. */
  readonly signer: string;
  readonly warnings: readonly string[];
}

/**
 * The job's summary. All of it stands in blocks of HTML without an empty line, in which GitHub reads no Markdown: names and tags are
 * strangers' texts, and need but one kind of escaping.
 */
export function summaryMarkdown(summary: Summary): string {
  const { image, index, tags, platforms, commit, sourceUrl, signer, warnings } = summary;
  const row = (name: string, value: string) => `<tr><th align="left">${name}</th><td>${value}</td></tr>`;
  return [
    "### Trusted build",
    "",
    "<table>",
    row("image", code(`${image}@${index}`)),
    row("tags", tags.map(code).join(" ")),
    row("source", `<a href="${escaped(sourceUrl)}">${code(commit)}</a>`),
    row("signed by", code(signer)),
    ...platforms.map(({ platform, manifest }) => row(escaped(platform), code(manifest))),
    "</table>",
    "",
    ...(warnings.length === 0
      ? []
      : ["<ul>", ...warnings.map((warning) => `<li>warning: ${code(warning)}</li>`), "</ul>", ""]),
    "The image and its provenance are signed and in the registry. Whether it is trusted, with all its ancestors, is another question: the check run on the commit answers it.",
    "",
  ].join("\n");
}

function code(text: string): string {
  return `<code>${escaped(text)}</code>`;
}

/** One line, without characters that are invisible or change the direction of others. */
function escaped(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
