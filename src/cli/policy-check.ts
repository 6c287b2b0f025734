import { buffer } from "node:stream/consumers";
import { type CheckedPolicy, policyCheckDocument, policyCheckText } from "../report/policy-check.ts";
import { printableJson } from "../report/printable.ts";
import { parsePolicy } from "../trust/policy.ts";
import { PolicyError } from "../trust/policy-fault.ts";
import { policyWarnings } from "../trust/policy-warnings.ts";
import { EXIT, type ExitCode, UsageError } from "./exit-code.ts";
import { readInput, type Surroundings, wantsColour } from "./walk.ts";

/** What `policy check` was asked. */
export interface PolicyCheckArguments {
  /** Files; `-` is standard input. */
  readonly files: readonly string[];
  readonly output: "text" | "json";
}

/** Where it reads from beside files. */
export type CheckSurroundings = Surroundings & { readonly stdin: NodeJS.ReadableStream };

/** Finds every fault of policy files: exit code 2 where one can't be used. @throws {UsageError} where one can't be read. */
export async function policyCheckCommand(
  { files, output }: PolicyCheckArguments,
  surroundings: CheckSurroundings,
): Promise<ExitCode> {
  if (files.filter((file) => file === "-").length > 1) throw new UsageError("- is standard input, and is read once");
  const { stdout, env, stdin } = surroundings;
  const now = surroundings.now();
  const checked: CheckedPolicy[] = [];
  for (const file of files) {
    const bytes = file === "-" ? await buffer(stdin) : await readInput("policy", file);
    checked.push(checkedPolicy(bytes, file === "-" ? "<stdin>" : file, now));
  }
  const style = { colour: wantsColour(stdout, env) };
  stdout.write(
    output === "json"
      ? printableJson(policyCheckDocument(checked))
      : checked.map((each) => policyCheckText(each, style)).join("\n"),
  );
  return checked.some(({ faults }) => faults.length > 0) ? EXIT.usage : EXIT.trusted;
}

function checkedPolicy(bytes: Uint8Array, file: string, now: Date): CheckedPolicy {
  const text = new TextDecoder().decode(bytes);
  try {
    const policy = parsePolicy(bytes, file);
    const warnings = policyWarnings(policy, now).map((warning) => {
      const { line, column } = policy.lineOf(warning.path) ?? { line: 1, column: 1 };
      return { ...warning, line, column };
    });
    return { file, text, digest: policy.digest, faults: [], warnings };
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    return { file, text, digest: undefined, faults: error.faults, warnings: [] };
  }
}
