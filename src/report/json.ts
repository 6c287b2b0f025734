import { z } from "zod";
import { claimsOf, signerName } from "../attestation/identity.ts";
import type { BuildInput } from "../attestation/inputs.ts";
import { formatPlatform } from "../image/platform.ts";
import { formatReference, imageName } from "../image/reference.ts";
import type { AcceptedStatement } from "../trust/accepted.ts";
import type { Finding, Refusal } from "../trust/finding.ts";
import type { Fault, JudgedNode, Verdict } from "../trust/verdict.ts";
import { printableJson } from "./printable.ts";

const outcome = z.enum(["trusted", "untrusted", "undetermined"]);
const role = z.enum(["base", "input", "frontend", "tool"]);
const findingKind = z.enum([
  "attested",
  "scratch",
  "root",
  "summarised",
  "pinned",
  "allowed",
  "unattested",
  "refused",
  "opaque",
  "unresolved",
  "malformed",
  "mismatch",
  "layers-mismatch",
  "undeclared-base",
  "revoked",
  "cycle",
  "limit",
  "unreachable",
]);
const text = (description: string) => z.string().meta({ description });

const fault = z.strictObject({
  code: text("stable; for programs"),
  reason: text("for people"),
  node: text("id of the node"),
  path: z
    .array(z.strictObject({ node: z.string(), role: role.nullable() }))
    .meta({ description: "from the image to the fault; role: what each was to the one before" }),
  mend: text("what would mend it; for people"),
});

const refusal = z.strictObject({
  code: z.string(),
  reason: z.string(),
  where: z.string(),
  bundle: z.string().nullable().meta({ description: "SHA-256 of the bundle" }),
  signer: z.string().nullable().meta({ description: "name in the certificate, where the cryptography holds" }),
  decisive: z.boolean().meta({ description: "whether the finding `refused` rests on it" }),
});

const provenance = z.strictObject({
  bundle: text("SHA-256 of the bundle of the statement whose word it is"),
  containedIn: z.string().nullable().meta({ description: "where it stands, if not in that statement itself" }),
  source: z
    .enum(["agrees", "differs", "absent"])
    .meta({ description: "the build's git source against the certificate's" }),
  recordsImages: z.boolean().meta({ description: "whether it says which images went in" }),
});

const statement = z.strictObject({
  where: z.string(),
  bundle: z.string(),
  predicateType: z.string(),
  signer: text("name in the certificate, or the key's fingerprint"),
  issuer: z.string().nullable().meta({ description: "who told the authority who signs; null for a key" }),
  sourceRepository: z.string().nullable(),
  sourceCommit: z.string().nullable(),
  sourceRef: z.string().nullable(),
  run: z.string().nullable(),
  times: z.array(z.iso.datetime()).meta({ description: "every proven time of signing" }),
  trustedRoot: z.string(),
  acceptedBy: text("where in the policy"),
});

const summary = z.strictObject({
  where: z.string(),
  bundle: text("SHA-256 of the bundle"),
  verifier: text("verifier.id"),
  policy: text("digest of the policy that the verifier judged by"),
  signer: text("name in the certificate, or the key's fingerprint"),
  until: z.iso.datetime().meta({ description: "until when it is young enough for the policy here" }),
});

/** What was recorded of one thing that went in beside images; what a kind doesn't have is null. */
const input = z.strictObject({
  kind: z.enum(["git", "http", "local", "network", "cache", "imported-cache", "privileged"]),
  name: z
    .string()
    .nullable()
    .meta({ description: "address, directory, network mode, or the cache's id; null for privileged commands" }),
  ref: z.string().nullable().meta({ description: "of git: what was asked for" }),
  content: z.string().nullable().meta({ description: "what was found: commit, or digest" }),
  checksum: z.string().nullable().meta({ description: "of http: what the build demanded beforehand" }),
  commands: z.int().nullable().meta({ description: "of network and privileged: how many" }),
});

const hint = z.strictObject({
  from: z.enum(["manifest annotations", "config labels", "buildpacks label"]),
  name: z.string().nullable(),
  digest: z.string().nullable(),
});

const openness = z.enum(["closed", "recorded", "open"]);

const feed = z.strictObject({
  url: text("without its query"),
  bundle: text("SHA-256 of the feed itself, which is a bundle"),
  digest: text("by which it names the image: of the index where there is one"),
  issuer: text("its publisher, in his own words"),
  issued: z.iso.datetime(),
  expires: z.iso.datetime().meta({ description: "when it ends to hold as a whole" }),
});

const version = z.strictObject({
  sourceRepository: z.string().nullable(),
  sourceRef: z.string().nullable().meta({ description: "`refs/tags/v1.4.0`" }),
  sourceCommit: z.string().nullable(),
  firstSigned: z.iso.datetime().nullable().meta({ description: "earliest proven time of signing" }),
  lastSigned: z.iso.datetime().nullable().meta({ description: "latest proven time of signing" }),
  nodes: z.array(z.string()).meta({ description: "the images that it is the version of" }),
});

const node = z.strictObject({
  id: z.string(),
  reference: z.string(),
  digest: z.string().nullable().meta({ description: "of the platform's manifest" }),
  index: z.string().nullable().meta({ description: "the index it was taken from" }),
  platform: z.string().nullable(),
  finding: z.strictObject({
    kind: findingKind.meta({ description: "see docs/verdict.md" }),
    code: z.string().nullable(),
    reason: z.string().nullable(),
    expires: z.iso.date().nullable().meta({ description: "of a root: the last day" }),
    policyPath: z.string().nullable().meta({ description: "of a root or a summary: where in the policy" }),
    feed: feed.nullable().default(null).meta({ description: "of a root that a feed names: which feed" }),
  }),
  parents: z.array(z.strictObject({ role, node: z.string() })),
  fromScratch: z.boolean(),
  seam: z
    .enum(["proven", "claimed"])
    .nullable()
    .meta({ description: "how the base's layers are shown to be under it" }),
  level: z.int().min(0).max(3),
  sourceProven: z
    .boolean()
    .nullable()
    .meta({ description: "whether the build's git source is the certificate's; null without a record of the build" }),
  statements: z.array(statement).meta({ description: "what counts" }),
  provenances: z.array(provenance).meta({ description: "how it was built, in the word of those statements" }),
  refusals: z.array(refusal).meta({ description: "what doesn't, and why" }),
  summary: summary
    .nullable()
    .default(null)
    .meta({ description: "of a node that is `summarised`: the VSA that ends the walk" }),
  warnings: z.array(z.string()),
  // Verdicts from before these fields are kept: of them nothing is known.
  inputs: z
    .strictObject({
      state: openness,
      all: z.array(input),
      untold: z.array(z.string()).meta({ description: "why it is open where the list doesn't show it; for people" }),
    })
    .nullable()
    .default(null)
    .meta({
      description: "what went in beside images; null where nothing that counts records it, which is as good as open",
    }),
  hints: z
    .array(hint)
    .default([])
    .meta({ description: "what an image that isn't walked says of its base; unsigned, and without effect" }),
});

/** The form of `--output json`. Fields may be added within a version; none changes its meaning. */
export const verdictSchema = z
  .strictObject({
    version: z.literal(1),
    verdict: outcome,
    image: z.strictObject({
      reference: z.string(),
      name: z.string(),
      tag: z.string().nullable(),
      digest: z.string().nullable(),
      origin: z
        .strictObject({
          place: text("as it was asked for, `oci:DIR`"),
          namedBy: z.enum(["asker", "archive"]).meta({ description: "whose word the name is" }),
        })
        .nullable()
        .meta({ description: "where it was read, if not in a registry" }),
    }),
    policy: z.strictObject({ name: z.string(), digest: z.string() }),
    asOf: z.iso.datetime(),
    level: z.int().min(0).max(3).meta({ description: "lowest SLSA build level over the ancestry" }),
    levels: z.record(z.string(), z.int()).meta({ description: "how many images at each level" }),
    comparedWith: z
      .string()
      .default("")
      .meta({ description: "with which images the layers were compared, to find a base that nobody declared" }),
    dependencyLevels: z.record(z.string(), z.int()).nullable().default(null).meta({
      description:
        "how many images below the one asked about at each level of SLSA's build track, each once; null: not known",
    }),
    inputs: openness
      .default("open")
      .meta({ description: "how much is known of what went in: the worst of the ancestry" }),
    validUntil: z.iso
      .datetime()
      .nullable()
      .default(null)
      .meta({ description: "when something that it rests on lapses; null: nothing does" }),
    onlyPlatform: z
      .string()
      .nullable()
      .default(null)
      .meta({ description: "the platform that was asked about alone; null: all of them" }),
    versions: z
      .array(version)
      .default([])
      .meta({ description: "what stands under the tag that was asked for, in the word of provenance that counts" }),
    platforms: z.array(
      z.strictObject({ platform: z.string().nullable(), node: z.string(), verdict: outcome, counts: z.boolean() }),
    ),
    nodes: z.array(node).meta({ description: "nearest generation first" }),
    faults: z.array(fault),
    unreachable: z.array(fault),
  })
  .meta({ title: "Verdict of Trusted Builds", description: "What `trusted-builds verify --output json` prints." });

/** A verdict as JSON for programs; the whole of it, in the form of {@link verdictSchema}. */
export type VerdictDocument = z.output<typeof verdictSchema>;

/**
 * A verdict as a JSON text that is safe on a terminal too: names of strangers are in it, and JSON itself leaves C1 control characters
 * and bidirectional overrides as they are.
 */
export function verdictJson(verdict: Verdict): string {
  return printableJson(verdictDocument(verdict));
}

/** Writes a verdict in the form of {@link verdictSchema}. */
export function verdictDocument(verdict: Verdict): VerdictDocument {
  const { image, policy } = verdict;
  return {
    version: 1,
    verdict: verdict.outcome,
    image: {
      reference: formatReference(image),
      name: imageName(image),
      tag: image.tag ?? null,
      digest: image.digest ?? null,
      origin: verdict.origin ?? null,
    },
    policy: { name: policy.name, digest: policy.digest },
    asOf: verdict.asOf.toISOString(),
    level: verdict.level,
    levels: Object.fromEntries(Object.entries(verdict.levels)),
    comparedWith: verdict.comparedWith,
    dependencyLevels: Object.fromEntries(Object.entries(verdict.dependencyLevels)),
    inputs: verdict.inputs,
    validUntil: verdict.validUntil?.toISOString() ?? null,
    onlyPlatform: verdict.onlyPlatform === undefined ? null : formatPlatform(verdict.onlyPlatform),
    versions: verdict.versions.map(({ repository, ref, commit, firstSigned, lastSigned, nodes }) => ({
      sourceRepository: repository ?? null,
      sourceRef: ref ?? null,
      sourceCommit: commit ?? null,
      firstSigned: firstSigned?.toISOString() ?? null,
      lastSigned: lastSigned?.toISOString() ?? null,
      nodes: [...nodes],
    })),
    platforms: verdict.platforms.map(({ platform, node: id, outcome: result, counts }) => ({
      platform: platform === undefined ? null : formatPlatform(platform),
      node: id,
      verdict: result,
      counts,
    })),
    nodes: verdict.nodes.map(nodeDocument),
    faults: verdict.faults.map(faultDocument),
    unreachable: verdict.unreachable.map(faultDocument),
  };
}

function faultDocument({ code, reason, node: id, path, mend }: Fault): VerdictDocument["faults"][number] {
  return { code, reason, node: id, path: path.map((step) => ({ node: step.node, role: step.role ?? null })), mend };
}

function nodeDocument(node: JudgedNode): VerdictDocument["nodes"][number] {
  const { id, reference, finding, level } = node;
  // What records no images knows nothing of the build's source either: it neither proves it nor leaves it unproven.
  const records = node.provenances.filter(({ record }) => record !== undefined);
  const keyOf = (refusal: Refusal) => JSON.stringify(refusalDocument(refusal));
  const decisive = new Set(finding.kind === "refused" ? finding.refusals.map(keyOf) : []);
  return {
    id,
    reference,
    digest: node.digest ?? null,
    index: node.index ?? null,
    platform: node.platform === undefined ? null : formatPlatform(node.platform),
    finding: findingDocument(finding),
    parents: node.parents.map(({ role: as, to }) => ({ role: as, node: to })),
    fromScratch: node.isFromScratch,
    seam: node.seam ?? null,
    level,
    sourceProven: records.length === 0 ? null : records.every(({ source }) => source === "agrees"),
    statements: node.accepted.map(statementDocument),
    provenances: node.provenances.map(({ by, containedIn, source, record }) => ({
      bundle: by.found.verified.bundle,
      containedIn: containedIn ?? null,
      source,
      recordsImages: record !== undefined,
    })),
    refusals: node.refusals.map((each) => ({ ...refusalDocument(each), decisive: decisive.has(keyOf(each)) })),
    summary: summaryDocument(node.summary),
    warnings: [...node.warnings],
    inputs:
      node.inputs === undefined
        ? null
        : {
            state: node.inputs.openness,
            all: node.inputs.all.map(inputDocument),
            untold: [...node.inputs.untold],
          },
    hints: node.hints.map(({ from, name, digest }) => ({ from, name: name ?? null, digest: digest ?? null })),
  };
}

type InputDocument = NonNullable<VerdictDocument["nodes"][number]["inputs"]>["all"][number];

function inputDocument(given: BuildInput): InputDocument {
  const { kind } = given;
  const none = { kind, name: null, ref: null, content: null, checksum: null, commands: null };
  switch (given.kind) {
    case "git":
      return { ...none, name: given.uri, ref: given.ref ?? null, content: given.commit ?? null };
    case "http":
      return { ...none, name: given.uri, content: given.digest ?? null, checksum: given.checksum ?? null };
    case "local":
      return { ...none, name: given.name };
    case "network":
      return { ...none, name: given.mode, commands: given.steps };
    case "cache":
      return { ...none, name: given.id };
    case "imported-cache":
      return { ...none, name: given.from };
    case "privileged":
      return { ...none, commands: given.steps };
  }
}

function findingDocument(finding: Finding): VerdictDocument["nodes"][number]["finding"] {
  return {
    kind: finding.kind,
    code: "code" in finding ? finding.code : null,
    reason: "reason" in finding ? finding.reason : null,
    expires: finding.kind === "root" ? finding.expires : null,
    policyPath: "policyPath" in finding ? finding.policyPath : null,
    feed: finding.kind === "root" && finding.feed !== undefined ? { ...finding.feed } : null,
  };
}

function summaryDocument(accepted: JudgedNode["summary"]): VerdictDocument["nodes"][number]["summary"] {
  if (accepted === undefined) return null;
  const { found, summary: said, by, until } = accepted;
  const { identity, bundle } = found.verified;
  return {
    where: found.where,
    bundle,
    verifier: said.verifier.id,
    policy: by.policy,
    signer: identity.kind === "key" ? identity.fingerprint : identity.subjectAlternativeName,
    until: until.toISOString(),
  };
}

function refusalDocument({ code, reason, where, bundle, signer }: Refusal) {
  return { code, reason, where, bundle: bundle ?? null, signer: signer ?? null };
}

function statementDocument({
  found,
  identity,
  acceptance,
}: AcceptedStatement): VerdictDocument["nodes"][number]["statements"][number] {
  const { verified, where } = found;
  const claims = claimsOf(identity);
  return {
    where,
    bundle: verified.bundle,
    predicateType: verified.statement.predicateType,
    signer: signerName(identity),
    issuer: identity.kind === "certificate" ? identity.issuer : null,
    sourceRepository: claims.sourceRepositoryUri ?? null,
    sourceCommit: claims.sourceRepositoryDigest ?? null,
    sourceRef: claims.sourceRepositoryRef ?? null,
    run: claims.runInvocationUri ?? null,
    times: verified.times.map((time) => time.toISOString()),
    trustedRoot: verified.trustedRoot,
    acceptedBy: acceptance.builder.path,
  };
}
