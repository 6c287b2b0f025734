import { buffer } from "node:stream/consumers";
import { createRepositoryNumbers } from "../github/repository-numbers.ts";
import { type CheckedPolicy, policyCheckDocument, policyCheckText } from "../report/policy-check.ts";
import { printable, printableJson } from "../report/printable.ts";
import { parsePolicy } from "../trust/policy.ts";
import { PolicyError } from "../trust/policy-fault.ts";
import { type PolicyWithIds, writeIds } from "../trust/policy-ids.ts";
import { policyWarnings } from "../trust/policy-warnings.ts";
import { EXIT, type ExitCode, UsageError } from "./exit-code.ts";
import { replaceFile } from "./replace-file.ts";
import { readInput, type Surroundings, wantsColour } from "./walk.ts";

/** What `policy check` was asked. */
export interface PolicyCheckArguments {
  /** Files; `-` is standard input. */
  readonly files: readonly string[];
  readonly output: "text" | "json";
  /** Write the numbers of repositories and owners into the files. */
  readonly fix: boolean;
}

/** Where it reads from beside files. */
export type CheckSurroundings = Surroundings & { readonly stdin: NodeJS.ReadableStream };

/** How long GitHub may take for all the names of all files, in milliseconds. */
const FIX_MS = 120_000;

/** Finds every fault of policy files: exit code 2 where one can't be used. @throws {UsageError} where one can't be read. */
export async function policyCheckCommand(
  { files, output, fix }: PolicyCheckArguments,
  surroundings: CheckSurroundings,
): Promise<ExitCode> {
  if (files.filter((file) => file === "-").length > 1) throw new UsageError("- is standard input, and is read once");
  if (fix && files.includes("-")) throw new UsageError("--fix writes into files, and - is none: name the file");
  const { stdout, stderr, env, stdin } = surroundings;
  const now = surroundings.now();
  const read: { readonly file: string; readonly bytes: Uint8Array }[] = [];
  for (const file of files)
    read.push({ file, bytes: file === "-" ? await buffer(stdin) : await readInput("policy", file) });
  const numbers = createRepositoryNumbers({
    token: env.GH_TOKEN || env.GITHUB_TOKEN,
    signal: AbortSignal.timeout(FIX_MS),
  });
  const checked: CheckedPolicy[] = [];
  let isUnwritten = false;
  for (const { file, bytes } of read) {
    const before = checkedPolicy(bytes, file === "-" ? "<stdin>" : file, now);
    if (!fix || before.faults.length > 0) {
      checked.push(before);
      continue;
    }
    const fixed = await writeIds(bytes, file, numbers);
    try {
      if (fixed.written.length > 0) await replaceFile(file, bytes, fixed.bytes);
      checked.push(checkedPolicy(fixed.bytes, file, now, fixed));
    } catch (error) {
      isUnwritten = true;
      checked.push(checkedPolicy(bytes, file, now, { ...fixed, written: [] }));
      stderr.write(
        `trusted-builds: ${printable(`write policy ${file}: ${(error as Error).message}; it is as it was`)}\n`,
      );
    }
  }
  const style = { colour: wantsColour(stdout, env) };
  stdout.write(
    output === "json"
      ? printableJson(policyCheckDocument(checked))
      : checked.map((each) => policyCheckText(each, style)).join("\n"),
  );
  if (isUnwritten || checked.some(({ faults }) => faults.length > 0)) return EXIT.usage;
  return checked.some(({ unseen }) => unseen.length > 0) ? EXIT.undetermined : EXIT.trusted;
}

function checkedPolicy(
  bytes: Uint8Array,
  file: string,
  now: Date,
  { warnings, written, unseen }: Omit<PolicyWithIds, "bytes"> = { warnings: [], written: [], unseen: [] },
): CheckedPolicy {
  const text = new TextDecoder().decode(bytes);
  try {
    const policy = parsePolicy(bytes, file);
    const placed = <T extends { readonly path: string }>(each: T) => {
      const { line, column } = policy.lineOf(each.path) ?? { line: 1, column: 1 };
      return { ...each, line, column };
    };
    return {
      ...{ file, text, digest: policy.digest, faults: [] },
      warnings: [...policyWarnings(policy, now), ...warnings].map(placed),
      written: written.map(placed),
      unseen: unseen.map(placed),
    };
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    return { file, text, digest: undefined, faults: error.faults, warnings: [], written: [], unseen: [] };
  }
}
