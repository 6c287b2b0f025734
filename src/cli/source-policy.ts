import { writeFile } from "node:fs/promises";
import { formatPlatform } from "../image/platform.ts";
import { formatReference } from "../image/reference.ts";
import { printable } from "../report/printable.ts";
import { type Admission, type AdmittedImage, admissionOf, sourcePolicyJson } from "../report/source-policy.ts";
import type { Verdict } from "../trust/verdict.ts";
import { RefusedDockerfile } from "./dockerfile-readings.ts";
import type { DockerfileSurroundings } from "./dockerfile-request.ts";
import { EXIT, type ExitCode, exitCodeOf, isUsage, UsageError, worstExit } from "./exit-code.ts";
import { imagesWanted, type Wanted, type WantedArguments } from "./source-policy-images.ts";
import { type JudgeSettings, openWalks, type Walks } from "./walk.ts";

/** Most faults that are told of one image: `verify` tells all. */
const MAX_FAULTS = 3;

/** What `source-policy` was asked. */
export interface SourcePolicyArguments extends WantedArguments, JudgeSettings {
  /** Where the policy goes, if not to standard output. */
  readonly out?: string;
}

/**
 * Judges images by the caller's policy, each as itself, and writes the policy with which BuildKit takes those that are trusted, by digest,
 * and refuses all others. It is written whatever the verdicts are: what isn't trusted isn't in it, and so refused.
 *
 * @returns the worst exit code: also 1 where a build of the Dockerfile would be refused for something else.
 * @throws {UsageError} @throws {PolicyError} for what the person has to mend before anything can be judged; nothing is written then.
 */
export async function sourcePolicyCommand(
  args: SourcePolicyArguments,
  surroundings: DockerfileSurroundings,
): Promise<ExitCode> {
  const { stdout, stderr } = surroundings;
  const say = (text: string) => {
    if (args.quiet !== true) stderr.write(`trusted-builds: ${printable(text)}\n`);
  };
  const { platform: _, ...settings } = args;
  const walks = await openWalks(settings, surroundings);
  let wanted: Wanted;
  try {
    wanted = await imagesWanted(args, () => walks.connect([]), surroundings);
  } catch (error) {
    if (!(error instanceof RefusedDockerfile)) throw error;
    const { line, column } = error.fault;
    stderr.write(`${printable(`${error.file}:${line}:${column}: ${error.message}`)}\n`);
    return EXIT.usage;
  }
  const { admitted, exits } = await judgeAll(wanted, walks, say, surroundings);
  for (const note of wanted.notes) say(note);
  const text = sourcePolicyJson(admitted, args.denyOtherSources);
  if (args.out === undefined) stdout.write(text);
  else await save(args.out, text);
  say(
    `EXPERIMENTAL_BUILDKIT_SOURCE_POLICY=${args.out ?? "FILE"} docker buildx build … takes these ${admitted.length} images, and no other`,
  );
  return wanted.images.length === 0 && wanted.exits.length === 0
    ? EXIT.trusted
    : worstExit([...exits, ...wanted.exits]);
}

async function judgeAll(
  { images }: Wanted,
  walks: Pick<Walks, "judge">,
  say: (text: string) => void,
  { stderr }: DockerfileSurroundings,
): Promise<{ readonly admitted: readonly AdmittedImage[]; readonly exits: readonly ExitCode[] }> {
  const admitted: AdmittedImage[] = [];
  const exits: ExitCode[] = [];
  for (const { asked, only } of images) {
    const { reference } = asked;
    try {
      const verdict = await walks.judge(asked, only);
      const admission = admissionOf(reference, verdict);
      if (admission.kind === "admitted") admitted.push(admission.image);
      say(lineOf(formatReference(reference), verdict, admission));
      exits.push(admission.kind === "mixed" ? EXIT.usage : exitCodeOf(verdict));
    } catch (error) {
      if (!isUsage(error)) throw error;
      stderr.write(`trusted-builds: ${printable(`${formatReference(reference)}: ${error.message}`)}\n`);
      exits.push(EXIT.usage);
    }
  }
  return { admitted, exits };
}

function lineOf(name: string, verdict: Verdict, admission: Admission): string {
  const { outcome, faults, unreachable, validUntil, platforms } = verdict;
  switch (admission.kind) {
    case "admitted": {
      const until = validUntil === undefined ? "" : `, until ${validUntil.toISOString()}`;
      return `${outcome}: ${name} → ${admission.image.pinned.digest}${until}`;
    }
    case "mixed": {
      const counting = platforms.filter(({ counts }) => counts).flatMap(({ platform }) => platform ?? []);
      return `${name} is trusted for ${counting.map(formatPlatform).join(", ")} and judged for no other platform, which a source policy can't tell apart: give one with --platform`;
    }
    case "refused": {
      const codes = [...new Set((outcome === "untrusted" ? faults : unreachable).map(({ code }) => code))];
      const shown = codes.slice(0, MAX_FAULTS).join(", ");
      return `${outcome}: ${name}${shown === "" ? "" : ` (${shown})`}, and refused: trusted-builds verify ${name} says why`;
    }
  }
}

/** @throws {UsageError} BuildKit refuses to build by half a file. */
async function save(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    throw new UsageError(`write the source policy ${path}: ${(error as Error).message}`, { cause: error });
  }
}
