import { createServerClient } from "../github/client.ts";
import { printable } from "../report/printable.ts";
import { type BuildRun, buildRunsOf } from "../trust/build-runs.ts";
import { CouldNotLook } from "../trust/ports.ts";
import type { Verdict } from "../trust/verdict.ts";
import { EXIT, type ExitCode, exitCodeOf, UsageError } from "./exit-code.ts";
import { printRuns } from "./run-log.ts";
import { judgeAsked, type Surroundings, type WalkArguments } from "./walk.ts";

/**
 * Prints the log of the run that built an image: that which the certificate of an accepted signature names, and nothing that the image says of
 * itself. The log is on standard output, and which run it is on standard error.
 *
 * @throws {UsageError} @throws {PolicyError} for what the person has to mend.
 */
export async function logCommand(args: WalkArguments, surroundings: Surroundings): Promise<ExitCode> {
  const { env, stderr } = surroundings;
  const say = (line: string) => stderr.write(`trusted-builds: ${printable(line)}\n`);
  const { verdict } = await judgeAsked(args, surroundings);
  const runs = buildRunsOf(verdict);
  if (runs.length === 0) return withoutRun(args.image, verdict, say);
  for (const run of runs) for (const line of wordsOf(run)) say(line);
  const token = env.GH_TOKEN || env.GITHUB_TOKEN;
  if (token === undefined || token === "")
    throw new UsageError(
      `read the log of ${runs[0]?.url}: GitHub shows logs, of public repositories too, only to those who are logged in; set GH_TOKEN, as with GH_TOKEN=$(gh auth token), or open that address`,
    );
  try {
    const printed = await printRuns(
      runs,
      { octokitFor: (server) => createServerClient(server, token), download: fetch },
      surroundings.stdout,
      say,
    );
    return printed === 0 ? EXIT.undetermined : EXIT.trusted;
  } catch (error) {
    if (!(error instanceof CouldNotLook)) throw error;
    say(error.message);
    return EXIT.undetermined;
  }
}

function withoutRun(image: string, verdict: Verdict, say: (line: string) => void): ExitCode {
  const asked = new Set(verdict.platforms.map(({ node }) => node));
  const told = [...verdict.faults, ...verdict.unreachable].filter(({ node }) => asked.has(node));
  for (const { code, reason } of told) say(`${image}: ${code}: ${reason}`);
  say(`${image}: nobody whom the policy accepts has signed in which run it was built`);
  const exit = exitCodeOf(verdict);
  return exit === EXIT.trusted ? EXIT.untrusted : exit;
}

function wordsOf({ run, attempt, repository, commit, ref, builder, url, acceptedBy }: BuildRun): readonly string[] {
  return [
    `run ${run}, attempt ${attempt}, of ${repository} at ${commit}${ref === undefined ? "" : ` (${ref})`}`,
    `  built by ${builder}, accepted by ${acceptedBy}`,
    `  ${url}`,
  ];
}
