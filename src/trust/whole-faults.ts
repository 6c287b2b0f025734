import type { Finding } from "./finding.ts";
import { isSound, type Verdict } from "./verdict.ts";

/**
 * Those of a verdict's faults, or of what couldn't be looked at, that are the whole image's: they have no node, and so stand at a
 * platform's. Of its own a node has one among the faults if it isn't in order, and one among the others if it couldn't be looked at;
 * its own stands before any of the whole.
 *
 * @param findingOf - What was found of a node, by id.
 */
export function ofTheWhole<Each extends Pick<Verdict["faults"][number], "node">>(
  listed: readonly Each[],
  kind: "faults" | "unreachable",
  findingOf: (id: string) => Pick<Finding, "kind"> | undefined,
): readonly Each[] {
  const own = new Set<string>();
  return listed.filter(({ node: id }) => {
    const finding = findingOf(id);
    const isOwn =
      !own.has(id) &&
      finding !== undefined &&
      !isSound(finding) &&
      (finding.kind === "unreachable") === (kind === "unreachable");
    if (isOwn) own.add(id);
    return !isOwn;
  });
}
