import { type ImageReference, ImageReferenceError, parseReference, withDefaultTag } from "../image/reference.ts";
import { type EvidenceAnswer, type EvidenceReport, evidenceJson, evidenceText } from "../report/evidence-report.ts";
import { exportersWords } from "../report/evidence-words.ts";
import { printable } from "../report/printable.ts";
import { shippedTrustedRoots } from "../sigstore/trusted-root.ts";
import { EXIT, type ExitCode, exitCodeOf, UsageError, usage, worstExit } from "./exit-code.ts";
import { asIsKnown, asItWas, isNamed, openEvidence, platformOf } from "./replay.ts";
import { currentRoots } from "./trust.ts";
import { readPolicy, readTrustedRoot, type Surroundings, wantsColour } from "./walk.ts";

/** How many images of a file are named where another one was asked for. */
const MAX_NAMED = 10;

/** What `verify --evidence` was asked. */
export interface EvidenceArguments {
  /** The file. */
  readonly evidence: string;
  /** Which images of the file; all of them where none is named. */
  readonly images: readonly string[];
  readonly policy?: string;
  /** The only platform to judge as of now; all of them if undefined, whichever the exporter asked about. */
  readonly platform?: string;
  readonly trustedRoot: readonly string[];
  /** Judge what was then by the roots in the file, though they aren't known here. */
  readonly evidenceRoots?: boolean;
  readonly output: "text" | "json";
  /** The exit code alone. */
  readonly quiet?: boolean;
}

/**
 * Judges what is in a file of evidence, without any connection, twice (RULES R34): as it was then, and as far as is known now. The exit
 * code is that of what is known now, which rests on nothing that whoever made the file chose: not his policy, not his trusted roots.
 *
 * @throws {UsageError} @throws {PolicyError}
 */
export async function verifyEvidenceCommand(args: EvidenceArguments, surroundings: Surroundings): Promise<ExitCode> {
  const { env, stdout, stderr } = surroundings;
  const asked = args.images.map(readAsked);
  const wanted = platformOf(args.platform ?? null);
  const roots =
    args.trustedRoot.length === 0
      ? (await currentRoots(false, surroundings)).roots
      : await Promise.all(args.trustedRoot.map(readTrustedRoot));
  // Roots that came with the program are known beside those that were refreshed; whoever gives their own knows those alone.
  const known = args.trustedRoot.length === 0 ? [...roots, ...shippedTrustedRoots()] : roots;
  // Neither policy nor name of ours: a file that chose both would choose its judge.
  const own = args.policy === undefined && asked.length === 0 ? undefined : (await readPolicy(args.policy)).policy;
  const { digest, images: held, bytes } = await openEvidence(args.evidence);
  for (const [i, each] of asked.entries()) {
    if (held.some((image) => isNamed(image, each))) continue;
    const names = held.slice(0, MAX_NAMED).map(({ reference }) => printable(reference));
    throw new UsageError(`${args.evidence} holds no evidence on ${args.images[i]}, but on ${names.join(", ")}`);
  }
  const images = asked.length === 0 ? held : held.filter((image) => asked.some((each) => isNamed(image, each)));
  const answers: EvidenceAnswer[] = [];
  for (const image of images) {
    const exportedAt = new Date(image.asOf);
    const clock = surroundings.now();
    if (clock < exportedAt)
      stderr.write(`trusted-builds: warning: by the clock here the evidence is still to be made (${image.asOf})\n`);
    // A clock that is behind would let what is over hold again.
    const asOf = clock < exportedAt ? exportedAt : clock;
    answers.push({
      atExport: await asItWas(image, bytes, { roots, known, takeFiles: args.evidenceRoots === true }),
      told: image.result,
      now: own && (await asIsKnown(image, bytes, { policy: own, roots, wanted, asOf }, surroundings)),
      words: exportersWords(image),
    });
  }
  const report: EvidenceReport = { evidence: digest, images: answers };
  const colour = wantsColour(stdout, env);
  if (args.quiet !== true)
    stdout.write(args.output === "json" ? evidenceJson(report) : evidenceText(report, { colour }));
  if (own === undefined) {
    stderr.write(
      "trusted-builds: the policy in the file is its maker's, and so are the names: give your --policy FILE, or name the IMAGE that the default policy is to judge\n",
    );
    return EXIT.usage;
  }
  return worstExit(answers.map(({ now }) => (now === undefined ? EXIT.usage : exitCodeOf(now))));
}

function readAsked(image: string): ImageReference {
  return usage(ImageReferenceError, () => withDefaultTag(parseReference(image)), "write NAME[:TAG][@DIGEST]");
}
