import manifest from "../../package.json" with { type: "json" };
import { type Answer, answersText } from "../report/answers.ts";
import { verdictDocument, verdictJson } from "../report/json.ts";
import { printable, printableJsonLine } from "../report/printable.ts";
import { verdictsSarif } from "../report/sarif.ts";
import { verdictText } from "../report/text.ts";
import { verdictsMarkdown } from "../report/verdict-markdown.ts";
import { annotation, verdictAnnotations } from "../report/workflow-command.ts";
import type { Verdict } from "../trust/verdict.ts";
import { EXIT, type ExitCode, exitCodeOf, isUsage, UsageError, worstExit } from "./exit-code.ts";
import { type ImageListArguments, imagesAsked } from "./image-list.ts";
import { openServer, type ServerArguments } from "./served.ts";
import { parseAsked } from "./subject.ts";
import { prepareVsa, type VsaArguments } from "./vsa.ts";
import { openWalks, type Surroundings, type WalkSettings, wantsColour } from "./walk.ts";

/** The forms in which `verify` answers. */
export const VERIFY_OUTPUTS = ["text", "json", "jsonl", "sarif", "markdown"] as const;

/** Longest Markdown that is added to a run's page, in bytes; GitHub takes 1 MiB of a step, and nothing of what is longer. */
const MAX_SUMMARY_BYTES = 1_000_000;

/** What `verify` was asked. */
export interface VerifyArguments extends WalkSettings, VsaArguments, ServerArguments, ImageListArguments {
  readonly output: (typeof VERIFY_OUTPUTS)[number];
}

/** Where it reads a list from, beside files. */
export type VerifySurroundings = Surroundings & { readonly stdin: NodeJS.ReadableStream };

/** Judges images, and answers the exit code of the worst: see {@link verifyImages}. @throws {UsageError} @throws {PolicyError} */
export async function verifyCommand(args: VerifyArguments, surroundings: VerifySurroundings): Promise<ExitCode> {
  return (await verifyImages(args, surroundings)).exit;
}

/**
 * Judges images by the caller's policy, or by the default one: one after the other, each for itself.
 *
 * @returns the exit code of the worst, and what became of each.
 * @throws {UsageError} @throws {PolicyError} for what the person has to mend before anything can be judged. Of several images one that
 * can't be judged as it was asked for doesn't keep the others from it; it has no verdict, and the exit code says so.
 */
export async function verifyImages(
  args: VerifyArguments,
  surroundings: VerifySurroundings,
): Promise<{ readonly exit: ExitCode; readonly answers: readonly Answer[] }> {
  const { env, stdout, stderr, actions } = surroundings;
  if (args.offline && args.vsaTsa !== undefined)
    throw new UsageError("--offline forbids every connection, also those of --vsa-tsa");
  const images = await imagesAsked(args, surroundings.stdin);
  const isOne = images.length === 1;
  if (!isOne && args.as !== undefined) throw new UsageError("--as names one image: ask about one at a time");
  if (!isOne && args.vsa !== undefined) throw new UsageError("--vsa writes of one image: ask about one at a time");
  const asked = images.map((image) => ({ image, parsed: parseAsked(image, args.as) }));
  if (args.server !== undefined && args.vsa !== undefined)
    throw new UsageError("--vsa and --server: one or the other; what is signed here has to be judged here");
  const writeVsa = await prepareVsa(args, args.policy);
  const judges = (await openServer(args, surroundings)) ?? (await openWalks(args, surroundings));
  const isQuiet = args.quiet === true;
  const say = (text: string) => {
    if (!isQuiet && text !== "") stdout.write(text);
  };
  const style = { colour: wantsColour(stdout, env) };
  const verdicts: Verdict[] = [];
  const answers: Answer[] = [];
  for (const { image, parsed } of asked) {
    try {
      const verdict = await judges.judge(parsed);
      const document = verdictDocument(verdict);
      verdicts.push(verdict);
      answers.push({ kind: "verdict", document });
      if (args.output === "text") say(`${verdictText(verdict, style)}${isOne ? "" : "\n"}`);
      if (args.output === "json") say(verdictJson(verdict));
      if (args.output === "jsonl") say(printableJsonLine(document));
      if (!isQuiet) actions?.tell(verdictAnnotations(document));
    } catch (error) {
      if (isOne || !isUsage(error)) throw error;
      answers.push({ kind: "unusable", image, reason: error.message });
      stderr.write(`trusted-builds: ${printable(`${image}: ${error.message}`)}\n`);
      if (!isQuiet) actions?.tell([annotation("error", "no verdict", printable(`${image}: ${error.message}`))]);
    }
  }
  if (args.output === "sarif") say(verdictsSarif(answers, manifest.version));
  if (args.output === "markdown") say(verdictsMarkdown(answers, Number.POSITIVE_INFINITY));
  if (args.output === "text" && !isOne) say(answersText(answers, style));
  if (!isQuiet) await summarise(answers, surroundings);
  // After the verdict is told: that it can't be written changes nothing of it but the exit code.
  const [only] = verdicts;
  if (writeVsa !== undefined && only !== undefined) {
    const written = printable(await writeVsa(only));
    if (!isQuiet) stderr.write(`trusted-builds: ${written}\n`);
  }
  const withoutVerdict = answers.some(({ kind }) => kind === "unusable") ? [EXIT.usage] : [];
  return { exit: worstExit([...withoutVerdict, ...verdicts.map(exitCodeOf)]), answers };
}

/** A page that can't be written changes nothing of the verdicts. */
async function summarise(answers: readonly Answer[], { actions, stderr }: VerifySurroundings): Promise<void> {
  try {
    await actions?.summarise(verdictsMarkdown(answers, MAX_SUMMARY_BYTES));
  } catch (error) {
    stderr.write(`trusted-builds: write the job's summary: ${printable((error as Error).message)}\n`);
  }
}
