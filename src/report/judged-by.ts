import type { Outcome as BuildOutcome, EnforcedBy } from "../build/build.ts";
import type { PolicyText } from "../build/ports.ts";
import type { Outcome } from "../trust/verdict.ts";
import type { VerdictDocument } from "./json.ts";

/** One policy's verdict on a build's image, as it is stored. */
export interface JudgedBy {
  readonly policy: Omit<PolicyText, "bytes">;
  readonly document: VerdictDocument;
}

/** The worse of what a build says and what its verdicts say (RULES R2): one that doesn't pass is never shown as if it did. */
export function shownOutcome(outcome: BuildOutcome, judged: readonly JudgedBy[]): BuildOutcome {
  if (outcome.kind !== "verdict") return outcome;
  const outcomes: readonly Outcome[] = [outcome.verdict, ...judged.map(({ document }) => document.verdict)];
  if (outcomes.includes("untrusted")) {
    const { verdict, enforced } = outcome;
    const isKept =
      verdict === "untrusted" && enforced !== undefined && judged.every((each) => isSaidBy(each, enforced));
    return { kind: "verdict", verdict: "untrusted", ...(isKept && { enforced }) };
  }
  return outcomes.includes("undetermined")
    ? { kind: "undetermined", reason: "not everything could be looked at" }
    : outcome;
}

/** Whether a policy had a say in how the check ends (RULES R35): a verdict that nobody weighed fails it. */
function isSaidBy({ policy, document }: JudgedBy, enforced: readonly EnforcedBy[]): boolean {
  const said = enforced.filter(({ policy: kind }) => kind === policy.kind);
  return (
    said.length > 0 && (document.verdict !== "undetermined" || said.every((each) => each.conclusion !== "success"))
  );
}

/** Those that say what is wrong stand before those that don't. */
export function worstFirst(judged: readonly JudgedBy[]): readonly JudgedBy[] {
  const order: readonly Outcome[] = ["untrusted", "undetermined", "trusted"];
  return judged.toSorted((a, b) => order.indexOf(a.document.verdict) - order.indexOf(b.document.verdict));
}
