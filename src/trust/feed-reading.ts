import { BundleError, parseBundle } from "../attestation/bundle.ts";
import { type SignerIdentity, signerName } from "../attestation/identity.ts";
import { type Digest, digestOf } from "../image/digest.ts";
import type { Policy, RootsFeed } from "./policy.ts";
import { BeyondLimit, type BundleVerifier, CouldNotLook, type FeedShelf, type FeedSource } from "./ports.ts";
import { revokedIdentity } from "./revocation.ts";
import { parseRootsFeed, type RootsFeedDocument, RootsFeedError } from "./roots-feed.ts";
import { isSignedBy } from "./verifiers.ts";

/** The largest feed, in bytes, as it is fetched. */
export const MAX_FEED_BYTES = 8 * 1024 * 1024;
/** How far clocks of publishers may be ahead of ours, in milliseconds. */
const SKEW_MS = 5 * 60_000;

/** What reading feeds needs of the world. */
export interface FeedPorts {
  readonly source: FeedSource;
  readonly shelf: FeedShelf;
}

/** What came of one feed of the policy. */
export type FeedAnswer =
  /** It holds. */
  | {
      readonly kind: "read";
      readonly document: RootsFeedDocument;
      /** SHA-256 of the feed as it was served. */
      readonly bundle: Digest;
      /** When it ends to hold, by its own word and by policy's `max-age`. */
      readonly until: Date;
      /** Why it is one that was kept, and not the one that is served now. */
      readonly instead: string | undefined;
    }
  /** It was read, and names nothing: its time is over, or policy revokes its signer. */
  | { readonly kind: "void"; readonly document: RootsFeedDocument | undefined; readonly reason: string }
  /** What it names isn't known. */
  | { readonly kind: "unread"; readonly code: "feed-unread" | "feed-refused"; readonly reason: string };

/** By the path of the entry in the policy. */
export type FeedAnswers = ReadonlyMap<string, FeedAnswer>;

/** Reads every feed that the policy takes up. What goes wrong with one is its answer, and hides no other. */
export async function readFeeds(
  ports: FeedPorts | undefined,
  verifier: BundleVerifier,
  policy: Policy,
  asOf: Date,
): Promise<FeedAnswers> {
  const answers = await Promise.all(
    policy.rootsFrom.map(async (feed) => [feed.path, await answerOf(ports, verifier, policy, feed, asOf)] as const),
  );
  return new Map(answers);
}

/** The address as people may see it: a query can hold a token. */
export function feedName({ url }: Pick<RootsFeed, "url">): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

/** Under what a feed is kept: another signer at the same address is another feed, with a history of its own. */
export function shelfKey({ url, signer }: RootsFeed): Digest {
  const by =
    signer.kind === "key"
      ? signer.key.fingerprint
      : [signer.issuer, signer.identity.pattern, signer.source, signer.repositoryId, signer.ownerId];
  return digestOf(new TextEncoder().encode(JSON.stringify([url, by])));
}

/** A feed that its signer has signed, whatever its age. */
interface Genuine {
  readonly document: RootsFeedDocument;
  readonly bundle: Digest;
  readonly identity: SignerIdentity;
  /** Why policy doesn't believe its signer any more, if so. */
  readonly revoked: string | undefined;
}

interface Failure {
  readonly code: "feed-unread" | "feed-refused";
  readonly reason: string;
}

async function answerOf(
  ports: FeedPorts | undefined,
  verifier: BundleVerifier,
  policy: Policy,
  feed: RootsFeed,
  asOf: Date,
): Promise<FeedAnswer> {
  if (ports === undefined)
    return { kind: "unread", code: "feed-unread", reason: `read ${feedName(feed)}: no feeds are read here` };
  const key = shelfKey(feed);
  const fetched = await fetchFeed(ports.source, feed);
  // Afterwards: another walk may have seen a newer one meanwhile.
  const shelved = await ports.shelf.readFeed(key);
  // Mostly it is the one that was kept: proving it twice would prove nothing more.
  const isKept = shelved !== undefined && !("code" in fetched) && Buffer.compare(shelved, fetched.bytes) === 0;
  const kept = shelved === undefined || isKept ? undefined : await genuine(verifier, policy, feed, shelved, asOf);
  const known = kept === undefined || "code" in kept ? undefined : kept;
  const served = "code" in fetched ? fetched : await genuine(verifier, policy, feed, fetched.bytes, asOf);
  if (!("code" in served) && (known === undefined || served.document.issued >= known.document.issued)) {
    if (!("code" in fetched)) await ports.shelf.keepFeed(key, fetched.bytes);
    return held(feed, served, asOf, undefined);
  }
  const failure = "code" in served ? served : replay(feed, served, known);
  if (known === undefined) return { kind: "unread", ...failure };
  const answer = held(feed, known, asOf, failure.reason);
  // That the last one known is over says nothing of the one that we didn't get.
  return answer.kind === "void" && known.revoked === undefined ? { kind: "unread", ...failure } : answer;
}

async function fetchFeed(source: FeedSource, feed: RootsFeed): Promise<{ readonly bytes: Uint8Array } | Failure> {
  try {
    return { bytes: await source.fetchFeed(feed.url, MAX_FEED_BYTES) };
  } catch (error) {
    if (error instanceof BeyondLimit) return { code: "feed-refused", reason: error.message };
    if (error instanceof CouldNotLook) return { code: "feed-unread", reason: error.message };
    throw error;
  }
}

async function genuine(
  verifier: BundleVerifier,
  policy: Policy,
  feed: RootsFeed,
  bytes: Uint8Array,
  asOf: Date,
): Promise<Genuine | Failure> {
  const refused = (reason: string): Failure => ({
    code: "feed-refused",
    reason: `read the roots feed ${feedName(feed)}: ${reason}`,
  });
  try {
    const { signer } = feed;
    const verified = await verifier.verifyBundle(parseBundle(bytes), signer.kind === "key" ? [signer.key] : []);
    if (verified.kind === "rejected") return refused(verified.reason);
    const { identity } = verified;
    if (!isSignedBy(signer, verified))
      return refused(`signed by ${signerName(identity)}, who isn't the signer that ${feed.path} names`);
    const document = parseRootsFeed(verified.statement);
    // Taken for the newest ever seen, it would make all that follow replays.
    if (document.issued.getTime() > asOf.getTime() + SKEW_MS)
      return refused(`it was issued ${document.issued.toISOString()}, which is still to come`);
    return { document, identity, bundle: verified.bundle, revoked: revokedIdentity(policy, verified) };
  } catch (error) {
    if (error instanceof BundleError || error instanceof RootsFeedError) return refused(error.message);
    throw error;
  }
}

function held(
  feed: RootsFeed,
  { document, bundle, revoked, identity }: Genuine,
  asOf: Date,
  instead: string | undefined,
): FeedAnswer {
  const { issued, expires } = document;
  if (revoked !== undefined)
    return {
      kind: "void",
      document: undefined,
      reason: `policy revokes its signer ${signerName(identity)}: ${revoked}`,
    };
  const until = new Date(Math.min(expires.getTime(), issued.getTime() + (feed.maxAgeMs ?? Infinity)));
  if (asOf < until) return { kind: "read", document, bundle, until, instead };
  const limit = until < expires ? `max-age of ${feed.path} ended` : "it expired";
  return { kind: "void", document, reason: `issued ${issued.toISOString()}, ${limit} ${until.toISOString()}` };
}

function replay(feed: RootsFeed, { document }: Genuine, known: Genuine | undefined): Failure {
  return {
    code: "feed-refused",
    reason: `read the roots feed ${feedName(feed)}: it was issued ${document.issued.toISOString()}, and one of ${known?.document.issued.toISOString()} has been seen`,
  };
}
