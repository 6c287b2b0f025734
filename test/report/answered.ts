import type { Answer } from "../../src/report/answers.ts";
import { verdictDocument } from "../../src/report/json.ts";
import type { Verdict } from "../../src/trust/verdict.ts";
import { chainOf, fault, node, verdict } from "./verdicts.ts";

/** A verdict as one of the answers to a command. */
export const answered = (given: Verdict): Answer => ({ kind: "verdict", document: verdictDocument(given) });

export const trusted = verdict([node("app")]);

const chain = chainOf({ finding: { kind: "unattested" } }).nodes;
const [app, runtime, base] = chain;
if (app === undefined || runtime === undefined || base === undefined) throw new Error("a chain has three nodes");

/** Two faults: of the grandparent, and of the parent. */
export const untrusted = verdict(chain, {
  outcome: "untrusted",
  faults: [fault("unattested", [app], [runtime, "base"], [base, "base"]), fault("workflow", [app], [runtime, "input"])],
});

const hidden = node("app", { finding: { kind: "unreachable", code: "network", reason: "no route" } });
export const undetermined = verdict([hidden], { outcome: "undetermined", unreachable: [fault("network", [hidden])] });

/** One that could not be judged as it was asked for. */
export const unusable: Answer = { kind: "unusable", image: "oci:absent", reason: "read oci:absent: it isn't there" };
