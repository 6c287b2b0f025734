import type { ParentClaim } from "../attestation/parents.ts";
import { formatPlatform, type Platform } from "../image/platform.ts";
import { formatReference, type ImageReference, imageName, type PinnedImage } from "../image/reference.ts";
import { type Claim, claimsOf, keyOf, type Leaf } from "./claimed-parents.ts";
import type { Examination } from "./examine.ts";
import { type FeedAnswers, type FeedPorts, readFeeds } from "./feed-reading.ts";
import type { Finding } from "./finding.ts";
import { type KnownSet, knownBeside, knownTogether } from "./known-images.ts";
import type { LayerFacts } from "./layer-facts.ts";
import type { OwnBuild } from "./own-build.ts";
import type { Policy } from "./policy.ts";
import type {
  AttestationSource,
  BundleVerifier,
  DefaultBranches,
  ImageReader,
  KnownImages,
  LayerReader,
} from "./ports.ts";
import { proveSeams } from "./prove-seams.ts";
import type { ImageNode, Resolution } from "./resolve.ts";
import { revokedDigest } from "./revocation.ts";
import { areTrusted, judge } from "./verdict.ts";
import { openVisits } from "./visits.ts";

/** How many images one walk looks at, and how many things of any kind it names (DESIGN §7). */
const MAX_IMAGES = 512;
/** How many generations it goes down (DESIGN §7). */
const MAX_DEPTH = 64;
/** How many images are begun before their turn: few enough that limits hold, and more than honest ancestries have. */
const MAX_AHEAD = 128;

/** What a parent was used for (RULES R19). */
export type Role = ParentClaim["role"];

/** One image in the ancestry, or something that stands where one should. */
export interface AncestryNode {
  /** Its key in the graph: name and digests, without the tag that led there. */
  readonly id: string;
  /** As people know it. */
  readonly reference: string;
  readonly image: PinnedImage | undefined;
  readonly platform: Platform | undefined;
  /** Undefined where it couldn't be resolved, or isn't judged. */
  readonly node: ImageNode | undefined;
  readonly examination: Examination | undefined;
  readonly finding: Finding;
  readonly links: readonly Link[];
}

/** From a node to a parent. */
export interface Link {
  readonly role: Role;
  readonly to: string;
}

/** An image and all that its provenance says went into it, theirs, and so on. Claims, not yet judged together. */
export interface Ancestry {
  /** The image asked about: one node a platform. */
  readonly subjects: readonly string[];
  /** Nearest generation first. */
  readonly nodes: ReadonlyMap<string, AncestryNode>;
  /** What was found in layers, where the verdict rests on it. */
  readonly layers: LayerFacts;
  /** What its images were compared with, to find undeclared bases. */
  readonly known: KnownSet;
  /** Of an index only the images for this platform were asked for; undefined for all of them. */
  readonly onlyPlatform?: Platform;
  /** What came of the feeds of roots that policy takes up; where one is missing, it counts as unread. */
  readonly feeds?: FeedAnswers;
  /** Nodes that no feed may name: what is asked of an own build is whether its run made them. */
  readonly own?: ReadonlySet<string>;
}

/** What the walk needs of the world. */
export interface WalkPorts {
  readonly images: ImageReader;
  readonly attestations: AttestationSource;
  readonly verifier: BundleVerifier;
  readonly defaultBranches?: DefaultBranches;
  /** Without it no layer is looked into, and a seam that rests on two configs' word stays a claim (RULES R21). */
  readonly layers?: LayerReader;
  /** Without it the images of one walk know of each other alone (RULES R22). */
  readonly known?: KnownImages;
  /** Without it no feed of roots is read, and what one might name is unreachable. */
  readonly feeds?: FeedPorts;
  /** Told as the walk goes on; for a progress line. */
  readonly onProgress?: (progress: WalkProgress) => void;
}

/** How far a walk is. */
export interface WalkProgress {
  readonly examined: number;
  readonly known: number;
  /** The image that was examined last. */
  readonly reference: string;
}

/**
 * Walks every ancestor of an image. What is found is put together generation by generation, so that it doesn't depend on who answered
 * first; what is to be read is asked for as soon as somebody names it.
 *
 * Provenance is a claim, and claims could name each other in a ring or without end: each image is examined once, and there are
 * limits of depth and number, whose breach is a finding.
 *
 * @param subject - Pinned: a tag could move while the walk runs.
 * @param wanted - The platforms to judge.
 * @param asOf - When: roots expire.
 * @param own - The build that the subject must be of; its ancestors are of others.
 * @throws Nothing for what it couldn't look at: that is the finding `unreachable`.
 */
export async function walkAncestry(
  ports: WalkPorts,
  policy: Policy,
  subject: PinnedImage,
  wanted: Platform | "every",
  asOf: Date,
  own?: OwnBuild,
): Promise<Ancestry> {
  const { starts, ...walked } = await walk(ports, policy, { kind: "image", subject, wanted, own }, asOf);
  const ancestry: Ancestry = {
    ...walked,
    ...(wanted !== "every" && { onlyPlatform: wanted }),
    ...(own && { own: new Set(walked.subjects) }),
  };
  return inDepth(ports, policy, ancestry, (given) => judge(given, policy, subject, asOf).outcome === "trusted");
}

/** The ancestry of an image that isn't built yet, without the image. */
export interface ParentsAncestry {
  /** Its subjects are all the parents. */
  readonly ancestry: Ancestry;
  /** The nodes that each claim led to, in the order of the claims: never none. */
  readonly parents: readonly (readonly string[])[];
}

/**
 * Walks what would be the parents of an image, all together: they are what their child's own walk would find, held to the same limits and
 * compared with the same images.
 *
 * @param claims - At least one.
 * @param children - How many images they would be the parents of: one for each platform that is built.
 * @throws As {@link walkAncestry}.
 */
export async function walkParents(
  ports: WalkPorts,
  policy: Policy,
  claims: readonly Claim[],
  children: number,
  asOf: Date,
): Promise<ParentsAncestry> {
  const { starts, ...walked } = await walk(ports, policy, { kind: "parents", claims, children }, asOf);
  const isTrusted = (given: Ancestry) => areTrusted(given, policy, asOf);
  return { ancestry: await inDepth(ports, policy, walked, isTrusted), parents: starts };
}

/** Looks at what only the whole ancestry shows to be needed. */
async function inDepth(
  ports: WalkPorts,
  policy: Policy,
  walked: Ancestry,
  isTrusted: (ancestry: Ancestry) => boolean,
): Promise<Ancestry> {
  const ancestry =
    ports.known === undefined ? walked : { ...walked, known: await knownBeside(ports.known, walked, policy) };
  return ports.layers === undefined ? ancestry : proveSeams(ports.layers, ancestry, isTrusted);
}

/** Where a walk begins. */
type Beginning =
  | {
      readonly kind: "image";
      readonly subject: PinnedImage;
      readonly wanted: Platform | "every";
      readonly own: OwnBuild | undefined;
    }
  | { readonly kind: "parents"; readonly claims: readonly Claim[]; readonly children: number };

interface Visited {
  readonly node: AncestryNode;
  readonly image: PinnedImage;
  readonly claims: readonly Claim[];
}

/** @returns `starts`: the nodes that each of the claims led to with which it began; none where it began with an image. */
async function walk(
  ports: WalkPorts,
  policy: Policy,
  beginning: Beginning,
  asOf: Date,
): Promise<Ancestry & { readonly starts: readonly (readonly string[])[] }> {
  const visits = openVisits(ports, policy, asOf);
  // Beside the walk: only what the walk leaves open needs them.
  const reading = readFeeds(ports.feeds, ports.verifier, policy, asOf);
  reading.catch(() => {});
  const nodes = new Map<string, AncestryNode>();
  const known = new Set<string>();
  const asked = new Set<string>();
  const begun = new Set<string>();
  const named = new Set<string>();
  let examined = 0;

  const examineNode = async (node: ImageNode, of: OwnBuild | undefined): Promise<Examination> => {
    const { examination, isFirst } = await visits.examine(node, of);
    if (isFirst)
      ports.onProgress?.({
        examined: ++examined,
        known: Math.max(known.size, begun.size),
        reference: formatReference(node.image),
      });
    return examination;
  };

  /**
   * Begins with the parents as soon as the child's own provenance names them, whatever else its generation waits for. Nothing is judged
   * by it, and it has limits of its own: what falls to the walk's is decided below.
   */
  const runAhead = async (resolution: Resolution, of: OwnBuild | undefined, depth: number): Promise<void> => {
    const id = idOf(resolution);
    if (resolution.kind === "finding" || begun.has(id) || begun.size >= MAX_AHEAD || depth > MAX_DEPTH) return;
    begun.add(id);
    const { node } = resolution;
    const claims = claimsOf(policy, node, await examineNode(node, of));
    await Promise.all(claims.map((claim) => runAheadOf(claim, depth + 1)));
  };

  const runAheadOf = async (claim: Claim, depth: number): Promise<void> => {
    if (claim.kind === "leaf") return;
    const key = keyOf(claim);
    if (!named.has(key) && named.size >= MAX_AHEAD) return;
    named.add(key);
    const resolutions = await visits.resolve(claim.image, claim.wanted, true);
    await Promise.all(resolutions.map((each) => runAhead(each, undefined, depth)));
  };

  const visit = async (resolution: Resolution, of: OwnBuild | undefined): Promise<Visited> => {
    const id = idOf(resolution);
    if (resolution.kind === "finding")
      return { node: leaf(id, unlessRevoked(policy, resolution)), image: resolution.image, claims: [] };
    const { node } = resolution;
    const examination = await examineNode(node, of);
    const claims = claimsOf(policy, node, examination);
    const { image, platform } = node;
    const reference = formatReference(image);
    return {
      node: { id, reference, image, platform, node, examination, finding: examination.finding, links: [] },
      image,
      claims,
    };
  };

  const resolveClaim = async (claim: Claim, child: Visited): Promise<readonly Resolution[]> => {
    if (claim.kind === "leaf") return [claim.resolution];
    const { image, wanted } = claim;
    const key = keyOf(claim);
    // Before anything is fetched: one statement can name twenty thousand images.
    if (!asked.has(key) && asked.size >= MAX_IMAGES) return [tooMany(child)];
    asked.add(key);
    return visits.resolve(image, wanted, true);
  };

  const begin = async (): Promise<{ readonly visited: readonly Visited[]; readonly subjects: readonly string[] }> => {
    if (beginning.kind === "image") {
      const { subject, wanted, own } = beginning;
      const generation = distinct(await visits.resolve(subject, wanted, false));
      for (const resolution of generation) known.add(idOf(resolution));
      // A fault of ours comes out where the walk itself asks for the same; it isn't told twice.
      for (const resolution of generation) runAhead(resolution, own, 0).catch(() => {});
      return {
        visited: await Promise.all(generation.map((each) => visit(each, own))),
        subjects: generation.map(idOf),
      };
    }
    const { claims, children } = beginning;
    // Their places among the images that one walk looks at.
    for (let child = 0; child < children; child++) known.add(`child ${child}`);
    for (const claim of claims) runAheadOf(claim, 1).catch(() => {});
    return { visited: claims.map(unbuilt), subjects: [] };
  };

  const { visited: first, subjects } = await begin();
  const starts: (readonly string[])[] = [];
  for (let depth = 0, visited = first; visited.length > 0; depth++) {
    const next: Resolution[] = [];
    const answered = await Promise.all(
      visited.map(async (child) => ({
        child,
        resolved: await Promise.all(
          child.claims.map(async (claim) => ({ role: claim.role, resolutions: await resolveClaim(claim, child) })),
        ),
      })),
    );
    // One after the other, so that what falls to the limits doesn't depend on who answered first.
    for (const { child, resolved } of answered) {
      const { node } = child;
      const links: Link[] = [];
      for (const { role, resolutions } of resolved) {
        for (const resolution of resolutions) {
          const bounded = bound(resolution, depth + 1, known, tooMany(child));
          const id = idOf(bounded);
          links.push({ role, to: id });
          if (known.has(id)) continue;
          known.add(id);
          next.push(bounded);
        }
      }
      if (depth === 0 && beginning.kind === "parents") starts.push([...new Set(links.map(({ to }) => to))]);
      else nodes.set(node.id, { ...node, links });
    }
    visited = await Promise.all(next.map((each) => visit(each, undefined)));
  }
  return {
    subjects: beginning.kind === "image" ? subjects : [...new Set(starts.flat())],
    nodes,
    layers: new Map(),
    known: knownTogether(nodes),
    feeds: await reading,
    starts,
  };
}

/** Stands for an image that isn't built yet, as the child of one parent; no node of the ancestry. */
function unbuilt(claim: Claim): Visited {
  const image = claim.kind === "image" ? claim.image : claim.resolution.image;
  const id = "the image that would be built";
  return {
    node: leaf(id, { kind: "finding", image, text: id, finding: { kind: "attested" } }),
    image,
    claims: [claim],
  };
}

/** An ancestry of nothing but a finding: the tag isn't there, or couldn't be looked at. */
export function ancestryOfFinding(reference: ImageReference, finding: Finding): Ancestry {
  const text = formatReference(reference);
  const node = {
    id: text,
    reference: text,
    image: undefined,
    platform: undefined,
    node: undefined,
    examination: undefined,
    finding,
    links: [],
  };
  return { subjects: [text], nodes: new Map([[text, node]]), layers: new Map(), known: knownTogether(new Map()) };
}

function bound(resolution: Resolution, depth: number, known: ReadonlySet<string>, full: Resolution): Resolution {
  if (known.has(idOf(resolution))) return resolution;
  if (known.size >= MAX_IMAGES) return full;
  if (resolution.kind === "finding" || depth <= MAX_DEPTH) return resolution;
  const { image, platform } = resolution.node;
  const finding: Finding = { kind: "limit", reason: `more than ${MAX_DEPTH} generations down` };
  return { kind: "finding", image, platform, finding };
}

/** Stands once for all parents of a child that are too many, so that what is told of them stays small. */
function tooMany({ node: { reference }, image }: Visited): Leaf {
  const finding: Finding = { kind: "limit", reason: `more than ${MAX_IMAGES} images in one ancestry` };
  return { kind: "finding", image, text: `further parents of ${reference}`, finding };
}

/** A digest that policy revokes stays revoked where it isn't looked at, and where it can't be (RULES R27). */
function unlessRevoked(policy: Policy, resolution: Leaf): Leaf {
  const reason = resolution.text === undefined ? revokedDigest(policy, [resolution.image.digest]) : undefined;
  return reason === undefined ? resolution : { ...resolution, finding: { kind: "revoked", reason } };
}

function leaf(id: string, resolution: Leaf): AncestryNode {
  const { image, platform, finding, text } = resolution;
  return {
    id,
    reference: text ?? formatReference(image),
    image: text === undefined ? image : undefined,
    platform,
    node: undefined,
    examination: undefined,
    finding,
    links: [],
  };
}

function idOf(resolution: Resolution | Leaf): string {
  if (resolution.kind === "node") {
    const { image, indexes } = resolution.node;
    return [imageName(image), ...indexes.map((index) => index.image.digest), image.digest].join("@");
  }
  const { image, platform, finding } = resolution;
  const what =
    "text" in resolution && resolution.text !== undefined ? resolution.text : `${imageName(image)}@${image.digest}`;
  return [finding.kind, what, ...(platform === undefined ? [] : [formatPlatform(platform)])].join(" ");
}

function distinct(resolutions: readonly Resolution[]): readonly Resolution[] {
  return [...new Map(resolutions.map((resolution) => [idOf(resolution), resolution])).values()];
}
