import { type DocumentFault, faultGroups, generationOf, wayTo } from "./faults.ts";
import type { VerdictDocument } from "./json.ts";
import { code, prose } from "./markdown.ts";
import type { Section } from "./markdown-limits.ts";

/** What is wrong, and what could not be looked at, as Markdown. @param of - Ends both headings: whose word it is. */
export function problemSections({ faults, unreachable, nodes }: VerdictDocument, of = ""): readonly Section[] {
  const section = (title: string, told: readonly DocumentFault[]): Section => ({
    before: told.length === 0 ? [] : [`### ${title}${of}`, ""],
    lines: faultGroups(told).flatMap((group) => faultLines(group, nodes)),
  });
  return [section("What is wrong", faults), section("What could not be looked at", unreachable)];
}

function faultLines(group: readonly [DocumentFault, ...DocumentFault[]], nodes: VerdictDocument["nodes"]): string[] {
  const [first] = group;
  return [
    ...group.map((fault) => {
      const way = wayTo(fault, nodes);
      const steps = way.map(({ role, name }) => `${role === null ? "" : `${role} `}${code(name)}`);
      return `- ${code(fault.code)}: ${code(way.at(-1)?.name ?? fault.node)}, ${generationOf(fault)}${steps.length < 2 ? "" : `: ${steps.join(" → ")}`}`;
    }),
    `  - why: ${prose(first.reason)}`,
    ...(first.mend === "" ? [] : [`  - what would mend it: ${prose(first.mend)}`]),
  ];
}
