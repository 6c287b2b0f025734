import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import type { AnswerSummary } from "../answer/ports.ts";
import type { Repository } from "../build/build.ts";
import type { Judgement, SignedSummary } from "../build/ports.ts";
import { formatPlatform } from "../image/platform.ts";
import { formatReference, type PinnedImage, parseReference } from "../image/reference.ts";
import { createRegistryClient, type RegistryClient } from "../registry/client.ts";
import { dockerCredentials } from "../registry/credentials.ts";
import type { Artifact } from "../registry/push.ts";
import type { SignedSummaries } from "../report/signed-summaries.ts";
import { BUNDLE_TYPE, type KeyBundle } from "../signer/key-bundle.ts";
import { keptSigningKey, type PublicHalf, parseSigningKey, SigningKeyError } from "../signer/signing-key.ts";
import { createSummarySigner } from "../signer/summary-signer.ts";
import { TimestampError, timestamped } from "../signer/timestamp.ts";
import type { StoredSummary, Summaries, UnfinishedSummary } from "../store/summaries.ts";
import { CouldNotLook } from "../trust/ports.ts";
import type { Verdict } from "../trust/verdict.ts";
import { type Config, ConfigError } from "./config.ts";
import type { Log } from "./jobs.ts";

/** The pause after the first try that failed, in milliseconds; it doubles, up to a day. */
const PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 86_400_000;

/** How long one round of attaching may take, in milliseconds. */
const ROUND_MS = 300_000;

/** The server's own word (DESIGN §4.6). */
export interface OwnSummaries {
  /** With whom and by what they are verified; published. */
  readonly keys: readonly (PublicHalf & { readonly verifier: string })[];
  /** Signs what a judgement says. Never throws: that nothing could be signed changes no verdict. */
  readonly summarise: (repository: Repository, judgement: Judgement) => readonly SignedSummary[];
  /** Signs what a verdict by the published policy says. @param policyUri - Where that policy is. Never throws. */
  readonly summarisePublished: (verdict: Verdict, policyUri: string) => readonly AnswerSummary[];
  /** Has timestamped and attached whatever isn't yet, and what was said anew taken away; what can't be done now is tried again later. */
  finish(store: Summaries, now: Date): Promise<void>;
}

/**
 * What the server signs with. Without an address that it could call itself by, or without a key that all processes share, it signs nothing.
 *
 * @throws {ConfigError} for a key that can't be used.
 */
export async function openOwnSummaries(config: Config, log: Log): Promise<OwnSummaries | undefined> {
  const { verifierId, signingKey, store } = config;
  if (verifierId === undefined) {
    log.info({}, "no summaries (VSAs) are signed: PUBLIC_URL or VERIFIER_ID says by which name");
    return undefined;
  }
  if (signingKey === undefined && store.kind === "url") {
    log.info(
      {},
      "no summaries (VSAs) are signed: several processes need one key, in VSA_SIGNING_KEY or VSA_SIGNING_KEY_PATH",
    );
    return undefined;
  }
  const key = await readKey(config);
  const signer = createSummarySigner(key, ({ image, platform, ...signed }) =>
    log.info({ ...signed, image: formatReference(image) }, "signed a summary"),
  );
  const signed = (verdict: Verdict, verifier: string, policyUri: string): readonly SignedSummary[] => {
    try {
      return signer
        .signVerdict(verdict, { verifier, version: { "trusted-builds": manifest.version }, policyUri })
        .map((each) => ({ ...each, signature: each.bundle.dsseEnvelope.signatures[0].sig }));
    } catch (error) {
      log.error({ err: error }, "a verdict could not be signed; it holds all the same");
      return [];
    }
  };
  return {
    keys: [{ ...signer.publicKey, verifier: verifierId }],
    summarise: (repository, { policy, verdict }) =>
      signed(verdict, scopeOf(verifierId, repository, policy.kind), policy.uri),
    summarisePublished: (verdict, policyUri) =>
      signed(verdict, publishedScope(verifierId), policyUri).map(({ image, platform, result, signature, bundle }) => ({
        signature,
        image: formatReference(image),
        platform: platform && formatPlatform(platform),
        result,
        bundle: JSON.stringify(bundle),
      })),
    finish: (summaries, now) => finish(config, log, summaries, now),
  };
}

/** The `verifier.id` of answers by the published policy: no tenant's policy has that name (RULES R28). */
function publishedScope(verifierId: string): string {
  return `${verifierId}/published`;
}

/** What a report says of a build's summaries; undefined where there are none. */
export function signedSummaries(address: string, summaries: readonly StoredSummary[]): SignedSummaries | undefined {
  if (summaries.length === 0) return undefined;
  const attached = summaries.flatMap(({ image, attached: manifest }) =>
    manifest === undefined ? [] : [{ image, manifest }],
  );
  return { address, attached };
}

/** By numbers, which don't change hands: a tenant's policy speaks for its own repository and for nothing else (RULES R1, R28). */
function scopeOf(verifierId: string, { id, ownerId }: Repository, kind: Judgement["policy"]["kind"]): string {
  return kind === "repository"
    ? `${verifierId}/repositories/${id}`
    : `${verifierId}/organisations/${ownerId}/repositories/${id}`;
}

async function readKey({ signingKey, store }: Config) {
  try {
    if (signingKey !== undefined) return parseSigningKey(signingKey, "VSA_SIGNING_KEY");
    return await keptSigningKey(join(store.kind === "directory" ? store.path : ".", "vsa-signing-key.pem"));
  } catch (error) {
    if (error instanceof SigningKeyError) throw new ConfigError([error.message]);
    throw error;
  }
}

async function finish(config: Config, log: Log, store: Summaries, now: Date): Promise<void> {
  const { timestampAuthority, attachSummaries: places } = config;
  const timestamps = timestampAuthority !== undefined;
  if (!timestamps && !places) return;
  const unfinished = await store.listUnfinished({ timestamps, places }, now);
  const registry = places ? openRegistry(config) : undefined;
  try {
    for (const summary of unfinished) {
      try {
        const bundle = await withTime(summary, timestampAuthority, store);
        if (registry !== undefined && summary.attached === undefined && summary.result === "PASSED")
          await store.savePlace(summary, await registry.attachReferrer(pinned(summary.image), artifactOf(bundle)));
      } catch (error) {
        if (!(error instanceof CouldNotLook) && !(error instanceof TimestampError)) throw error;
        log.warn({ reason: error.message, image: summary.image }, "a summary couldn't be finished; it is tried again");
        await store.postponeSummary(summary.signature, laterBy(summary.tries, now));
      }
    }
    if (registry !== undefined) await takeAway(registry, log, store, now);
  } finally {
    await registry?.close();
  }
}

/**
 * Takes away what hangs on images and was said anew since: a PASSED must not outlive the verdict, and a new one each day would fill the
 * image's list of referrers.
 */
async function takeAway(registry: RegistryClient, log: Log, store: Summaries, now: Date): Promise<void> {
  for (const place of await store.listSuperseded(now)) {
    const { image, manifest, tries } = place;
    try {
      if (!(await registry.detachReferrer(pinned(image), manifest)))
        log.warn({ image, manifest }, "a superseded summary stays: the registry lets nothing be deleted");
      await store.forgetPlace(place);
    } catch (error) {
      if (!(error instanceof CouldNotLook)) throw error;
      log.warn(
        { reason: error.message, image, manifest },
        "a superseded summary couldn't be taken away; it is tried again",
      );
      await store.postponePlace(place, laterBy(tries, now));
    }
  }
}

function openRegistry({ allowHosts, registryCredentials }: Config): RegistryClient {
  return createRegistryClient({
    allowHosts,
    signal: AbortSignal.timeout(ROUND_MS),
    ...(registryCredentials !== undefined && {
      credentials: dockerCredentials({ configDirectory: registryCredentials }),
    }),
  });
}

function artifactOf(bundle: string): Artifact {
  return {
    artifactType: BUNDLE_TYPE,
    mediaType: BUNDLE_TYPE,
    bytes: Buffer.from(bundle),
    annotations: {
      "dev.sigstore.bundle.content": "dsse-envelope",
      "dev.sigstore.bundle.predicateType": "https://slsa.dev/verification_summary/v1",
    },
  };
}

/** As we wrote it down: with its digest. */
function pinned(image: string): PinnedImage {
  return parseReference(image) as PinnedImage;
}

function laterBy(tries: number, now: Date): Date {
  return new Date(now.getTime() + Math.min(PAUSE_MS * 2 ** tries, LONGEST_PAUSE_MS));
}

/** The bundle to be attached: with its timestamp, which another process may have got first. */
async function withTime(summary: UnfinishedSummary, authority: string | undefined, store: Summaries): Promise<string> {
  if (authority === undefined || summary.isTimestamped) return summary.bundle;
  // We wrote it, and nothing is believed of it but where its signature stands.
  const stamped = await timestamped(JSON.parse(summary.bundle) as KeyBundle, authority);
  return store.saveTimestamp(summary.signature, JSON.stringify(stamped));
}
