import type { JudgedNode } from "./verdict.ts";
import { waysFrom } from "./ways.ts";

/** Claims that name each other in a ring: no honest build can, since a digest covers what it names. */
export function markCycles(nodes: Map<string, JudgedNode>): void {
  for (const id of withoutEnds(nodes)) {
    const node = nodes.get(id);
    if (node === undefined) continue;
    const below = waysFrom(
      node.parents.map(({ to }) => to),
      nodes,
    );
    const path = below.get(id);
    if (path === undefined) continue;
    const through = path.map((step) => nodes.get(step.node)?.reference ?? step.node).join(" → ");
    nodes.set(id, {
      ...node,
      finding: { kind: "cycle", reason: `it claims to be built from itself: ${through}` },
      level: 0,
    });
  }
}

/** What is left when all that has no parents is taken away, again and again: of an honest ancestry nothing. */
function withoutEnds(nodes: ReadonlyMap<string, JudgedNode>): ReadonlySet<string> {
  const left = new Set(nodes.keys());
  for (let before = -1; before !== left.size; ) {
    before = left.size;
    for (const id of [...left].reverse()) {
      if (!nodes.get(id)?.parents.some(({ to }) => left.has(to))) left.delete(id);
    }
  }
  return left;
}
