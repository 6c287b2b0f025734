import { readFile } from "node:fs/promises";
import { readBundleFile } from "../archive/bundles.ts";
import { ArchiveError } from "../archive/error.ts";
import { type Platform, PlatformError, parsePlatform } from "../image/platform.ts";
import { formatReference, type ImageReference } from "../image/reference.ts";
import { printable } from "../report/printable.ts";
import { parseTrustedRoot, TrustedRootError, type TrustedRootProfile } from "../sigstore/trusted-root.ts";
import { VerificationCache } from "../sigstore/verification-cache.ts";
import { createBundleVerifier } from "../sigstore/verifier.ts";
import { type Ancestry, ancestryOfFinding, type WalkPorts, walkAncestry } from "../trust/ancestry.ts";
import { combineSources } from "../trust/attestation-sources.ts";
import { imagePackages, type PlatformPackages } from "../trust/image-packages.ts";
import { keepListings } from "../trust/kept-listings.ts";
import { type Policy, parsePolicy } from "../trust/policy.ts";
import { DEFAULT_POLICY_TEXT, defaultPolicy } from "../trust/policy-default.ts";
import type { AttestationSource } from "../trust/ports.ts";
import { type ByteStore, type Resolve, recordWalk } from "../trust/recording.ts";
import { judge, type Verdict } from "../trust/verdict.ts";
import { subjectsOf } from "../trust/verdict-change.ts";
import type { WalkRecord } from "../trust/walk-record.ts";
import type { ActionsRunner } from "./actions-runner.ts";
import { keptContent } from "./disk-cache.ts";
import { type Elsewhere, nothingElsewhere, openElsewhere } from "./elsewhere.ts";
import { UsageError, usage } from "./exit-code.ts";
import { feedShelf } from "./feed-shelf.ts";
import { noProgress, progressOn } from "./progress.ts";
import { type AskedImage, findNamed, openSubject, parseAsked, type Subject } from "./subject.ts";
import { currentRoots } from "./trust.ts";

/** How long one walk may take, in milliseconds (DESIGN §7). */
const WALK_MS = 120_000;

/** What is asked of every command that judges, whatever is judged. */
export interface JudgeSettings {
  readonly policy?: string;
  readonly trustedRoot: readonly string[];
  /** Fetch the newest trusted roots first. */
  readonly refreshRoots?: boolean;
  readonly allowHost: readonly string[];
  /** Files of Sigstore bundles. */
  readonly bundles: readonly string[];
  /** False: nothing is taken from what earlier walks read, and nothing kept. */
  readonly cache?: boolean;
  /** Without any connection. */
  readonly offline: boolean;
  /** Without a line that says what is going on. */
  readonly quiet?: boolean;
}

/** What is asked of every command that walks ancestries of images. */
export interface WalkSettings extends JudgeSettings {
  readonly platform?: string;
  /** The name of an image on disk. */
  readonly as?: string;
}

/** What is asked of a command that walks one ancestry. */
export interface WalkArguments extends WalkSettings {
  readonly image: string;
}

/** Walks by the same policy and trusted roots, one after the other. */
export interface Walks {
  readonly policy: Policy;
  readonly policyBytes: Uint8Array;
  readonly roots: readonly TrustedRootProfile[];
  readonly connect: Judging["connect"];
  /**
   * @param only - This platform alone; what was asked for altogether if undefined.
   * @throws {UsageError} where there is nothing to judge.
   */
  judge(asked: AskedImage, only?: Platform): Promise<Verdict>;
  /**
   * Says beside the verdict, too, which packages are listed; nothing that the walk asked for is asked for again.
   *
   * @throws {UsageError}
   */
  judgeWithPackages(asked: AskedImage): Promise<VerdictWithPackages>;
  /**
   * Writes down, too, what the world answers to the walk.
   *
   * @param store - Where the bytes go.
   * @throws {UsageError} {@link RecordTooLarge}
   */
  record(asked: AskedImage, store: ByteStore): Promise<RecordedVerdict>;
}

/** A verdict, and all that the world answered on the way to it. */
export interface RecordedVerdict {
  /** The image as it was asked for. */
  readonly reference: ImageReference;
  readonly verdict: Verdict;
  readonly record: WalkRecord;
}

/** A verdict, and beside it what is listed as being in the image, for each platform that counts. */
export interface VerdictWithPackages {
  readonly verdict: Verdict;
  readonly packages: readonly PlatformPackages[];
}

/** What all that is judged by one command shares. */
export interface Judging {
  readonly policy: Policy;
  readonly policyBytes: Uint8Array;
  readonly roots: readonly TrustedRootProfile[];
  /** @param named - Registries that the person named, and that may be reached whatever their addresses are. */
  connect(named: readonly string[]): Connected;
}

/** One walk's connections, with its own limit of time. */
export interface Connected {
  readonly elsewhere: Elsewhere;
  /** What the person gave of bundles. */
  readonly bundles: readonly AttestationSource[];
  /** For images in registries, with those bundles. */
  readonly ports: WalkPorts;
  /** Takes the line of progress away too. */
  close(): Promise<void>;
}

/** Where the command runs: the process, or a test's. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeDirectory: string;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly now: () => Date;
  /** The runner of GitHub Actions, where the command runs under one. */
  readonly actions?: ActionsRunner | undefined;
}

/**
 * Walks the ancestry of the image that was asked about, and judges it by the caller's policy or by the default one.
 *
 * @throws {UsageError} @throws {PolicyError} for what the person has to mend before anything can be judged.
 */
export async function judgeAsked(
  args: WalkArguments,
  surroundings: Surroundings,
): Promise<{ readonly policy: Policy; readonly verdict: Verdict }> {
  const asked = parseAsked(args.image, args.as);
  const { policy, judge: judgeOne } = await openWalks(args, surroundings);
  return { policy, verdict: await judgeOne(asked) };
}

/** Makes ready for walks of images. @throws {UsageError} @throws {PolicyError} for what the person has to mend before anything can be judged. */
export async function openWalks(args: WalkSettings, surroundings: Surroundings): Promise<Walks> {
  const { platform } = args;
  const wanted =
    platform === undefined ? "every" : usage(PlatformError, () => parsePlatform(platform), "write it as linux/arm64");
  const { policy, policyBytes, roots, connect } = await openJudging(args, surroundings);
  const open = async <Told>(
    asked: AskedImage,
    use: (subject: Subject, ports: WalkPorts, resolve: Resolve) => Promise<Told>,
  ): Promise<Told> => {
    // The person named this registry; everything else that the walk meets is named by strangers (DESIGN §7).
    const connected = connect(registryOf(asked));
    let subject: Subject | undefined;
    try {
      const elsewhere = resolvingOnce(connected.elsewhere);
      subject = await openSubject(asked, elsewhere);
      if (policy === defaultPolicy && subject.origin?.namedBy === "archive") {
        // The default policy accepts whoever owns the name: an archive that chooses its name would choose its judge.
        throw new UsageError(
          `${subject.origin.place} says itself that it is ${formatReference(subject.reference)}: give --as NAME if that is the image you mean, or a --policy that says which images you accept`,
        );
      }
      const ports: WalkPorts = {
        ...connected.ports,
        images: subject,
        attestations: combineSources([subject, ...connected.bundles]),
        layers: subject.layers,
      };
      return await use(subject, ports, elsewhere.resolve);
    } finally {
      await subject?.close();
      await connected.close();
    }
  };
  return {
    policy,
    policyBytes,
    roots,
    connect,
    judge: (asked, only) =>
      open(asked, async (subject, ports) => {
        const { verdict } = await judgedBy(subject, ports, policy, only ?? wanted, surroundings.now());
        return verdict;
      }),
    judgeWithPackages: (asked) =>
      open(asked, async (subject, given) => {
        const ports = { ...given, attestations: keepListings(given.attestations) };
        return withPackages(ports, policy, await judgedBy(subject, ports, policy, wanted, surroundings.now()));
      }),
    record: (asked, store) =>
      open(asked, async (subject, ports, resolve) => {
        const { reference } = subject;
        const recording = recordWalk(ports, resolveOf(subject, resolve), store);
        const { verdict } = await judgedBy(subject, recording.ports, policy, wanted, surroundings.now());
        // The name was looked up before the walk; that is written down too.
        await findNamed(reference, recording.ports);
        return { reference, verdict, record: await recording.finish() };
      }),
  };
}

/**
 * Reads what all walks share: policy, trusted roots, bundles, what was verified and what was read before. Connections aren't among it:
 * each walk has its own limit of time, which ends them.
 *
 * @throws {UsageError} @throws {PolicyError} for what the person has to mend before anything can be judged.
 */
export async function openJudging(args: JudgeSettings, surroundings: Surroundings): Promise<Judging> {
  const { env, stderr } = surroundings;
  const { policy, policyBytes } = await readPolicy(args.policy);
  if (args.refreshRoots === true && args.trustedRoot.length > 0)
    throw new UsageError("--refresh-roots and --trusted-root: one or the other; a root of yours is refreshed by you");
  if (args.offline && args.refreshRoots === true)
    throw new UsageError("--offline forbids every connection, also those of --refresh-roots");
  const { roots } =
    args.trustedRoot.length === 0
      ? await currentRoots(args.refreshRoots === true, surroundings)
      : { roots: await Promise.all(args.trustedRoot.map(readTrustedRoot)) };
  const progress = args.quiet === true ? noProgress : progressOn(stderr);
  const warn = (line: string) => {
    progress.end();
    stderr.write(`trusted-builds: ${printable(line)}\n`);
  };
  const content = args.offline || args.cache === false ? undefined : keptContent(surroundings, warn);
  const bundles = await Promise.all(args.bundles.map((path) => readBundles(path, warn)));
  const verifier = createBundleVerifier({ roots, cache: new VerificationCache() });
  const connect = (named: readonly string[]): Connected => {
    let requests = 0;
    const elsewhere = args.offline
      ? nothingElsewhere
      : openElsewhere({
          env,
          homeDirectory: surroundings.homeDirectory,
          allowHosts: [...named, ...args.allowHost],
          signal: AbortSignal.timeout(WALK_MS),
          onRequest: () => progress.tell(`looking: ${++requests} requests`),
          content,
        });
    const ports: WalkPorts = {
      images: elsewhere,
      attestations: combineSources([elsewhere, ...bundles]),
      layers: elsewhere.layers,
      feeds: { source: elsewhere, shelf: feedShelf(surroundings) },
      verifier,
      defaultBranches: elsewhere.defaultBranches,
      onProgress: ({ examined, known, reference: last }) =>
        progress.tell(`${examined} of ${known} images examined, ${requests} requests; last ${last}`),
    };
    const close = async () => {
      progress.end();
      await elsewhere.close();
    };
    return { elsewhere, bundles, ports, close };
  };
  return { policy, policyBytes, roots, connect };
}

/** The policy that was given, or the default one. @throws {UsageError} @throws {PolicyError} */
export async function readPolicy(
  path: string | undefined,
): Promise<{ readonly policy: Policy; readonly policyBytes: Uint8Array }> {
  if (path === undefined) return { policy: defaultPolicy, policyBytes: new TextEncoder().encode(DEFAULT_POLICY_TEXT) };
  const policyBytes = await readInput("policy", path);
  return { policy: parsePolicy(policyBytes, path), policyBytes };
}

/** What a name stands for is asked once: whatever is told of it afterwards is that answer. */
function resolvingOnce(elsewhere: Elsewhere): Elsewhere {
  const answers = new Map<string, ReturnType<Elsewhere["resolve"]>>();
  return {
    ...elsewhere,
    resolve(reference) {
      const key = formatReference(reference);
      const answer = answers.get(key) ?? elsewhere.resolve(reference);
      answers.set(key, answer);
      return answer;
    },
  };
}

/** Of an image on disk the name is a word, and stands for what was found there. @throws {UsageError} if that is nothing. */
function resolveOf({ found, origin }: Subject, resolve: Resolve): Resolve {
  if (origin === undefined) return resolve;
  if ("kind" in found) throw new UsageError(`write evidence on ${origin.place}: no image could be read there`);
  return async () => ({ pinned: found });
}

/** A verdict, and what it was judged on. */
export interface Judged {
  readonly verdict: Verdict;
  readonly ancestry: Ancestry;
}

/** Judges an image by the ports given. */
export async function judgedBy(
  { reference, found, origin }: Pick<Subject, "reference" | "found" | "origin">,
  ports: WalkPorts,
  policy: Policy,
  wanted: Platform | "every",
  asOf: Date,
): Promise<Judged> {
  const image = "kind" in found ? reference : found;
  const ancestry =
    "kind" in found
      ? ancestryOfFinding(reference, found.finding)
      : await walkAncestry(ports, policy, found, wanted, asOf);
  return { ancestry, verdict: { ...judge(ancestry, policy, image, asOf), ...(origin && { origin }) } };
}

/** Looks for packages by the ports of the walk; the verdict stands before. */
export async function withPackages(
  ports: WalkPorts,
  policy: Policy,
  { verdict, ancestry }: Judged,
): Promise<VerdictWithPackages> {
  return { verdict, packages: await imagePackages(ports, policy, ancestry, subjectsOf(verdict)) };
}

/** @throws {UsageError} */
async function readBundles(path: string, warn: (line: string) => void): Promise<AttestationSource> {
  try {
    const { source, faults } = await readBundleFile(path);
    for (const fault of faults) warn(`left out ${fault}`);
    return source;
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    throw new UsageError(error.message, { cause: error });
  }
}

/** The registry that the person named, and that may be reached whatever its address is. */
export function registryOf(asked: AskedImage): readonly string[] {
  if (asked.kind === "registry" && asked.namedBy === "file") return [];
  const named = asked.kind === "registry" ? asked.reference : asked.as;
  return named === undefined ? [] : [named.registry];
}

/** Reads a trusted root that the person named. @throws {UsageError} */
export async function readTrustedRoot(path: string): Promise<TrustedRootProfile> {
  const bytes = await readInput("trusted root", path);
  return usage(TrustedRootError, () => parseTrustedRoot(bytes, path));
}

/** Reads a file that the person named. @throws {UsageError} */
export async function readInput(what: string, path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new UsageError(`read ${what} ${path}: ${(error as Error).message}; give a file that can be read`, {
      cause: error,
    });
  }
}

/** Whether colours are shown there. @see https://no-color.org */
export function wantsColour(stream: NodeJS.WriteStream, env: Surroundings["env"]): boolean {
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== "dumb";
}
