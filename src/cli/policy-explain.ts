import { explanationDocument, explanationText } from "../report/policy-explain.ts";
import { printableJson } from "../report/printable.ts";
import { explain } from "../trust/policy-explain.ts";
import { type ExitCode, exitCodeOf } from "./exit-code.ts";
import { judgeAsked, type Surroundings, type WalkArguments, wantsColour } from "./walk.ts";

/** What `policy explain` was asked. */
export interface PolicyExplainArguments extends WalkArguments {
  readonly output: "text" | "json";
}

/** Judges an image as `verify` does, and says for each node which line of the policy decided. @throws {UsageError} @throws {PolicyError} */
export async function policyExplainCommand(
  args: PolicyExplainArguments,
  surroundings: Surroundings,
): Promise<ExitCode> {
  const { stdout, env } = surroundings;
  const { policy, verdict } = await judgeAsked(args, surroundings);
  const explanations = explain(policy, verdict);
  stdout.write(
    args.output === "json"
      ? printableJson(explanationDocument(explanations, verdict))
      : explanationText(explanations, verdict, { colour: wantsColour(stdout, env) }),
  );
  return exitCodeOf(verdict);
}
