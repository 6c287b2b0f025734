import { digestsOf } from "../image/digest.ts";
import { lapsesSoon } from "./expiry.ts";
import { type FeedAnswer, type FeedAnswers, feedName } from "./feed-reading.ts";
import type { Finding } from "./finding.ts";
import { judgedName } from "./mirror.ts";
import type { Policy, RootsFeed } from "./policy.ts";
import type { ImageNode } from "./resolve.ts";
import type { FeedRoot } from "./roots-feed.ts";

/** How long before its end a feed is warned of, in days: a live one is followed by the next long before. */
const FEED_WARNING_DAYS = 3;
const DAY_MS = 86_400_000;

/** What feeds make of a finding. */
export interface FeedWord {
  readonly finding: Finding;
  /** For people: a feed that lapses, one that can't be used, one that was kept. */
  readonly warnings: readonly string[];
}

/**
 * Lets the feeds of a policy name an image as a root (RULES R27). They heal what is missing, unknown or refused, and nothing else: an image
 * that can be walked is walked, so that the answer about it never hangs on whether somebody's server could be reached.
 *
 * A feed that may name the image and couldn't be read leaves open what it is (RULES R15): then it is `unreachable`.
 */
export function byFeeds(policy: Policy, answers: FeedAnswers, node: ImageNode, finding: Finding, asOf: Date): FeedWord {
  if (!["unattested", "refused", "opaque"].includes(finding.kind)) return { finding, warnings: [] };
  const name = judgedName(policy, node.image);
  const concerned = policy.rootsFrom
    .filter(({ images }) => images.some((pattern) => pattern.match(name) !== undefined))
    .map((feed) => ({ feed, answer: answers.get(feed.path) ?? UNASKED }));
  const roots = concerned.flatMap(({ feed, answer }) =>
    answer.kind === "read" ? (rootIn(feed, answer, name, node, asOf) ?? []) : [],
  );
  const [root] = roots;
  if (root !== undefined) return root;
  const warnings = concerned.flatMap(({ feed, answer }) => warningOf(feed, answer));
  const unread = concerned.find(({ answer }) => answer.kind === "unread");
  if (unread?.answer.kind === "unread") {
    const { code, reason } = unread.answer;
    const open = `it is ${finding.kind}, unless ${unread.feed.path} names it a root: ${reason}`;
    return { finding: { kind: "unreachable", code, reason: open }, warnings: [] };
  }
  return { finding: lapsed(concerned, name, node, asOf) ?? finding, warnings };
}

const UNASKED: FeedAnswer = { kind: "unread", code: "feed-unread", reason: "it wasn't asked for" };

/**
 * Every entry about the image: by name, and by the digest of its manifest or of an index that it was taken from, in any algorithm. First
 * those that name the outermost index, and so all that is in it.
 */
function entriesFor(
  list: readonly FeedRoot[],
  name: string,
  { manifestBytes, indexes }: ImageNode,
): readonly FeedRoot[] {
  const digests = new Set([manifestBytes, ...indexes.map(({ bytes }) => bytes)].flatMap(digestsOf));
  const outer = new Set(indexes.slice(0, 1).flatMap(({ bytes }) => digestsOf(bytes)));
  const found = list.filter(
    ({ image, digest, manifests }) => image === name && [digest, ...manifests].some((each) => digests.has(each)),
  );
  return [...found.filter(({ digest }) => outer.has(digest)), ...found.filter(({ digest }) => !outer.has(digest))];
}

function rootIn(
  feed: RootsFeed,
  { document, bundle, until, instead }: FeedAnswer & { readonly kind: "read" },
  name: string,
  node: ImageNode,
  asOf: Date,
): FeedWord | undefined {
  const today = dayOf(asOf);
  const entry = entriesFor(document.roots, name, node).find(({ expires }) => expires === undefined || today <= expires);
  if (entry === undefined) return undefined;
  const days = Math.floor((until.getTime() - asOf.getTime()) / DAY_MS);
  const url = feedName(feed);
  const issued = document.issued.toISOString();
  // A feed is issued anew all the time; an entry with a day of its own is a decision with an end (RULES R27).
  const soon = entry.expires === undefined ? undefined : lapsesSoon(entry.expires, asOf);
  return {
    finding: {
      kind: "root",
      reason: `${entry.reason} (named by ${document.issuer} in ${url}, issued ${dayOf(document.issued)})`,
      expires: entry.expires !== undefined && entry.expires < dayOf(until) ? entry.expires : dayOf(until),
      policyPath: feed.path,
      feed: { url, bundle, digest: entry.digest, issuer: document.issuer, issued, expires: until.toISOString() },
    },
    warnings: [
      ...(soon === undefined
        ? []
        : [`${feed.path} names it a root that lapses ${soon}: its publisher has to look at it again`]),
      ...(instead === undefined ? [] : [kept(feed, document.issued, until, instead)]),
      ...(days < FEED_WARNING_DAYS
        ? [`${feed.path} lapses ${until.toISOString()}: its publisher has to issue the next one`]
        : []),
    ],
  };
}

/** What a feed that is over, or an entry that is, used to name: it is told apart from what nobody ever named. */
function lapsed(
  concerned: readonly { readonly feed: RootsFeed; readonly answer: FeedAnswer }[],
  name: string,
  node: ImageNode,
  asOf: Date,
): Finding | undefined {
  for (const { feed, answer } of concerned) {
    if (answer.kind === "unread" || answer.document === undefined) continue;
    const [entry] = entriesFor(answer.document.roots, name, node);
    if (entry === undefined) continue;
    const isEntryOver = entry.expires !== undefined && entry.expires < dayOf(asOf);
    const over = isEntryOver ? `until ${entry.expires}` : answer.kind === "void" ? `once: ${answer.reason}` : "once";
    return {
      kind: "opaque",
      code: "root-expired",
      reason: `${feed.path} (${feedName(feed)}) named it a root ${over}`,
    };
  }
  return undefined;
}

function warningOf(feed: RootsFeed, answer: FeedAnswer): readonly string[] {
  switch (answer.kind) {
    case "read":
      return answer.instead === undefined ? [] : [kept(feed, answer.document.issued, answer.until, answer.instead)];
    case "void":
      return [`${feed.path} (${feedName(feed)}) names no root: ${answer.reason}`];
    case "unread":
      return [];
  }
}

function kept({ path }: RootsFeed, issued: Date, until: Date, instead: string): string {
  return `${path} is taken as it was issued ${issued.toISOString()}, until ${until.toISOString()}: ${instead}`;
}

function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}
