import type { VerdictDocument } from "./json.ts";
import { type Mark, markOfFinding } from "./marks.ts";
import { wholeProblems, wholeSubjects } from "./whole-problems.ts";

/**
 * The mark of every image of an ancestry, by id: a tick before one that rests on an unsound one would be read as trust, and so would one
 * before the image itself where something is wrong with it as a whole.
 */
export function marksOf(document: VerdictDocument): ReadonlyMap<string, Mark> {
  const undermined = new Set(restingOnUnsound(document));
  if (wholeProblems(document).length > 0) for (const id of wholeSubjects(document)) undermined.add(id);
  return new Map(
    document.nodes.map(({ id, finding }) => {
      const own = markOfFinding(finding);
      return [id, own === "good" && undermined.has(id) ? "undermined" : own];
    }),
  );
}

/** The images, by id, into which something went that isn't in order, or couldn't be looked at. */
export function restingOnUnsound({ nodes }: Pick<VerdictDocument, "nodes">): ReadonlySet<string> {
  const children = new Map<string, string[]>();
  for (const { id, parents } of nodes) {
    for (const { node } of parents) children.set(node, [...(children.get(node) ?? []), id]);
  }
  const unsound = nodes.filter(({ finding }) => ["bad", "unknown"].includes(markOfFinding(finding)));
  const undermined = new Set<string>();
  const queue = unsound.map(({ id }) => id);
  for (const id of queue) {
    for (const child of children.get(id) ?? []) {
      if (undermined.has(child)) continue;
      undermined.add(child);
      queue.push(child);
    }
  }
  return undermined;
}
