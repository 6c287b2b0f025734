import type { Finding } from "../trust/finding.ts";
import type { Outcome } from "../trust/verdict.ts";
import type { VerdictDocument } from "./json.ts";

/** How something looks at a glance: by shape, by word, and by colour, never by colour alone. */
export type Mark =
  | "good"
  | "bad"
  | "unknown"
  | "root"
  /** In order by itself, and resting on what isn't. */
  | "undermined";

/** Shapes for text. */
export const SHAPES: Readonly<Record<Mark, string>> = { good: "✔", bad: "✖", unknown: "?", root: "◆", undermined: "○" };

/** The mark of a verdict. */
export function markOfOutcome(outcome: Outcome): Mark {
  switch (outcome) {
    case "trusted":
      return "good";
    case "untrusted":
      return "bad";
    case "undetermined":
      return "unknown";
  }
}

/** The mark of one image by itself. Roots, other verifiers' answers, and what policy doesn't judge, never look attested. */
export function markOfFinding({ kind }: Pick<Finding, "kind">): Mark {
  switch (kind) {
    case "attested":
    case "scratch":
      return "good";
    case "root":
    case "summarised":
    case "pinned":
    case "allowed":
      return "root";
    case "unreachable":
      return "unknown";
    case "unattested":
    case "refused":
    case "opaque":
    case "unresolved":
    case "malformed":
    case "mismatch":
    case "layers-mismatch":
    case "undeclared-base":
    case "revoked":
    case "cycle":
    case "limit":
      return "bad";
  }
}

/** The mark of every image of an ancestry, by id: a tick before one that rests on an unsound one would be read as trust. */
export function marksOf({ nodes }: Pick<VerdictDocument, "nodes">): ReadonlyMap<string, Mark> {
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
  return new Map(
    nodes.map(({ id, finding }) => {
      const own = markOfFinding(finding);
      return [id, own === "good" && undermined.has(id) ? "undermined" : own];
    }),
  );
}
