import type { ForecastDocument } from "./forecast-json.ts";
import { markOfParent, parentRows, resolvedReference, wordOfParent } from "./forecast-parents.ts";
import { forecastTree, linesWords } from "./forecast-tree.ts";
import { groupBy } from "./grouping.ts";
import { code, fenced, link } from "./markdown.ts";
import type { Section } from "./markdown-limits.ts";
import { SHAPES } from "./marks.ts";
import { POLICIES } from "./pull-enforcement.ts";
import type { PullLinks } from "./pull-links.ts";
import { type ForecastBy, type ShownFile, worstOfFiles } from "./pull-shown.ts";
import { shortReference } from "./short-reference.ts";

/** For each file the ancestry of what it would make, as a tree and as a table of its parents; the worst files first. */
export function pullAncestrySections(files: readonly ShownFile[], links: PullLinks): readonly Section[] {
  return worstFilesFirst(files).flatMap((file) => {
    const alike = forecastsAlike(file);
    return alike.flatMap(({ of, document }) => [
      { ...headed(`Ancestry of ${code(file.file.path)}${of}`, fenced(forecastTree(document, file.file.path))) },
      headed(`What goes into ${code(file.file.path)}${of}`, parentTable(file, document, links)),
    ]);
  });
}

/** Those that say what is wrong stand before those that don't. */
export function worstFilesFirst(files: readonly ShownFile[]): readonly ShownFile[] {
  const order = ["untrusted", "undetermined", "trusted"];
  return files.toSorted((a, b) => order.indexOf(worstOfFiles([a.after])) - order.indexOf(worstOfFiles([b.after])));
}

/** The forecasts of a file, once for all policies that foresee the same; `of` says whose, where they differ. */
export function forecastsAlike({
  file,
  forecastsAfter,
}: ShownFile): readonly { readonly of: string; readonly document: ForecastDocument }[] {
  const groups = [...groupBy(forecastsAfter, ({ document }) => forecastTree(document, file.path).join("\n")).values()];
  return groups.flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const of =
      groups.length === 1
        ? ""
        : `, as the ${group.map((each: ForecastBy) => POLICIES[each.policy]).join(" and the ")} sees it`;
    return [{ of, document: first.document }];
  });
}

function headed(title: string, section: Section): Section {
  return { ...section, before: [`### ${title}`, "", ...(section.before ?? [])] };
}

function parentTable({ file }: ShownFile, document: ForecastDocument, links: PullLinks): Section {
  const rows = parentRows(document).map(({ first, platforms, outcome }) => {
    const lines = [...new Set(first.uses.map(({ line }) => line))];
    const [line] = lines;
    const at = line === undefined ? "" : link(linesWords(first.uses, first.usesLeftOut), links.file(file.path, line));
    const cells = [
      code(shortReference(resolvedReference(first))),
      first.role,
      at,
      platforms.map(code).join(", "),
      `${SHAPES[markOfParent(outcome)]} ${wordOfParent(outcome, first)}`,
      first.level === null ? "" : String(first.level),
      first.digest === null ? "" : code(first.digest),
    ];
    return `| ${cells.join(" | ")} |`;
  });
  if (rows.length === 0) return { lines: ["No image goes in."] };
  return {
    before: ["| image | role | where | platform | verdict | level | digest |", "|---|---|---|---|---|---|---|"],
    lines: rows,
  };
}
