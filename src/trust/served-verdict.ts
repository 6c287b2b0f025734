import { type Digest, digestOf, digestsOf } from "../image/digest.ts";
import { formatPlatform, isUnknown, type Platform } from "../image/platform.ts";
import { formatReference, type ImageReference, imageName } from "../image/reference.ts";
import { dependencyLevels } from "./dependency-levels.ts";
import type { Evidence } from "./evidence.ts";
import { validUntil } from "./expiry.ts";
import type { Finding, Refusal } from "./finding.ts";
import { mostOpen } from "./inputs.ts";
import { mendOf } from "./mend.ts";
import { type PinnedServer, type Served, servedAnswer, servedLevel } from "./pinned-server.ts";
import { defaultPolicy } from "./policy-default.ts";
import type { CouldNotLook } from "./ports.ts";
import { isTakenFor, type Resolution } from "./resolve.ts";
import { type Fault, isSound, type JudgedNode, type Outcome, type PlatformVerdict, type Verdict } from "./verdict.ts";

/** What is asked of a server, and what was found of the image by whoever asks: the digest, and the platforms under it, are never the server's to choose. */
export interface ServedImage {
  /** As it was asked for. */
  readonly image: ImageReference;
  readonly resolutions: readonly Resolution[];
  readonly onlyPlatform: Platform | undefined;
  readonly asOf: Date;
}

/** What a server gave. */
export interface GivenAnswer extends Pick<Evidence, "statements" | "refusals"> {
  /** Why nothing was given, where that is so. */
  readonly failure: CouldNotLook | undefined;
  /** What the server says beside it, which nobody signed: shown as that, and without effect. */
  readonly words: readonly string[];
}

/**
 * The verdict by the word of a pinned server: trusted where it says PASSED of every platform that counts, untrusted where it says FAILED
 * of one, and undetermined for all else. What isn't its signer's answer is none: that somebody stands between says nothing of the image.
 */
export function servedVerdict(server: PinnedServer, asked: ServedImage, given: GivenAnswer): Verdict {
  const { image, resolutions, onlyPlatform, asOf } = asked;
  const nodes = [
    ...new Map(resolutions.map((each) => nodeOf(server, asked, given, each)).map((node) => [node.id, node])).values(),
  ];
  const platforms = nodes.map((node): PlatformVerdict => {
    const { id, platform } = node;
    const counts =
      platform === undefined ||
      isUnknown(platform) ||
      server.policy?.platforms === undefined ||
      server.policy.platforms.some((wanted) => isTakenFor(platform, wanted));
    return { platform, node: id, outcome: outcomeOf([node]), counts, dependencyLevels: dependencyLevels([node], [id]) };
  });
  const counting = new Set(platforms.filter(({ counts }) => counts).map(({ node }) => node));
  const concerned = nodes.filter(({ id }) => counting.has(id));
  const told = concerned.filter(({ finding }) => !isSound(finding)).map((node) => faultOf(server, node, image));
  const levels: Record<number, number> = {};
  for (const { level } of concerned) levels[level] = (levels[level] ?? 0) + 1;
  const isUnreachable = ({ node: id }: Fault) =>
    nodes.some((node) => node.id === id && node.finding.kind === "unreachable");
  return {
    outcome: outcomeOf(concerned),
    image,
    policy: { name: `the word of ${server.name}`, digest: acceptanceDigest(server) },
    asOf,
    platforms,
    nodes,
    faults: told.filter((fault) => !isUnreachable(fault)),
    unreachable: told.filter(isUnreachable),
    level: concerned.length === 0 ? 0 : Math.min(...concerned.map(({ level }) => level)),
    levels,
    comparedWith: "nothing here: the server looked",
    dependencyLevels: dependencyLevels(concerned, [...counting]),
    inputs: mostOpen(["open"]),
    validUntil: validUntil(concerned.map(({ finding }) => finding)),
    onlyPlatform,
    versions: [],
  };
}

/** A verdict names the policy that it is by (RULES R1): here what is asked of the server's word, all of it. */
function acceptanceDigest({ id, key, policy, maxAgeMs, minimum }: PinnedServer): Digest {
  const asked = { id, key: key.fingerprint, policy: policy?.digest ?? null, maxAgeMs, minimum: minimum ?? null };
  return digestOf(Buffer.from(JSON.stringify(asked)));
}

function outcomeOf(nodes: readonly JudgedNode[]): Outcome {
  const wrong = nodes.filter(({ finding }) => !isSound(finding));
  // No platform at all was judged: nothing is as bad as something wrong (RULES R18).
  if (nodes.length === 0 || wrong.some(({ finding }) => finding.kind !== "unreachable")) return "untrusted";
  return wrong.length > 0 ? "undetermined" : "trusted";
}

function nodeOf(
  server: PinnedServer,
  { image: asked, asOf }: ServedImage,
  given: GivenAnswer,
  resolution: Resolution,
): JudgedNode {
  const unjudged = {
    parents: [],
    isFromScratch: false,
    seam: undefined,
    level: 0,
    accepted: [],
    provenances: [],
    refusals: [],
    warnings: [],
    inputs: undefined,
    hints: [],
  } as const;
  if (resolution.kind === "finding") {
    const { image, platform, finding } = resolution;
    const id = [finding.kind, `${imageName(image)}@${image.digest}`, ...(platform ? [formatPlatform(platform)] : [])];
    const reference = formatReference(image);
    return { ...unjudged, id: id.join(" "), reference, digest: image.digest, index: undefined, platform, finding };
  }
  const { node } = resolution;
  const { image, indexes, platform, manifestBytes } = node;
  const served = servedAnswer(server, asked, node, given.statements, asOf);
  const finding = findingOf(server, served, given);
  const passed = served.kind === "passed" ? served.claim : undefined;
  return {
    ...unjudged,
    id: [imageName(image), ...indexes.map((index) => index.image.digest), image.digest].join("@"),
    reference: formatReference(image),
    digest: image.digest,
    digests: digestsOf(manifestBytes),
    index: indexes.at(-1)?.image.digest,
    platform,
    finding,
    level: finding.kind === "summarised" ? finding.level : 0,
    refusals:
      finding.kind === "refused"
        ? finding.refusals
        : served.kind === "none"
          ? [...served.refusals, ...given.refusals]
          : [],
    ...(passed && {
      summary: {
        found: passed.found,
        summary: passed.summary,
        by: {
          path: "--server",
          id: server.id,
          signer: { kind: "key", key: server.key },
          policy: passed.policy,
          maxAgeMs: server.maxAgeMs,
          minimum: server.minimum ?? 0,
        },
        until: new Date(passed.since.getTime() + server.maxAgeMs),
      },
    }),
    warnings: served.kind === "failed" ? given.words : [],
  };
}

function findingOf(server: PinnedServer, served: Served, { failure, refusals }: GivenAnswer): Finding {
  switch (served.kind) {
    case "passed": {
      const { summary, policy, since } = served.claim;
      return {
        kind: "summarised",
        reason: `${server.id} answers for it and all below it, by its policy ${policy}, judged ${since.toISOString()}`,
        level: servedLevel(summary),
        until: new Date(since.getTime() + server.maxAgeMs).toISOString(),
        policyPath: "--server",
      };
    }
    case "failed": {
      const { found, policy, since } = served.claim;
      const reason = `${server.id} says FAILED, by its policy ${policy}, judged ${since.toISOString()}`;
      const { where, verified } = found;
      return {
        kind: "refused",
        refusals: [{ code: "vsa-result", reason, where, bundle: verified.bundle, signer: server.key.fingerprint }],
      };
    }
    case "below":
      return { kind: "refused", refusals: [served.refusal] };
    case "none": {
      const [first] = [...served.refusals, ...refusals];
      if (first !== undefined)
        return {
          kind: "unreachable",
          code: "answer-refused",
          reason: `what ${server.name} serves isn't its signer's answer on this image: ${wordsOf(first)}`,
        };
      if (failure !== undefined) return { kind: "unreachable", code: failure.code, reason: failure.message };
      return {
        kind: "unreachable",
        code: "no-answer",
        reason: `${server.name} has no signed answer on this platform's image under this name and tag`,
      };
    }
  }
}

function wordsOf({ code, reason }: Refusal): string {
  return `${code}: ${reason}`;
}

function faultOf({ policy, name }: PinnedServer, node: JudgedNode, image: ImageReference): Fault {
  const { finding } = node;
  const refusal = finding.kind === "refused" ? finding.refusals[0] : undefined;
  return {
    code: refusal?.code ?? ("code" in finding ? finding.code : finding.kind),
    reason: refusal?.reason ?? ("reason" in finding ? finding.reason : finding.kind),
    node: node.id,
    path: [{ node: node.id, role: undefined }],
    mend:
      finding.kind === "refused"
        ? `see what is wrong, and what mends it, at ${name} under images/${formatReference(image)}; or judge it here, without --server`
        : mendOf(policy ?? defaultPolicy, node, refusal),
  };
}
