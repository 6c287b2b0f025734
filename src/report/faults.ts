import { groupBy } from "./grouping.ts";
import type { VerdictDocument } from "./json.ts";
import { shortReference } from "./short-reference.ts";

/** Why an image isn't trusted, or what could not be looked at. */
export type DocumentFault = VerdictDocument["faults"][number];

/** One step on the way to a fault: what it was to the one before (nothing, for the image), and its short name. */
export interface NamedStep {
  readonly role: string | null;
  readonly name: string;
}

/** Faults that are alike are one thing to mend: the same thing may be wrong with every platform of an image. */
export function faultGroups(
  faults: readonly DocumentFault[],
): readonly (readonly [DocumentFault, ...DocumentFault[]])[] {
  const alike = groupBy(faults, ({ code, reason, mend }) => JSON.stringify([code, reason, mend]));
  return [...alike.values()].flatMap(([first, ...others]) =>
    first === undefined ? [] : [[first, ...others] as const],
  );
}

/** The way from the image to a fault, by short names that are safe for a terminal. */
export function wayTo({ path }: DocumentFault, nodes: VerdictDocument["nodes"]): readonly NamedStep[] {
  const references = new Map(nodes.map(({ id, reference }) => [id, reference]));
  return path.map(({ node, role }) => ({ role, name: shortReference(references.get(node) ?? node) }));
}

/** How far from the image a fault is. */
export function generationOf({ path }: DocumentFault): string {
  const generations = path.length - 1;
  if (generations < 1) return "the image";
  const [parent, grandparent, great] = ["its parent", "its grandparent", "its great-grandparent"];
  return [parent, grandparent, great][generations - 1] ?? `an ancestor ${generations} generations up`;
}
