import type { Conclusion } from "../build/build.ts";
import type { PullFile, PullOutcome } from "./pull.ts";

/** The one table from the outcomes of pull requests' checks to conclusions; never one that GitHub counts as passed without having looked. */
export function conclusionOfPull(outcome: PullOutcome): Conclusion {
  const own = ownConclusionOf(outcome);
  return own === "success" && "heldBackBy" in outcome && outcome.heldBackBy !== undefined ? "failure" : own;
}

/** What it would be if no other pull request had the same head. */
export function ownConclusionOf(outcome: PullOutcome): Conclusion {
  switch (outcome.kind) {
    case "judged": {
      const said = outcome.files.map(conclusionOfFile);
      if (said.includes("failure")) return "failure";
      if (said.includes("action_required")) return "action_required";
      // Nothing was judged (RULES R18).
      if (said.length === 0) return outcome.verdict === "undetermined" ? "action_required" : "failure";
      return "success";
    }
    case "no-dockerfile":
      return "success";
    case "policy-wrong":
    case "limit":
      return "failure";
    case "undetermined":
      return "action_required";
    case "superseded":
      return "cancelled";
  }
}

/** The worst that the policies make of a file (RULES R2, R35); a forecast that no policy weighed counts as it stands. */
export function conclusionOfFile({ after, enforced }: PullFile): "success" | "failure" | "action_required" {
  const said = enforced.map(({ conclusion }) => conclusion);
  if (said.includes("failure")) return "failure";
  switch (after.kind) {
    case "absent":
      break;
    case "refused":
      if (said.length === 0) return "failure";
      break;
    case "judged": {
      if (after.forecasts.length === 0) return "failure";
      const unweighed = after.forecasts.filter(({ policy }) => !enforced.some((each) => each.policy === policy));
      if (unweighed.some(({ standing }) => standing.outcome === "untrusted")) return "failure";
      // What tampering looks like may lie where nobody could look: no mode lets that pass.
      if (after.forecasts.some(({ standing }) => standing.outcome === "undetermined" || standing.isPartial))
        return "action_required";
    }
  }
  return said.includes("action_required") ? "action_required" : "success";
}
