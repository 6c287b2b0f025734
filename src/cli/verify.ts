import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createGitHubAttestations } from "../github/attestations.ts";
import { createGitHubClient, GITHUB_API } from "../github/client.ts";
import { createDefaultBranches } from "../github/default-branch.ts";
import { type Platform, PlatformError, parsePlatform } from "../image/platform.ts";
import { type ImageReference, ImageReferenceError, parseReference, withDefaultTag } from "../image/reference.ts";
import { AllowedHostError } from "../registry/address-guard.ts";
import { createRegistryClient, type RegistryClient } from "../registry/client.ts";
import { dockerCredentials } from "../registry/credentials.ts";
import { verdictJson } from "../report/json.ts";
import { printable } from "../report/printable.ts";
import { verdictText } from "../report/text.ts";
import { parseTrustedRoot, TrustedRootError, type TrustedRootProfile } from "../sigstore/trusted-root.ts";
import { VerificationCache } from "../sigstore/verification-cache.ts";
import { createBundleVerifier } from "../sigstore/verifier.ts";
import { type Ancestry, ancestryOfFinding, type WalkPorts, walkAncestry } from "../trust/ancestry.ts";
import { combineSources } from "../trust/attestation-sources.ts";
import { type Policy, parsePolicy } from "../trust/policy.ts";
import { defaultPolicy } from "../trust/policy-default.ts";
import { findingOf } from "../trust/resolve.ts";
import { judge, type Verdict } from "../trust/verdict.ts";
import { type ExitCode, exitCodeOf, UsageError } from "./exit-code.ts";
import { progressOn } from "./progress.ts";
import { currentRoots } from "./trust.ts";
import { prepareVsa, type VsaArguments } from "./vsa.ts";

/** How long one walk may take, in milliseconds (DESIGN §7). */
const WALK_MS = 120_000;

/** What `verify` was asked. */
export interface VerifyArguments extends VsaArguments {
  readonly image: string;
  readonly platform?: string;
  readonly policy?: string;
  readonly trustedRoot: readonly string[];
  /** Fetch the newest trusted roots first. */
  readonly refreshRoots?: boolean;
  readonly allowHost: readonly string[];
  readonly output: "text" | "json";
}

/** Where the command runs: the process, or a test's. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeDirectory: string;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly now: () => Date;
}

/**
 * Judges an image by the caller's policy, or by the default one.
 *
 * @throws {UsageError} @throws {PolicyError} for what the person has to mend before anything can be judged.
 */
export async function verifyCommand(args: VerifyArguments, surroundings: Surroundings): Promise<ExitCode> {
  const { env, stdout, stderr } = surroundings;
  const reference = usage(
    ImageReferenceError,
    () => withDefaultTag(parseReference(args.image)),
    "write NAME[:TAG][@DIGEST], as ghcr.io/acme/app:1.4.0",
  );
  const { platform } = args;
  const wanted =
    platform === undefined ? "every" : usage(PlatformError, () => parsePlatform(platform), "write it as linux/arm64");
  const policy =
    args.policy === undefined ? defaultPolicy : parsePolicy(await readInput("policy", args.policy), args.policy);
  if (args.refreshRoots === true && args.trustedRoot.length > 0)
    throw new UsageError("--refresh-roots and --trusted-root: one or the other; a root of yours is refreshed by you");
  const { roots } =
    args.trustedRoot.length === 0
      ? await currentRoots(args.refreshRoots === true, surroundings)
      : { roots: await Promise.all(args.trustedRoot.map(readTrustedRoot)) };
  const writeVsa = await prepareVsa(args, args.policy);
  const progress = progressOn(stderr);
  const signal = AbortSignal.timeout(WALK_MS);
  const token = env.GH_TOKEN || env.GITHUB_TOKEN;
  let requests = 0;
  const client = usage(AllowedHostError, () =>
    createRegistryClient({
      // The person named this registry; everything else that the walk meets is named by strangers (DESIGN §7).
      allowHosts: [
        reference.registry,
        ...args.allowHost,
        ...(env.TRUSTED_BUILDS_ALLOW_HOSTS ?? "").split(/[\s,]+/).filter((entry) => entry !== ""),
      ],
      credentials: dockerCredentials({
        configDirectory: env.DOCKER_CONFIG || join(surroundings.homeDirectory, ".docker"),
      }),
      signal,
      onRequest: () => progress.tell(`looking: ${++requests} requests`),
    }),
  );
  try {
    const ports: WalkPorts = {
      images: client,
      attestations: combineSources([
        client,
        createGitHubAttestations({
          octokit: async () => createGitHubClient(GITHUB_API, token),
          fetchBundle: client.download,
          ownsContainerRegistry: true,
          signal,
        }),
      ]),
      layers: client,
      verifier: createBundleVerifier({ roots, cache: new VerificationCache() }),
      defaultBranches: createDefaultBranches({ signal, ...(token && { token }) }),
      onProgress: ({ examined, known, reference: last }) =>
        progress.tell(`${examined} of ${known} images examined, ${requests} requests; last ${last}`),
    };
    const verdict = await verdictOn(client, ports, policy, reference, wanted, surroundings.now());
    progress.end();
    stdout.write(
      args.output === "json" ? verdictJson(verdict) : verdictText(verdict, { colour: wantsColour(stdout, env) }),
    );
    // After the verdict is told: that it can't be written changes nothing of it but the exit code.
    if (writeVsa !== undefined) stderr.write(`trusted-builds: ${printable(await writeVsa(verdict))}\n`);
    return exitCodeOf(verdict);
  } finally {
    progress.end();
    await client.close();
  }
}

async function verdictOn(
  client: RegistryClient,
  ports: WalkPorts,
  policy: Policy,
  reference: ImageReference,
  wanted: Platform | "every",
  asOf: Date,
): Promise<Verdict> {
  let ancestry: Ancestry;
  let image = reference;
  try {
    const resolved = await client.resolve(reference);
    if (resolved === undefined) {
      const code = reference.digest === undefined ? "tag-not-found" : "manifest-not-found";
      ancestry = ancestryOfFinding(reference, {
        kind: "unresolved",
        code,
        reason: "the repository can be read and doesn't hold it",
      });
    } else {
      image = resolved.pinned;
      ancestry = await walkAncestry(ports, policy, resolved.pinned, wanted, asOf);
    }
  } catch (error) {
    ancestry = ancestryOfFinding(reference, findingOf(error));
  }
  return judge(ancestry, policy, image, asOf);
}

async function readTrustedRoot(path: string): Promise<TrustedRootProfile> {
  const bytes = await readInput("trusted root", path);
  return usage(TrustedRootError, () => parseTrustedRoot(bytes, path));
}

async function readInput(what: string, path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new UsageError(`read ${what} ${path}: ${(error as Error).message}; give a file that can be read`, {
      cause: error,
    });
  }
}

/** Makes an error of this class the person's. */
function usage<T>(kind: abstract new (...args: never[]) => Error, run: () => T, advice?: string): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof kind)
      throw new UsageError(advice === undefined ? error.message : `${error.message}; ${advice}`, { cause: error });
    throw error;
  }
}

/** @see https://no-color.org */
function wantsColour(stream: NodeJS.WriteStream, env: Surroundings["env"]): boolean {
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== "dumb";
}
