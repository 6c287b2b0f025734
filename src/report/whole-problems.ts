import { ofTheWhole } from "../trust/whole-faults.ts";
import type { VerdictDocument } from "./json.ts";
import type { Mark } from "./marks.ts";
import { printable } from "./printable.ts";

/** What keeps an image from being trusted and is none of its nodes' own: a picture of nodes alone would look as if all were well. */
export interface WholeProblem {
  readonly mark: Extract<Mark, "bad" | "unknown">;
  /** `faults of the whole` */
  readonly title: string;
  /** Each once, and printable; none where the verdict itself is all that tells it. */
  readonly codes: readonly string[];
}

/** What is wrong with an image as a whole, then what couldn't be looked at of it; what no node and no fault explains is among them. */
export function wholeProblems(
  document: Pick<VerdictDocument, "verdict" | "nodes" | "faults" | "unreachable">,
): readonly WholeProblem[] {
  const { verdict, faults, unreachable } = document;
  const findings = new Map(document.nodes.map(({ id, finding }) => [id, finding]));
  const codesOf = (kind: "faults" | "unreachable") => [
    ...new Set(ofTheWhole(document[kind], kind, (id) => findings.get(id)).map(({ code }) => printable(code))),
  ];
  const [wrong, unseen] = [codesOf("faults"), codesOf("unreachable")];
  const isUnexplained =
    (verdict === "untrusted" && faults.length === 0) ||
    (verdict === "undetermined" && faults.length === 0 && unreachable.length === 0);
  return [
    ...(wrong.length === 0 ? [] : [{ mark: "bad", title: "faults of the whole", codes: wrong } as const]),
    ...(unseen.length === 0 ? [] : [{ mark: "unknown", title: "not looked at of the whole", codes: unseen } as const]),
    ...(isUnexplained
      ? [{ mark: verdict === "untrusted" ? "bad" : "unknown", title: `${verdict} as a whole`, codes: [] } as const]
      : []),
  ];
}

/** `faults of the whole: mixed-index`. */
export function wholeWords({ title, codes }: WholeProblem): string {
  return codes.length === 0 ? title : `${title}: ${codes.join(", ")}`;
}

/** The nodes that stand for the whole: the platforms that count, or all of them where none does. */
export function wholeSubjects({ platforms }: Pick<VerdictDocument, "platforms">): ReadonlySet<string> {
  const counting = platforms.filter(({ counts }) => counts);
  return new Set((counting.length === 0 ? platforms : counting).map(({ node }) => node));
}
