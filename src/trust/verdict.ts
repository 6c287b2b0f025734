import { type BaseHint, baseHintsOf } from "../image/base-hints.ts";
import { type Digest, digestsOf } from "../image/digest.ts";
import { formatPlatform, isUnknown, type Platform } from "../image/platform.ts";
import type { ImageReference } from "../image/reference.ts";
import type { AcceptedProvenance, AcceptedStatement } from "./accepted.ts";
import type { Ancestry, AncestryNode, Link } from "./ancestry.ts";
import { markCycles } from "./cycles.ts";
import { dependencyLevels } from "./dependency-levels.ts";
import { rootWarning, validUntil } from "./expiry.ts";
import { byFeeds } from "./feed-roots.ts";
import type { Finding, Refusal } from "./finding.ts";
import { tagMismatch } from "./image-tags.ts";
import { inputsOfNode, mostOpen, type NodeInputs, type Openness, refusedInputs } from "./inputs.ts";
import { judgeNode, type SeamedNode } from "./judge-node.ts";
import { knownImageOf } from "./known-images.ts";
import { mendOf } from "./mend.ts";
import { judgeIndex, scopeWarning } from "./mixed-index.ts";
import type { Policy } from "./policy.ts";
import type { KnownImage } from "./ports.ts";
import { isTakenFor, mayBeGiven } from "./resolve.ts";
import type { AcceptedSummary } from "./verifiers.ts";
import { type Version, versionsOf } from "./versions.ts";
import { reachedFrom, waysFrom } from "./ways.ts";

/** The answer. */
export type Outcome = "trusted" | "untrusted" | "undetermined";

/** What whoever asks is told of an image: a function of digest, name, policy and time, never without its policy (RULES R1). */
export interface Verdict {
  readonly outcome: Outcome;
  /** The image as it was asked for. */
  readonly image: ImageReference;
  readonly policy: { readonly name: string; readonly digest: Digest };
  /** When it was judged, and what expiry was compared with. */
  readonly asOf: Date;
  /** Where it was read, if not in a registry. */
  readonly origin?: ImageOrigin;
  /** One a platform; the image's outcome is the worst of those that count. */
  readonly platforms: readonly PlatformVerdict[];
  /** Every image of the ancestry, nearest generation first. */
  readonly nodes: readonly JudgedNode[];
  /** Why it isn't trusted. */
  readonly faults: readonly Fault[];
  /** What we could not look at. */
  readonly unreachable: readonly Fault[];
  /** The lowest SLSA build level over the ancestry. */
  readonly level: number;
  /** How many images of the ancestry there are at each level. */
  readonly levels: Readonly<Record<number, number>>;
  /** With which images the layers were compared, to find a base that nobody declared (RULES R22). */
  readonly comparedWith: string;
  /** How many images below the one asked about there are at each level, by its name in SLSA's build track: {@link dependencyLevels}. */
  readonly dependencyLevels: Readonly<Record<string, number>>;
  /** The most open of the ancestry (RULES R20). */
  readonly inputs: Openness;
  /** The first moment at which something that it rests on has lapsed (RULES R14); undefined if nothing does. */
  readonly validUntil: Date | undefined;
  /** The platform that was asked about alone; undefined for all of them. */
  readonly onlyPlatform: Platform | undefined;
  /** Of which versions what stands under the tag is, over the platforms that count; none where it was asked for without a tag (RULES R26). */
  readonly versions: readonly Version[];
}

/** An image that was read from disk. Its name is only a word there, and policy binds names: the report says whose word (RULES R4). */
export interface ImageOrigin {
  /** As it was asked for: `oci-archive:app.tar`. */
  readonly place: string;
  /** `archive`: the name is written in it, by whoever made it. */
  readonly namedBy: "asker" | "archive";
}

/** The verdict on one platform of the image. */
export interface PlatformVerdict {
  /** Undefined where the image couldn't be read so far. */
  readonly platform: Platform | undefined;
  readonly node: string;
  readonly outcome: Outcome;
  /** False for a platform that policy leaves out: told, and without effect. */
  readonly counts: boolean;
  /** As in the verdict, of this platform's image alone. */
  readonly dependencyLevels: Readonly<Record<string, number>>;
}

/** One image of the ancestry, with everything taken together. */
export interface JudgedNode {
  readonly id: string;
  readonly reference: string;
  /** Of a build that whoever asks has started: only its run's word counts (RULES R9). */
  readonly isOwn?: true;
  readonly digest: Digest | undefined;
  /** The same manifest's, by every algorithm that we compute. */
  readonly digests?: readonly Digest[];
  /** The index it was taken from. */
  readonly index: Digest | undefined;
  readonly platform: Platform | undefined;
  readonly finding: Finding;
  readonly parents: readonly Link[];
  /** Whether it is built on nothing, proven. */
  readonly isFromScratch: boolean;
  readonly seam: SeamedNode["seam"];
  /** 0 for what isn't attested. */
  readonly level: number;
  readonly accepted: readonly AcceptedStatement[];
  readonly provenances: readonly AcceptedProvenance[];
  readonly refusals: readonly Refusal[];
  /** Of a node that is `summarised`: the summary. */
  readonly summary?: AcceptedSummary | undefined;
  readonly warnings: readonly string[];
  /** What it is to images that are judged later: one whose layers a policy accepted. Absent for what isn't attested. */
  readonly known?: KnownImage;
  /** What went in beside images; undefined where nothing that counts records it, which is as good as `open`. */
  readonly inputs: NodeInputs | undefined;
  /** What an image that isn't walked says of its base: for people, and without effect. */
  readonly hints: readonly BaseHint[];
}

/** One node on the way to a fault, and what it was to the one before; the image asked about was nothing to anyone. */
export interface Step {
  readonly node: string;
  readonly role: Link["role"] | undefined;
}

/** Why a node keeps the image from being trusted. */
export interface Fault {
  /** The finding's own code where it has one, else its kind; for `refused` the check that failed last. */
  readonly code: string;
  readonly reason: string;
  readonly node: string;
  /** From the image to here; by `FROM` alone where there is such a way. */
  readonly path: readonly Step[];
  /** What would mend it. */
  readonly mend: string;
  /** Of what is wrong with another tag than the one that was asked for: which one (RULES R26). */
  readonly tag?: string;
}

/**
 * Takes an ancestry together (DESIGN §4.4): any fault is untrusted, whatever else; else anything that couldn't be looked at is
 * undetermined; else it is trusted. Nothing to judge is untrusted (RULES R18).
 */
export function judge(ancestry: Ancestry, policy: Policy, image: ImageReference, asOf: Date): Verdict {
  const { subjects, onlyPlatform } = ancestry;
  const nodes = judgeNodes(ancestry, policy, asOf, (judged) => {
    for (const id of subjects) bindTag(judged, id, policy, image);
  });
  return verdictOn({ ancestry, policy, asOf, nodes }, { image, subjects, onlyPlatform, isParent: false });
}

/** An image that another would be built from. */
export interface ParentAsked {
  /** As the child names it. */
  readonly image: ImageReference;
  readonly nodes: readonly string[];
  /** For which it is taken; undefined for all that it has. */
  readonly platform: Platform | undefined;
}

/**
 * The verdicts on images as what another would be built from, which asks less of them than of the image itself: a parent's tag is only how
 * it was called (RULES R26), its index is no promise of its other platforms (R25), and which platforms count is the child's affair (R30).
 */
export function judgeParents(
  ancestry: Ancestry,
  policy: Policy,
  parents: readonly ParentAsked[],
  asOf: Date,
): readonly Verdict[] {
  const nodes = judgeNodes(ancestry, policy, asOf, () => {});
  return parents.map(({ image, nodes: subjects, platform: onlyPlatform }) =>
    verdictOn({ ancestry, policy, asOf, nodes }, { image, subjects, onlyPlatform, isParent: true }),
  );
}

/** Whether all images of an ancestry can be trusted as what another would be built from. */
export function areTrusted(ancestry: Ancestry, policy: Policy, asOf: Date): boolean {
  const nodes = judgeNodes(ancestry, policy, asOf, () => {});
  return outcomeOf(reachedFrom(ancestry.subjects, nodes)) === "trusted";
}

/** @param bindTags - Done to the nodes that are asked about by a tag; before what a feed may name, and again after. */
function judgeNodes(
  ancestry: Ancestry,
  policy: Policy,
  asOf: Date,
  bindTags: (nodes: Map<string, JudgedNode>) => void,
): ReadonlyMap<string, JudgedNode> {
  const nodes = new Map([...ancestry.nodes.values()].map((node) => [node.id, judged(ancestry, policy, node, asOf)]));
  bindTags(nodes);
  for (const id of nodes.keys()) bindInputs(nodes, id, policy);
  for (const id of nodes.keys()) nameByFeeds(nodes, id, ancestry, policy, asOf);
  bindTags(nodes);
  markCycles(nodes);
  return nodes;
}

/** An ancestry whose nodes are judged. */
interface Judged {
  readonly ancestry: Ancestry;
  readonly policy: Policy;
  readonly asOf: Date;
  readonly nodes: ReadonlyMap<string, JudgedNode>;
}

/** What is asked about of it. */
interface Asked {
  readonly image: ImageReference;
  readonly subjects: readonly string[];
  readonly onlyPlatform: Platform | undefined;
  readonly isParent: boolean;
}

function verdictOn(
  { ancestry, policy, asOf, nodes }: Judged,
  { image, subjects: asked, onlyPlatform, isParent }: Asked,
): Verdict {
  const paths = waysFrom(asked, nodes);
  const told = new Map<string, Fault>();
  for (const [id, path] of paths) {
    const node = nodes.get(id);
    if (node !== undefined && !isSound(node.finding)) told.set(id, faultOf(policy, node, path));
  }
  const platforms = asked.map((id): PlatformVerdict => {
    const below = reachedFrom([id], nodes);
    const platform = nodes.get(id)?.platform;
    const image = ancestry.nodes.get(id)?.node;
    const counts =
      isParent ||
      platform === undefined ||
      // No platform at all: what hides there is in nobody's list, and could run all the same (RULES R24).
      isUnknown(platform) ||
      policy.platforms === undefined ||
      // By what a runtime takes there, not by name: where there is no image for amd64, one for 386 runs.
      policy.platforms.some((wanted) =>
        image === undefined ? isTakenFor(platform, wanted) : mayBeGiven(image, wanted),
      );
    return { platform, node: id, outcome: outcomeOf(below), counts, dependencyLevels: dependencyLevels(below, [id]) };
  });
  const counting = platforms.filter(({ counts }) => counts);
  const relevant = waysFrom(
    counting.map(({ node }) => node),
    nodes,
  );
  const concerned = [...relevant.keys()].flatMap((id) => nodes.get(id) ?? []);
  const of = (kind: "fault" | "unreachable") =>
    [...told.values()].filter(
      (fault) =>
        relevant.has(fault.node) &&
        (nodes.get(fault.node)?.finding.kind === "unreachable") === (kind === "unreachable"),
    );
  const subjects = counting.map(({ node }) => node);
  const index = isParent ? { faults: [], unreachable: [] } : judgeIndex(ancestry, policy, nodes, subjects);
  const faults = [...of("fault"), ...missingPlatforms(policy, platforms), ...index.faults];
  const levels: Record<number, number> = {};
  for (const { level, finding } of concerned) {
    if (finding.kind !== "allowed" && finding.kind !== "pinned") levels[level] = (levels[level] ?? 0) + 1;
  }
  return {
    outcome:
      faults.length > 0
        ? "untrusted"
        : worst([...counting.map(({ outcome }) => outcome), ...index.unreachable.map(() => "undetermined" as const)]),
    image,
    policy: { name: policy.name, digest: policy.digest },
    asOf,
    platforms,
    // Below a root that a feed names nothing is asked any more.
    nodes: [...nodes.values()].filter(({ id }) => paths.has(id)),
    faults,
    unreachable: [...of("unreachable"), ...index.unreachable],
    level: Math.min(...Object.keys(levels).map(Number), ...(concerned.length === 0 ? [0] : [3])),
    levels,
    comparedWith: ancestry.known.description,
    dependencyLevels: dependencyLevels(concerned, subjects),
    inputs: mostOpen(concerned.map(opennessOf)),
    validUntil: validUntil(concerned.map(({ finding }) => finding)),
    onlyPlatform,
    versions: image.tag === undefined ? [] : versionsOf(subjects.flatMap((id) => nodes.get(id) ?? [])),
  };
}

function judged(ancestry: Ancestry, policy: Policy, node: AncestryNode, asOf: Date): JudgedNode {
  const { finding, links, seam, level, warnings } = judgeNode(ancestry, node);
  const { id, reference, image, platform, examination } = node;
  const known = finding.kind === "attested" ? knownImageOf(node) : undefined;
  return {
    ...(known && { known }),
    ...(ancestry.own?.has(node.id) && { isOwn: true }),
    id,
    reference,
    digest: image?.digest,
    digests: node.node === undefined ? [] : digestsOf(node.node.manifestBytes),
    index: node.node?.indexes.at(-1)?.image.digest,
    platform,
    finding,
    parents: links,
    isFromScratch: finding.kind === "attested" && examination?.base.kind === "scratch",
    seam,
    level,
    accepted: examination?.accepted ?? [],
    provenances: examination?.provenances ?? [],
    refusals: examination?.refusals ?? [],
    summary: examination?.summary,
    warnings: [
      ...(examination?.warnings ?? []),
      ...warnings,
      ...rootWarning(finding, asOf),
      ...scopeWarning(ancestry, policy, node),
    ],
    inputs: inputsOfNode(examination?.provenances ?? []),
    hints: hintsOf(node, finding),
  };
}

/** Only of what isn't walked: where provenance says the base, a hint could only distract from it. */
function hintsOf({ node }: AncestryNode, { kind }: Finding): readonly BaseHint[] {
  const isUnknown = kind === "unattested" || kind === "refused" || kind === "opaque";
  return isUnknown && node !== undefined ? baseHintsOf(node.manifest, node.config) : [];
}

/** What policy doesn't let in beside images (RULES R20). What is wrong with it in other ways stays so. */
function bindInputs(nodes: Map<string, JudgedNode>, id: string, policy: Policy): void {
  const node = nodes.get(id);
  if (node?.finding.kind !== "attested") return;
  const finding = refusedInputs(policy.allow, node.provenances);
  if (finding !== undefined) nodes.set(id, { ...node, finding, level: 0 });
}

/** Last of all: whatever else makes an image opaque, a feed may heal. */
function nameByFeeds(
  nodes: Map<string, JudgedNode>,
  id: string,
  { nodes: walked, feeds = new Map(), own }: Ancestry,
  policy: Policy,
  asOf: Date,
): void {
  const [node, image] = [nodes.get(id), walked.get(id)?.node];
  if (node === undefined || image === undefined || own?.has(id)) return;
  const { finding, warnings: added } = byFeeds(policy, feeds, image, node.finding, asOf);
  const named = { ...node, warnings: [...node.warnings, ...added] };
  const isEnd = finding.kind === "root" && finding !== node.finding;
  nodes.set(
    id,
    isEnd ? { ...named, finding, parents: [], seam: undefined, level: 0, hints: [] } : { ...named, finding },
  );
}

/** What is known of an image that ends the walk says nothing of what lies below it. */
function opennessOf({ finding: { kind }, inputs }: JudgedNode): Openness {
  if (kind === "scratch") return "closed";
  return ["root", "summarised", "pinned", "allowed"].includes(kind) ? "open" : (inputs?.openness ?? "open");
}

/** What is asked by a tag has to be what that tag stands for (RULES R26). Not for a root whose digest policy names itself. */
function bindTag(nodes: Map<string, JudgedNode>, id: string, policy: Policy, image: ImageReference): void {
  const node = nodes.get(id);
  if (node === undefined) return;
  const { finding } = node;
  const isBound = finding.kind === "root" ? finding.feed !== undefined : /^(attested|summarised)$/.test(finding.kind);
  if (!isBound) return;
  const reason = tagMismatch(policy, image, node.provenances);
  if (reason === undefined) return;
  nodes.set(id, { ...node, finding: { kind: "mismatch", code: "tag-mismatch", reason }, level: 0 });
}

/** Whether a node by itself lets the image be trusted. */
export function isSound({ kind }: Pick<Finding, "kind">): boolean {
  switch (kind) {
    case "attested":
    case "scratch":
    case "root":
    case "summarised":
    case "pinned":
    case "allowed":
      return true;
    case "unattested":
    case "refused":
    case "opaque":
    case "unresolved":
    case "malformed":
    case "mismatch":
    case "layers-mismatch":
    case "undeclared-base":
    case "revoked":
    case "cycle":
    case "limit":
    case "unreachable":
      return false;
  }
}

function outcomeOf(nodes: readonly JudgedNode[]): Outcome {
  return worst(
    nodes.map(({ finding }) =>
      isSound(finding) ? "trusted" : finding.kind === "unreachable" ? "undetermined" : "untrusted",
    ),
  );
}

function worst(outcomes: readonly Outcome[]): Outcome {
  if (outcomes.length === 0 || outcomes.includes("untrusted")) return "untrusted";
  return outcomes.includes("undetermined") ? "undetermined" : "trusted";
}

function faultOf(policy: Policy, node: JudgedNode, path: readonly Step[]): Fault {
  const { finding } = node;
  const refusal = finding.kind === "refused" ? likeliest(finding.refusals) : undefined;
  const code = refusal?.code ?? ("code" in finding ? finding.code : finding.kind);
  return {
    code,
    reason: refusal?.reason ?? reasonOf(finding),
    node: node.id,
    path,
    mend: mendOf(policy, node, refusal),
  };
}

function reasonOf(finding: Finding): string {
  if ("reason" in finding) return finding.reason;
  return finding.kind === "unattested" ? "nothing signed refers to it" : finding.kind;
}

/** Of several refusals the one that is told: policy's over the cryptography's, which junk fails too. */
export function likeliest(refusals: readonly Refusal[]): Refusal | undefined {
  const withSigner = refusals.filter(
    ({ signer, code }) =>
      signer !== undefined && !["subject-mismatch", "predicate-type", "vsa-verifier"].includes(code),
  );
  return (
    withSigner[0] ??
    refusals.find(({ signer }) => signer !== undefined) ??
    refusals.find(({ bundle }) => bundle !== undefined) ??
    refusals[0]
  );
}

function missingPlatforms(policy: Policy, platforms: readonly PlatformVerdict[]): readonly Fault[] {
  const known = platforms.flatMap(({ platform }) => platform ?? []);
  if (known.length === 0 || policy.platforms === undefined || platforms.some(({ counts }) => counts)) return [];
  const wanted = policy.platforms.map(formatPlatform).join(", ");
  const [first] = platforms;
  return [
    {
      code: "platform-not-found",
      reason: `policy judges ${wanted}, and the image is for ${known.map(formatPlatform).join(", ")}`,
      node: first?.node ?? "",
      path: first === undefined ? [] : [{ node: first.node, role: undefined }],
      mend: "build the image for a platform of the policy, or add its platform to trust.platforms",
    },
  ];
}
