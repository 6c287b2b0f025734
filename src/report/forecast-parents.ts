import type { Outcome } from "../trust/verdict.ts";
import type { ForecastDocument, ParentDocument } from "./forecast-json.ts";
import { groupBy } from "./grouping.ts";
import { type Mark, markOfOutcome } from "./marks.ts";

/** How it stands with one parent: `null` where policy asks for no verdict on it, and nothing is wrong with how it is named. */
export type ParentOutcome = Outcome | null;

/** Parents that are one image in one role, on several platforms. */
export interface ParentRow {
  readonly first: ParentDocument;
  readonly platforms: readonly string[];
  readonly outcome: ParentOutcome;
}

/** What is said of a parent, its own verdict and the forecast's faults taken together. */
export function outcomeOfParent(document: ForecastDocument, index: number): ParentOutcome {
  const { outcome = null } = document.parents[index] ?? {};
  const said: readonly Outcome[] = [
    ...(outcome === null ? [] : [outcome]),
    ...(document.faults.some(({ parent }) => parent === index) ? (["untrusted"] as const) : []),
    ...(document.unreachable.some(({ parent }) => parent === index) ? (["undetermined"] as const) : []),
  ];
  return said.length === 0 ? null : worstOutcome(said);
}

/** The worst of some; trusted where there is none. */
export function worstOutcome(outcomes: readonly Outcome[]): Outcome {
  if (outcomes.includes("untrusted")) return "untrusted";
  return outcomes.includes("undetermined") ? "undetermined" : "trusted";
}

/** Its mark: what policy doesn't judge never looks judged. */
export function markOfParent(outcome: ParentOutcome): Mark {
  return outcome === null ? "root" : markOfOutcome(outcome);
}

/** `trusted`, or why there is no verdict. */
export function wordOfParent(outcome: ParentOutcome, { rule }: Pick<ParentDocument, "rule">): string {
  if (outcome !== null) return outcome;
  return rule === "pinned" ? "pinned, not judged" : "not judged";
}

/** The parents of a forecast in the order of the file; those that differ by platform alone are one row. */
export function parentRows(document: ForecastDocument): readonly ParentRow[] {
  const all = document.parents.map((each, i) => ({ each, outcome: outcomeOfParent(document, i) }));
  const rows = groupBy(all, ({ each, outcome }) =>
    JSON.stringify([each.reference, each.role, each.rule, each.digest, each.level, outcome, each.newer]),
  );
  return [...rows.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const platforms = [...new Set(group.map(({ each }) => each.platform))];
    return [{ first: first.each, platforms, outcome: first.outcome }];
  });
}

/** `registry/repository:tag@sha256:…`: the name as the file has it, and the digest that it leads to. */
export function resolvedReference({
  name,
  tag,
  digest,
  reference,
}: Pick<ParentDocument, "name" | "tag" | "digest" | "reference">): string {
  return digest === null ? reference : `${name}${tag === null ? "" : `:${tag}`}@${digest}`;
}
