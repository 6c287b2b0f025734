import { ImageReferenceError, parseReference, withDefaultTag } from "../image/reference.ts";
import { printableJson } from "../report/printable.ts";
import { verdictChangeMarkdown, verdictChangeText } from "../report/verdict-change.ts";
import { verdictChangeDocument } from "../report/verdict-change-json.ts";
import { packagesChange } from "../trust/packages-change.ts";
import type { Verdict } from "../trust/verdict.ts";
import { type Standing, verdictChange } from "../trust/verdict-change.ts";
import { EXIT, type ExitCode, exitCodeOf, UsageError, usage } from "./exit-code.ts";
import { asIsKnownWithPackages, isNamed, openEvidence, platformOf } from "./replay.ts";
import { parseAsked } from "./subject.ts";
import {
  openWalks,
  type Surroundings,
  type VerdictWithPackages,
  type WalkSettings,
  type Walks,
  wantsColour,
} from "./walk.ts";

/** The forms in which `diff` answers. */
export const DIFF_OUTPUTS = ["text", "json", "markdown"] as const;

/** What `diff` was asked. */
export interface DiffArguments extends WalkSettings {
  readonly before: string;
  readonly after: string;
  readonly output: (typeof DIFF_OUTPUTS)[number];
}

/**
 * Judges two images by the same policy now, and says what differs. The exit code is that of the verdicts, whatever packages they have.
 *
 * @returns 0 where the second is no worse, 1 where it is, 3 or 4 where that can't be told.
 * @throws {UsageError} @throws {PolicyError}
 */
export async function diffCommand(args: DiffArguments, surroundings: Surroundings): Promise<ExitCode> {
  const sides = [sideOf(args.before, args), sideOf(args.after, args)] as const;
  const walks = await openWalks(args, surroundings);
  const before = await sides[0](walks, surroundings);
  const after = await sides[1](walks, surroundings);
  const change = verdictChange(before.verdict, after.verdict);
  const packages = packagesChange(before.packages, after.packages);
  const document = verdictChangeDocument(before.verdict, after.verdict, change, packages);
  const { stdout, env } = surroundings;
  if (args.quiet !== true) {
    if (args.output === "json") stdout.write(printableJson(document));
    if (args.output === "markdown") stdout.write(verdictChangeMarkdown(document));
    if (args.output === "text") stdout.write(verdictChangeText(document, { colour: wantsColour(stdout, env) }));
  }
  return exitOf(change.standing, after.verdict);
}

function exitOf({ kind }: Standing, after: Verdict): ExitCode {
  switch (kind) {
    case "no-worse":
      return EXIT.trusted;
    case "worse":
      return EXIT.untrusted;
    case "unknown": {
      const code = exitCodeOf(after);
      return code === EXIT.credentials ? code : EXIT.undetermined;
    }
  }
}

type Side = (walks: Walks, surroundings: Surroundings) => Promise<VerdictWithPackages>;

const EVIDENCE = "evidence:";

/** One side as it is written: an image, or `evidence:FILE#IMAGE`, what a file of evidence holds on one. @throws {UsageError} */
function sideOf(text: string, args: DiffArguments): Side {
  const isQuiet = args.quiet === true;
  if (!text.startsWith(EVIDENCE)) {
    const isOnDisk = /^(?:oci|oci-archive|docker-archive):/.test(text);
    const asked = parseAsked(text, isOnDisk ? args.as : undefined);
    return async (walks) =>
      isQuiet ? { verdict: await walks.judge(asked), packages: [] } : walks.judgeWithPackages(asked);
  }
  const [, path = "", name] = /^([^#]+)(?:#(.+))?$/s.exec(text.slice(EVIDENCE.length)) ?? [];
  if (path === "") throw new UsageError(`${text}: write evidence:FILE, or evidence:FILE#IMAGE`);
  // Neither policy nor name of ours: a file that chose both would choose its judge (RULES R34).
  if (name === undefined && args.policy === undefined)
    throw new UsageError(
      `${text}: give your --policy FILE, or name the image that the default policy is to judge (evidence:FILE#IMAGE)`,
    );
  const wanted =
    name === undefined ? undefined : usage(ImageReferenceError, () => withDefaultTag(parseReference(name)));
  return async ({ policy, roots }, surroundings) => {
    const { images, bytes } = await openEvidence(path);
    const [image, ...others] = wanted === undefined ? images : images.filter((each) => isNamed(each, wanted));
    if (image === undefined) throw new UsageError(`${path} holds no evidence on ${name}`);
    if (others.length > 0)
      throw new UsageError(`${path} holds evidence on several images: name one, evidence:${path}#IMAGE`);
    const [now, then] = [surroundings.now(), new Date(image.asOf)];
    const judged = { policy, roots, wanted: platformOf(args.platform ?? null), asOf: now < then ? then : now };
    return asIsKnownWithPackages(image, bytes, judged, surroundings);
  };
}
