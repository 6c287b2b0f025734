import type { JudgedNode, Step } from "./verdict.ts";

/**
 * Every node that can be reached, with the way there that people care for most: by `FROM` alone where there is one, since that lies
 * under the image, else with as few other steps as can be; of several such ways the shortest.
 */
export function waysFrom(
  from: readonly string[],
  nodes: ReadonlyMap<string, JudgedNode>,
): ReadonlyMap<string, readonly Step[]> {
  const ways = new Map<string, readonly Step[]>(from.map((id) => [id, [{ node: id, role: undefined }]]));
  for (let reached: readonly string[] = [...ways.keys()]; reached.length > 0; ) {
    // A queue that grows while it is read: first all that is reached by base alone, and only then one step of another role.
    const queue = new Set(reached);
    for (const id of queue) {
      for (const to of follow(id, true)) queue.add(to);
    }
    reached = [...queue].flatMap((id) => follow(id, false));
  }
  return ways;

  function follow(id: string, byBase: boolean): readonly string[] {
    const node = nodes.get(id);
    // Skipping it would judge the image without one of its ancestors.
    if (node === undefined) throw new Error(`judged an ancestry in which ${id} is named and missing`);
    const found: string[] = [];
    for (const { to, role } of node.parents) {
      if ((role === "base") !== byBase || ways.has(to)) continue;
      ways.set(to, [...(ways.get(id) ?? []), { node: to, role }]);
      found.push(to);
    }
    return found;
  }
}

/** Every node that can be reached. */
export function reachedFrom(from: readonly string[], nodes: ReadonlyMap<string, JudgedNode>): readonly JudgedNode[] {
  return [...waysFrom(from, nodes).keys()].flatMap((id) => nodes.get(id) ?? []);
}
