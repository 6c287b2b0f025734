import type { Digest } from "../image/digest.ts";
import { formatPlatform } from "../image/platform.ts";
import type { ExpectedBuild, Policy } from "./policy.ts";
import type { Fault, JudgedNode, Verdict } from "./verdict.ts";
import { type Version, versionsOf } from "./versions.ts";

/** What stood under a tag that moves, for one platform, when it was judged trusted: facts, whatever the policy (RULES R26). */
export interface Sighting {
  /** What the tag named: of the index where there is one. */
  readonly image: Digest;
  /** As `linux/amd64`; "" where it isn't known. */
  readonly platform: string;
  /** Of the platform's manifest. */
  readonly digest: Digest;
  /** As in {@link Version}, "" for what isn't known. */
  readonly origin: string;
  readonly ref: string;
  readonly commit: string;
  /** The earliest proven time at which this image was signed as of this version; undefined where none is proven. */
  readonly signedAt: Date | undefined;
}

/** One platform's image that is older than what stood there. */
export interface Retreat {
  readonly platform: string;
  readonly before: Sighting;
  readonly now: Sighting;
}

/** The image's tags that every git tag moves: those that policy makes without naming the git tag in them. */
export function movingTags({ imageTags }: Pick<ExpectedBuild, "imageTags">): readonly string[] {
  return [...new Set(imageTags.filter((template) => !/\{(tag|version)\}/.test(template)))];
}

/** What a verdict saw, of the platforms that count. A root of the policy's own tells nothing: policy names its digest itself. */
export function sightingsOf({ image, platforms, nodes }: Verdict): readonly Sighting[] {
  const counting = new Set(platforms.filter(({ counts }) => counts).map(({ node }) => node));
  return nodes.flatMap((node) => {
    const { finding, digest } = node;
    if (!counting.has(node.id) || digest === undefined) return [];
    if (finding.kind === "root" && finding.feed === undefined) return [];
    return versionsOf([node]).map((version) => sightingOf(version, node, digest, image.digest ?? digest));
  });
}

function sightingOf(
  { origin, ref = "", commit = "", firstSigned }: Version,
  { platform }: JudgedNode,
  digest: Digest,
  image: Digest,
): Sighting {
  const where = platform === undefined ? "" : formatPlatform(platform);
  return { image, platform: where, digest, origin, ref, commit, signedAt: firstSigned };
}

/**
 * The platforms on which a tag has gone back (RULES R26): what stands there now was signed earlier than what stood there. Never by
 * comparing version numbers: whoever mends an old line today moves the tag to a lower one.
 *
 * A version (source, ref and commit) is as old as the earliest that was ever seen of it under the tag, on any platform: signing it
 * again, or building it again, makes it no younger, and taking its first signature away from the registry doesn't either. An image
 * that was built from several versions is as young as the youngest. So a new git tag on an old commit is a way forward. What policy
 * has revoked since stands in nobody's way back.
 *
 * @param seen - What stood there whenever it was trusted, in any order.
 * @param now - What stands there now.
 */
export function wentBack(policy: Policy, seen: readonly Sighting[], now: readonly Sighting[]): readonly Retreat[] {
  const births = birthsOf([...seen, ...now]);
  const youngest = (list: readonly Sighting[]) => youngestOf(list, births);
  const held = Map.groupBy(
    seen.filter((each) => !isRevoked(policy, each)),
    ({ platform }) => platform,
  );
  const marks = new Map([...held].flatMap(([platform, list]) => [[platform, youngest(list)] as const]));
  // A platform that is new there may be as old as the oldest of the others: otherwise any old image for a rare platform would do.
  const [lowest] = [...marks.values()].flatMap((mark) => mark ?? []).sort((a, b) => a.born - b.born);
  const images = Map.groupBy(now, ({ platform, digest }) => `${platform}|${digest}`);
  return [...images.values()].flatMap((list) => {
    const [first] = list;
    if (first === undefined) return [];
    const mark = marks.has(first.platform) ? marks.get(first.platform) : lowest;
    if (mark === undefined) return [];
    // What it was seen as before counts too: a signature that isn't found any more makes an image no older.
    const same = seen.filter(({ platform, digest }) => platform === first.platform && digest === first.digest);
    const present = youngest([...list, ...same]);
    // Without a proven time nothing shows that it isn't older (RULES R12).
    if (present !== undefined && present.born >= mark.born) return [];
    return [{ platform: first.platform, before: mark.sighting, now: present?.sighting ?? first }];
  });
}

interface Born {
  readonly sighting: Sighting;
  /** In milliseconds since 1970. */
  readonly born: number;
}

/** Without a commit nothing tells one version from the next but the image itself. */
function keyOf({ origin, ref, commit, digest }: Sighting): string {
  return JSON.stringify([origin, ref, commit === "" ? digest : commit]);
}

function birthsOf(sightings: readonly Sighting[]): ReadonlyMap<string, number> {
  const births = new Map<string, number>();
  for (const each of sightings) {
    if (each.signedAt === undefined) continue;
    const key = keyOf(each);
    births.set(key, Math.min(births.get(key) ?? Number.POSITIVE_INFINITY, each.signedAt.getTime()));
  }
  return births;
}

function youngestOf(list: readonly Sighting[], births: ReadonlyMap<string, number>): Born | undefined {
  let youngest: Born | undefined;
  for (const sighting of list) {
    const born = births.get(keyOf(sighting));
    if (born !== undefined && (youngest === undefined || born > youngest.born)) youngest = { sighting, born };
  }
  return youngest;
}

function isRevoked({ revoked }: Policy, { image, digest, commit }: Sighting): boolean {
  return revoked.some(
    (entry) =>
      (entry.kind === "digest" && (entry.digest === image || entry.digest === digest)) ||
      (entry.kind === "commit" && entry.commit === commit),
  );
}

/** A verdict where a tag that moves has gone back. What is said of each platform's image stays: it is the tag that is wrong. */
export function afterTagWentBack(verdict: Verdict, tag: string, retreats: readonly Retreat[]): Verdict {
  const faults = retreats.map(
    ({ platform, before, now }): Fault => ({
      ...atImage(verdict),
      code: "tag-went-back",
      reason: `${tag} was at ${wordsOf(before)}, and is at ${wordsOf(now)}${platform === "" ? "" : `, for ${platform}`}`,
      mend: `find out who moved ${tag}, and run the build of what should stand there again; to go back on purpose, push a new git tag on the older commit, or revoke what stood there (trust.revoked, by its commit or digest) and judge again`,
      tag,
    }),
  );
  return faults.length === 0 ? verdict : { ...verdict, outcome: "untrusted", faults: [...verdict.faults, ...faults] };
}

/** A verdict where it couldn't be looked at what a tag that moves names now: it may have gone back. */
export function afterTagUnseen(
  verdict: Verdict,
  tag: string,
  { code, reason, mend }: Pick<Fault, "code" | "reason" | "mend">,
): Verdict {
  const unseen: Fault = { ...atImage(verdict), code, reason: `what ${tag} is at now: ${reason}`, mend, tag };
  const outcome = verdict.outcome === "trusted" ? "undetermined" : verdict.outcome;
  return { ...verdict, outcome, unreachable: [...verdict.unreachable, unseen] };
}

/** A verdict with a word on a tag that moves and is at another image, which isn't trusted. Of this image that says nothing. */
export function besideOtherImage(verdict: Verdict, warning: string): Verdict {
  const { node } = atImage(verdict);
  const nodes = verdict.nodes.map((each) =>
    each.id === node ? { ...each, warnings: [...each.warnings, warning] } : each,
  );
  return { ...verdict, nodes };
}

function atImage({ platforms, nodes }: Verdict): Pick<Fault, "node" | "path"> {
  const node = platforms[0]?.node ?? nodes[0]?.id ?? "";
  return { node, path: [{ node, role: undefined }] };
}

/** `v1.3.0 (commit 1a2b3c…), sha256:…, signed 2026-03-01T…` */
function wordsOf({ ref, commit, image, signedAt }: Sighting): string {
  const name = ref === "" ? "an image" : ref.replace(/^refs\/(tags|heads)\//, "");
  return `${name}${commit === "" ? "" : ` (commit ${commit})`}, ${image}, signed ${signedAt?.toISOString() ?? "nobody can prove when"}`;
}
