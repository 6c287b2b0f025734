import { conclusionOf, type EnforcedBy, type Outcome } from "../build/build.ts";
import { code, prose } from "./markdown.ts";

/** What a check run says of what decided it, where that isn't the verdict alone (RULES R35). */
export interface Enforcement {
  /** Behind the title's first word: whoever sees a green check must see that it doesn't mean trusted. */
  readonly title: string;
  readonly lines: readonly string[];
}

/** @returns undefined where every fault fails. */
export function enforcementOf(outcome: Extract<Outcome, { readonly kind: "verdict" }>): Enforcement | undefined {
  const { verdict, enforced = [] } = outcome;
  if (verdict !== "untrusted" || enforced.length === 0) return undefined;
  const conclusion = conclusionOf(outcome);
  const isPassed = conclusion === "success";
  const title = !isPassed
    ? ""
    : enforced.some(({ mode }) => mode === "ratchet")
      ? " (no worse than before)"
      : " (reported only)";
  return {
    title,
    lines: [
      ...(isPassed ? ["**This image is not trusted**, and the check passes all the same.", ""] : []),
      ...enforced.map((each) => `- ${policyWords(each)}: ${prose(each.reason)}`),
      `- this check: ${code(conclusion)}; with ${code("enforce: strict")}: ${code("failure")}`,
    ],
  };
}

function policyWords({ policy, mode }: EnforcedBy): string {
  return `policy of the ${policy}, ${code(`enforce: ${mode}`)}`;
}
