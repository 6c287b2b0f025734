import { conclusionOfPull } from "../change/conclusion.ts";
import type { PolicyOf, PullFile, PullOutcome } from "../change/pull.ts";
import { groupBy } from "./grouping.ts";
import { code, prose } from "./markdown.ts";
import type { Section } from "./markdown-limits.ts";
import type { ShownFile } from "./pull-shown.ts";

/** What a word of policy means for a pull request, for who meets it first (RULES R35). */
const MODES: Readonly<Record<PullFile["enforced"][number]["mode"], string>> = {
  strict: "every fault fails",
  ratchet: "the change is judged and not the past: what gets worse than on the base branch fails",
  report: "faults are reported, and fail only where they say that somebody tampered",
};

/** Whose policy it is. */
export const POLICIES: Readonly<Record<PolicyOf, string>> = {
  repository: "policy of the repository",
  organisation: "policy of the organisation",
  default: "default policy, as the repository has none",
};

/** Why a check ends as it does, where the verdict alone doesn't say it. */
export function enforcementSections(
  outcome: Extract<PullOutcome, { readonly kind: "judged" | "no-dockerfile" }>,
  files: readonly ShownFile[],
  isTrusted: boolean,
): readonly Section[] {
  const held = heldBack(outcome);
  const conclusion = conclusionOfPull(outcome);
  if (isTrusted && files.every((file) => file.conclusion === "success"))
    return held.length === 0 ? [] : [{ before: ["### Why this check fails", ""], lines: held }];
  const title = { success: "passes", failure: "fails", action_required: "doesn't pass", cancelled: "was cancelled" }[
    conclusion
  ];
  const weighed = files.flatMap(({ file }) => file.enforced.map((each) => ({ ...each, path: file.path })));
  const alike = groupBy(weighed, ({ path: _, ...said }) => JSON.stringify(said));
  const lines = [...alike.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const paths = files.length === 1 ? "" : ` (${[...new Set(group.map(({ path }) => path))].map(code).join(", ")})`;
    return [
      `- ${POLICIES[first.policy]}, ${code(`enforce: ${first.mode}`)}, where ${MODES[first.mode]}: ${code(first.conclusion)}, because ${prose(first.reason)}${paths}`,
    ];
  });
  const unweighed = files.some(
    ({ file, after }) => file.enforced.length === 0 && after !== "absent" && after !== "trusted",
  );
  return [
    {
      before: [`### Why this check ${title}`, ""],
      lines: [
        ...(conclusion === "success"
          ? ["**What would be built is not trusted**, and the check passes all the same.", ""]
          : []),
        ...lines,
        ...(unweighed ? [`- what no policy weighed: ${code("failure")}, for it was never weighed`] : []),
        ...held,
        `- this check: ${code(conclusion)}; with ${code("enforce: strict")}: ${code(conclusion === "action_required" ? conclusion : "failure")}`,
      ],
    },
  ];
}

/** GitHub counts a check run for every pull request with the same head. */
export function heldBack(outcome: PullOutcome): readonly string[] {
  const other = "heldBackBy" in outcome ? outcome.heldBackBy : undefined;
  return other === undefined
    ? []
    : [
        `- held back by pull request ${code(`#${other}`)}: it has the same head commit and doesn't pass, and GitHub counts a commit's check runs for both`,
      ];
}
