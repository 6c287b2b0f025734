import type { Digest } from "../image/digest.ts";
import { formatPlatform } from "../image/platform.ts";
import { type ImageReference, parseReference } from "../image/reference.ts";
import type { InputCode, Refusal, RefusalCode } from "./finding.ts";
import { entryFor } from "./mend-signer.ts";
import { judgedName } from "./mirror.ts";
import type { ExpectedBuild, Policy, Revocation } from "./policy.ts";
import type { PolicyLine } from "./policy-fault.ts";
import { revokedCommit, revokedDigest } from "./revocation.ts";
import { type JudgedNode, likeliest, type Verdict } from "./verdict.ts";

/** Which lines of the policy made one image what it is. */
export interface Explanation {
  readonly node: JudgedNode;
  /** Those that decided, the first one first; none where no line did. */
  readonly lines: readonly DecidingLine[];
  /** A line that would change it, where one could; what it would let in is for whoever adds it to know. */
  readonly missing: MissingLine | undefined;
}

/** A part of the policy that decided. */
export interface DecidingLine {
  /** `trust.builders[0].github.workflow` */
  readonly path: string;
  /** Where that stands, or the nearest entry around it that does; undefined for what holds without being written. */
  readonly at: PolicyLine | undefined;
  /** What it made of the image, for people. */
  readonly effect: string;
}

/** A line that isn't in the policy. */
export interface MissingLine {
  /** Under which key it would stand. */
  readonly under: string;
  readonly line: string;
}

/** Says for each image of a verdict, nearest generation first, which line of the policy decided. */
export function explain(policy: Policy, verdict: Verdict): readonly Explanation[] {
  return verdict.nodes.map((node) => {
    const { decided, missing } = decisionOn(policy, verdict, node);
    const lines = [...platformLines(policy, verdict, node), ...decided].map(({ path, effect }) => ({
      path,
      at: nearestLine(policy, path),
      effect,
    }));
    return { node, lines, missing };
  });
}

interface Decision {
  readonly decided: readonly Omit<DecidingLine, "at">[];
  readonly missing: MissingLine | undefined;
}

const none: Decision = { decided: [], missing: undefined };
const by = (path: string, effect: string, missing?: MissingLine): Decision => ({
  decided: [{ path, effect }],
  missing,
});

function decisionOn(policy: Policy, verdict: Verdict, node: JudgedNode): Decision {
  const { finding } = node;
  switch (finding.kind) {
    case "attested":
    case "scratch":
      return { decided: acceptedBy(policy, node), missing: undefined };
    case "root":
      return by(finding.policyPath, `ends the walk here until ${finding.expires}: ${finding.reason}`);
    case "summarised":
      return by(finding.policyPath, `takes a verifier's word for it and all below it, until ${finding.until}`);
    case "pinned":
    case "allowed":
    case "unresolved":
      return byRole(policy, verdict, node);
    case "unattested":
      return { decided: [], missing: asRoot(node) };
    case "refused":
      return refusedBy(policy, node, likeliest(finding.refusals));
    case "opaque":
      return opaqueBy(policy, node, finding.code);
    case "mismatch": {
      if (finding.code !== "tag-mismatch") return none;
      const build = buildOf(policy, verdict.image);
      return build === undefined ? none : by(`${build.path}.image-tags`, finding.reason);
    }
    case "revoked": {
      const entries = revokedBy(policy, node, finding.reason);
      return {
        decided: entries.map((path) => ({ path, effect: `revokes it: ${finding.reason}` })),
        missing: undefined,
      };
    }
    case "malformed":
    case "layers-mismatch":
    case "undeclared-base":
    case "cycle":
    case "limit":
    case "unreachable":
      return none;
  }
}

/** Each entry whose signer's word counts here, and the build that its parameters were compared with. */
function acceptedBy(policy: Policy, node: JudgedNode): Decision["decided"] {
  const recording = node.provenances.filter(({ record }) => record !== undefined).map(({ by: statement }) => statement);
  const statements = recording.length > 0 ? recording : node.accepted;
  const signers = new Map(statements.map(({ acceptance, identity }) => [acceptance.builder.path, identity]));
  const builders = [...signers].map(([path, identity]) => ({
    path,
    effect: `accepts its signer ${identity.kind === "key" ? identity.fingerprint : identity.subjectAlternativeName}; the image is at level ${node.level}`,
  }));
  const build = buildOf(policy, parseReference(node.reference));
  return build === undefined
    ? builders
    : [...builders, { path: build.path, effect: "says how it is built, and it was" }];
}

function buildOf(policy: Policy, image: ImageReference): ExpectedBuild | undefined {
  const name = judgedName(policy, image);
  return policy.builds.find((build) => build.image === name);
}

/** What an image was to those that it went into, where that decided. */
function byRole(policy: Policy, verdict: Verdict, node: JudgedNode): Decision {
  const { finding } = node;
  if (finding.kind === "unresolved" && finding.code === "local-image")
    return { decided: [], missing: node.digest && { under: "trust.allow.layouts", line: `- ${node.digest}` } };
  if (finding.kind === "unresolved" && finding.code !== "not-pinned") return none;
  if (node.digest !== undefined && policy.allow.layouts.includes(node.digest))
    return by("trust.allow.layouts", "takes this image of a local layout by its digest");
  const roles = new Set(verdict.nodes.flatMap(({ parents }) => parents.filter(({ to }) => to === node.id)));
  const keys = new Set([...roles].flatMap(({ role }) => (role === "base" ? [] : [`trust.roles.${role}s`])));
  const effect = {
    pinned: "wants it named by digest and no more, and it is",
    allowed: "doesn't judge images of this role",
    unresolved: "wants it named by digest, and it isn't",
  }[finding.kind as "pinned" | "allowed" | "unresolved"];
  return { decided: [...keys].map((path) => ({ path, effect })), missing: undefined };
}

/** The condition of an entry that a refusal is about; "" for one that every entry of that kind has, and no key of its own says. */
const CONDITIONS: Partial<Readonly<Record<RefusalCode, string>>> = {
  issuer: "issuer",
  "signer-name": "name",
  workflow: "workflow",
  "builder-moved": "workflow-digest",
  "source-repository": "repository",
  "source-owner": "owner",
  "repository-id": "repository-id",
  "owner-id": "owner-id",
  runner: "runner",
  event: "events",
  ref: "refs",
  "default-branch-unknown": "refs",
};

function refusedBy(policy: Policy, node: JudgedNode, refusal: Refusal | undefined): Decision {
  if (refusal === undefined) return { decided: [], missing: asRoot(node) };
  const { code, policyPath, identity, reason } = refusal;
  const entry = identity === undefined ? undefined : entryFor(policy, node.reference, identity);
  const missing = entry === undefined ? undefined : { under: "trust.builders", line: entry };
  if (policyPath === undefined) return { decided: [], missing };
  const effect = `comes nearest, and isn't met (${code}): ${reason}`;
  return by(conditionPath(policy, policyPath, code), effect, missing);
}

/** The key of the entry where it is written, whichever kind of signer that is; else the entry. */
function conditionPath(policy: Policy, entry: string, code: RefusalCode): string {
  const key = CONDITIONS[code];
  if (key === undefined) return entry;
  const kinds = ["github", "identity", "identity.source"].map((kind) => `${entry}.${kind}.${key}`);
  const keys = code === "source-repository" ? [...kinds, `${entry}.key.source`] : kinds;
  const written = keys.find((path) => policy.lineOf(path) !== undefined);
  // A default decides without being written: it is named all the same.
  const kind = policy.lineOf(`${entry}.identity`) === undefined ? "github" : "identity.source";
  return (
    written ??
    (policy.lineOf(entry) === undefined || !entry.startsWith("trust.builders") ? entry : `${entry}.${kind}.${key}`)
  );
}

const INPUTS: Readonly<Record<InputCode, string>> = {
  "input-local": "local-context",
  "input-not-checked": "http-without-checksum",
  "input-network": "network",
  "input-cache": "cache",
  "input-privileged": "privileged",
};

function opaqueBy(policy: Policy, node: JudgedNode, code: string): Decision {
  if (code in INPUTS) return by(`trust.allow.${INPUTS[code as InputCode]}`, `doesn't let in what went in (${code})`);
  if (code === "root-expired") {
    const digests: readonly (Digest | undefined)[] = [...(node.digests ?? []), node.digest, node.index];
    const roots = policy.roots.filter(({ image }) => digests.includes(image.digest));
    return {
      decided: roots.map(({ path, expires }) => ({
        path: `${path}.expires`,
        effect: `named it a root until ${expires}`,
      })),
      missing: undefined,
    };
  }
  const vouched = acceptedBy(policy, node).map(({ path }) => ({
    path,
    effect: `accepts who vouches for it, and what that says isn't enough (${code})`,
  }));
  return { decided: vouched, missing: asRoot(node) };
}

/** Entries with that reason; of those by digest and commit, the ones that are met. */
function revokedBy(policy: Policy, node: JudgedNode, reason: string): readonly string[] {
  const digests = [...(node.digests ?? []), ...[node.digest, node.index].filter((digest) => digest !== undefined)];
  const isMet = (entry: Revocation) => {
    const alone = { ...policy, revoked: [entry] };
    if (entry.kind === "digest") return revokedDigest(alone, digests) !== undefined;
    if (entry.kind === "commit")
      return node.accepted.some(({ found }) => revokedCommit(alone, found.verified) !== undefined);
    return entry.reason === reason;
  };
  return policy.revoked.flatMap((entry, i) => (entry.reason === reason && isMet(entry) ? [`trust.revoked[${i}]`] : []));
}

function asRoot({ reference, digest, index }: JudgedNode): MissingLine | undefined {
  if (digest === undefined) return undefined;
  const [name] = reference.split("@");
  const image = JSON.stringify(`${name}@${index ?? digest}`);
  return { under: "trust.roots", line: `- { image: ${image}, reason: WHY, expires: YYYY-MM-DD }` };
}

function platformLines({ platforms }: Policy, verdict: Verdict, { id, platform }: JudgedNode): Decision["decided"] {
  const leftOut = verdict.platforms.some(({ node, counts }) => node === id && !counts);
  if (!leftOut || platforms === undefined || platform === undefined) return [];
  return [{ path: "trust.platforms", effect: `doesn't judge images for ${formatPlatform(platform)}` }];
}

/** What isn't written itself may stand in an entry that is. */
function nearestLine(policy: Policy, path: string): PolicyLine | undefined {
  for (let at = path; /[.[]/.test(at); at = at.replace(/(\.[^.[\]]+|\[\d+\])$/, "")) {
    const line = policy.lineOf(at);
    // The list or map around it says nothing of what isn't in it.
    if (line !== undefined) return at === path || /\[\d+\]/.test(at) ? line : undefined;
  }
  return policy.lineOf(path);
}
