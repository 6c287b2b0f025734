import { verdictJson } from "../report/json.ts";
import { printable } from "../report/printable.ts";
import { verdictText } from "../report/text.ts";
import { type ExitCode, exitCodeOf, UsageError } from "./exit-code.ts";
import { prepareVsa, type VsaArguments } from "./vsa.ts";
import { judgeAsked, type Surroundings, type WalkArguments, wantsColour } from "./walk.ts";

/** What `verify` was asked. */
export interface VerifyArguments extends WalkArguments, VsaArguments {
  readonly output: "text" | "json";
}

/**
 * Judges an image by the caller's policy, or by the default one.
 *
 * @throws {UsageError} @throws {PolicyError} for what the person has to mend before anything can be judged.
 */
export async function verifyCommand(args: VerifyArguments, surroundings: Surroundings): Promise<ExitCode> {
  const { env, stdout, stderr } = surroundings;
  if (args.offline && args.vsaTsa !== undefined)
    throw new UsageError("--offline forbids every connection, also those of --vsa-tsa");
  const writeVsa = await prepareVsa(args, args.policy);
  const { verdict } = await judgeAsked(args, surroundings);
  stdout.write(
    args.output === "json" ? verdictJson(verdict) : verdictText(verdict, { colour: wantsColour(stdout, env) }),
  );
  // After the verdict is told: that it can't be written changes nothing of it but the exit code.
  if (writeVsa !== undefined) stderr.write(`trusted-builds: ${printable(await writeVsa(verdict))}\n`);
  return exitCodeOf(verdict);
}
