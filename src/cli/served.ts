import { fingerprintOf, PublicKeyError, type SignerKey } from "../attestation/public-key.ts";
import { isDigest } from "../image/digest.ts";
import { PlatformError, parsePlatform } from "../image/platform.ts";
import { formatReference, type PinnedImage } from "../image/reference.ts";
import { TrustedKeyError, trustedKeyOf } from "../sigstore/trusted-key.ts";
import { ancestryOfFinding } from "../trust/ancestry.ts";
import { gatherEvidence } from "../trust/evidence.ts";
import type { PinnedServer } from "../trust/pinned-server.ts";
import { defaultPolicy } from "../trust/policy-default.ts";
import { type BundleVerifier, CouldNotLook } from "../trust/ports.ts";
import { resolveImage } from "../trust/resolve.ts";
import { type GivenAnswer, servedVerdict } from "../trust/served-verdict.ts";
import { judge } from "../trust/verdict.ts";
import { ageOf, maxAge } from "../trust/verifier-entry.ts";
import { type AnswerServer, openAnswerServer } from "./answer-server.ts";
import { UsageError, usage } from "./exit-code.ts";
import { openSubject, type Subject } from "./subject.ts";
import { openJudging, readInput, registryOf, type Surroundings, type WalkSettings, type Walks } from "./walk.ts";

/** What is asked of `verify --server`. */
export interface ServerArguments {
  /** The address of a server whose signed answer stands for a walk. */
  readonly server?: string;
  /** A file with its public key, or the key's fingerprint. */
  readonly serverKey?: string;
  /** `verifier.id` of its answers. */
  readonly serverId?: string;
  /** `24h`, `7d`. */
  readonly maxAge?: string;
  /** 0 to 3. */
  readonly minimumLevel?: string;
}

const MAX_AGE = "24h";

/**
 * Makes ready to take a server's answers in the place of walks; undefined where none is named. Nothing is believed of the server but what
 * the pinned key signed: which digest a tag names, and which platforms are under it, is read in the registry itself.
 *
 * @throws {UsageError} @throws {PolicyError}
 */
export async function openServer(
  args: WalkSettings & ServerArguments,
  surroundings: Surroundings,
): Promise<Pick<Walks, "judge"> | undefined> {
  const { server: address, serverKey, serverId, maxAge: age = MAX_AGE, minimumLevel, platform } = args;
  if (address === undefined) {
    if ([serverKey, serverId, args.maxAge, minimumLevel].some((value) => value !== undefined))
      throw new UsageError(
        "--server-key, --server-id, --max-age and --minimum-level say something of --server URL, and none is given",
      );
    return undefined;
  }
  if (serverKey === undefined)
    throw new UsageError(
      "--server needs --server-key KEY.pem: the key that its answers are signed with, which you have from its operator and not from the connection",
    );
  if (args.offline) throw new UsageError("--offline forbids every connection, also that to --server");
  if (args.bundles.length > 0)
    throw new UsageError("--bundles and --server: one or the other; the server gives what it signed");
  if (serverId !== undefined && !URL.canParse(serverId))
    throw new UsageError(
      `--server-id ${serverId}: the address that its answers are signed with, as https://builds.example/verifiers/published`,
    );
  if (!maxAge.safeParse(age).success) throw new UsageError(`--max-age ${age}: days or hours, as 7d or 24h`);
  if (minimumLevel !== undefined && !/^[0-3]$/.test(minimumLevel))
    throw new UsageError(`--minimum-level ${minimumLevel}: 0, 1, 2 or 3`);
  const wanted =
    platform === undefined ? "every" : usage(PlatformError, () => parsePlatform(platform), "write it as linux/arm64");
  const answers = openAnswerServer(address, surroundings.env.TRUSTED_BUILDS_SERVER_TOKEN || undefined);
  const judging = await openJudging(args, surroundings);
  const server: PinnedServer = {
    name: answers.address,
    id: serverId ?? `${answers.address}/verifiers/published`,
    key: await keyOf(serverKey, answers),
    policy: args.policy === undefined ? undefined : judging.policy,
    maxAgeMs: ageOf(age),
    minimum: minimumLevel === undefined ? undefined : Number(minimumLevel),
  };
  const judgeOne: Walks["judge"] = async (asked, only) => {
    const chosen = only ?? wanted;
    const connected = judging.connect(registryOf(asked));
    let subject: Subject | undefined;
    try {
      subject = await openSubject(asked, connected.elsewhere);
      const { reference, found, origin } = subject;
      if (origin?.namedBy === "archive")
        throw new UsageError(
          `${origin.place} says itself that it is ${formatReference(reference)}: give --as NAME if that is the image you mean`,
        );
      const asOf = surroundings.now();
      // Nothing that a policy could change: there is no image.
      if ("kind" in found)
        return {
          ...judge(ancestryOfFinding(reference, found.finding), defaultPolicy, reference, asOf),
          ...(origin && { origin }),
        };
      const resolutions = await resolveImage(subject, found, chosen, false);
      const given = await ask(answers, server.key, connected.ports.verifier, found);
      const onlyPlatform = chosen === "every" ? undefined : chosen;
      return {
        ...servedVerdict(server, { image: found, resolutions, onlyPlatform, asOf }, given),
        ...(origin && { origin }),
      };
    } finally {
      await subject?.close();
      await connected.close();
    }
  };
  return { judge: judgeOne };
}

async function ask(
  answers: AnswerServer,
  key: SignerKey,
  verifier: BundleVerifier,
  found: PinnedImage,
): Promise<GivenAnswer> {
  try {
    const candidate = await answers.readSummaries(found);
    const source = { listAttestations: async () => ({ candidates: [candidate], omitted: 0, failures: [] }) };
    const { statements, refusals, failures } = await gatherEvidence(source, verifier, found, [key]);
    return { statements, refusals, failure: failures[0], words: await answers.readWords(found) };
  } catch (error) {
    if (!(error instanceof CouldNotLook)) throw error;
    return { statements: [], refusals: [], failure: error, words: [] };
  }
}

/** The key, from a file; or of those that the server publishes the one that has this fingerprint, which is as good as having it. */
async function keyOf(given: string, answers: AnswerServer): Promise<SignerKey> {
  const isFingerprint = isDigest(given);
  const pems = isFingerprint
    ? await publishedKeys(answers)
    : [Buffer.from(await readInput("--server-key", given)).toString("utf8")];
  for (const pem of pems) {
    const fingerprint = usage(PublicKeyError, () => fingerprintOf(pem), `--server-key ${given}`);
    if (isFingerprint && fingerprint !== given) continue;
    const key: SignerKey = { name: "--server-key", pem, fingerprint, log: "optional" };
    usage(TrustedKeyError, () => trustedKeyOf(key), "give the server's public key");
    return key;
  }
  throw new UsageError(
    `--server-key ${given}: ${answers.address} publishes no key with this fingerprint; ask its operator for the key`,
  );
}

async function publishedKeys(answers: AnswerServer): Promise<readonly string[]> {
  try {
    return await answers.readKeys();
  } catch (error) {
    if (!(error instanceof CouldNotLook)) throw error;
    throw new UsageError(`--server-key: ${error.message}; give the key itself in a file`, { cause: error });
  }
}
