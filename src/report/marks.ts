import type { Finding } from "../trust/finding.ts";
import type { Outcome } from "../trust/verdict.ts";

/** How something looks at a glance: by shape, by word, and by colour, never by colour alone. */
export type Mark =
  | "good"
  | "bad"
  | "unknown"
  | "root"
  /** In order by itself, and resting on what isn't, or of a whole that isn't. */
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
