import { parentRows, resolvedReference } from "./forecast-parents.ts";
import { pinsOf } from "./forecast-pins.ts";
import { groupBy } from "./grouping.ts";
import { code, link, prose } from "./markdown.ts";
import type { Section } from "./markdown-limits.ts";
import { POLICIES } from "./pull-enforcement.ts";
import { faultsOf, type ShownFault, unreachableOf } from "./pull-faults.ts";
import type { PullLinks } from "./pull-links.ts";
import type { ShownFile } from "./pull-shown.ts";
import { shortReference } from "./short-reference.ts";

/** How many lines of a file are named beside one fault. */
const MAX_LINES = 5;

/** What is wrong with the files, and what could not be looked at: each with its lines, the way there, why, and what would mend it. */
export function problemSections(files: readonly ShownFile[], links: PullLinks): readonly Section[] {
  const refused = files.flatMap(({ file }) => {
    if (file.after.kind !== "refused") return [];
    const { line, column, reason } = file.after;
    return [
      `- ${link(`${file.path}:${line}:${column}`, links.file(file.path, line))}: this Dockerfile can't be read as BuildKit reads it, so that nothing was judged`,
      `  - why: ${prose(reason)}`,
    ];
  });
  const isBySeveral = files.some(({ forecastsAfter }) => new Set(forecastsAfter.map(({ policy }) => policy)).size > 1);
  const told = (faults: readonly ShownFault[]) => faultLines(faults, links, isBySeveral);
  const section = (title: string, lines: readonly string[]): readonly Section[] =>
    lines.length === 0 ? [] : [{ before: [`### ${title}`, ""], lines }];
  return [
    ...section("What is wrong", [...refused, ...told(files.flatMap(faultsOf))]),
    ...section("What could not be looked at", told(files.flatMap(unreachableOf))),
    ...section("What is left out here", files.flatMap(leftOut)),
  ];
}

/** Images that are named by a tag alone, with what to write, and pinned ones whose tag has moved on. */
export function pinSections(files: readonly ShownFile[], links: PullLinks): readonly Section[] {
  const pins = new Set(
    files.flatMap(({ file, forecastsAfter }) =>
      pinsOf(forecastsAfter.map(({ document }) => document)).map(
        ({ written, pinned, line }) =>
          `- ${link(`${file.path}:${line}`, links.file(file.path, line))}: ${code(written)} can move; to pin it, write ${code(pinned)}`,
      ),
    ),
  );
  const newer = new Set(
    files.flatMap(({ file, forecastsAfter }) =>
      forecastsAfter.flatMap(({ document }) =>
        parentRows(document).flatMap(({ first }) => {
          if (first.newer === null) return [];
          const [use] = first.uses;
          const at =
            use === undefined ? code(file.path) : link(`${file.path}:${use.line}`, links.file(file.path, use.line));
          const to = code(shortReference(resolvedReference({ ...first, digest: first.newer.digest })));
          const said =
            first.newer.outcome === "trusted"
              ? `${to}, which is trusted by now`
              : `${to}, which is ${first.newer.outcome}: the pin stays`;
          return [`- ${at}: the tag of ${code(shortReference(resolvedReference(first)))} leads to ${said}`];
        }),
      ),
    ),
  );
  return [
    ...(pins.size === 0 ? [] : [{ before: ["### Named by a tag alone", ""], lines: [...pins] }]),
    ...(newer.size === 0 ? [] : [{ before: ["### Tags that moved on", ""], lines: [...newer] }]),
  ];
}

function faultLines(faults: readonly ShownFault[], links: PullLinks, isBySeveral: boolean): readonly string[] {
  const alike = groupBy(faults, (fault) => JSON.stringify([fault.code, fault.reason, fault.mend]));
  return [...alike.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    return [
      ...group.map((fault) => faultLine(fault, links, isBySeveral)),
      `  - why: ${prose(first.reason)}`,
      ...(first.mend === "" ? [] : [`  - what would mend it: ${prose(first.mend)}`]),
    ];
  });
}

function faultLine(fault: ShownFault, links: PullLinks, isBySeveral: boolean): string {
  const { file, lines, parent, platforms, path, policies, isNew } = fault;
  const name = file.file.path;
  const places = [...new Map(lines.map(({ line }) => [line, line])).keys()].slice(0, MAX_LINES);
  const at =
    places.length === 0
      ? [link(name, links.file(name))]
      : places.map((line) => link(`${name}:${line}`, links.file(name, line)));
  const way = path.map(({ reference, role }) => `${role === null ? "" : `${role} `}${code(shortReference(reference))}`);
  return [
    `- ${code(fault.code)}: ${parent === undefined ? "" : `${parent.role} ${code(shortReference(resolvedReference(parent)))}, `}${at.join(", ")}`,
    ...(platforms.length === 0 || platforms.length >= file.file.platforms.length
      ? []
      : [`on ${platforms.map(code).join(", ")}`]),
    ...(isBySeveral ? [`says the ${policies.map((policy) => POLICIES[policy]).join(" and the ")}`] : []),
    ...(isNew === true ? ["**new here**"] : isNew === false ? ["as on the base branch"] : []),
  ]
    .join(", ")
    .concat(way.length === 0 ? "" : `: ${way.join(" → ")}`);
}

function leftOut({ file, forecastsAfter }: ShownFile): readonly string[] {
  const count = (of: "faultsLeftOut" | "unreachableLeftOut") =>
    forecastsAfter.reduce((sum, { document }) => sum + document[of], 0);
  const [faults, unreachable] = [count("faultsLeftOut"), count("unreachableLeftOut")];
  return [
    ...(faults === 0 ? [] : [`- ${code(file.path)}: ${faults} more faults`]),
    ...(unreachable === 0 ? [] : [`- ${code(file.path)}: ${unreachable} more things that could not be looked at`]),
  ];
}
