import { digestOf } from "../../src/image/digest.ts";
import { parsePlatform } from "../../src/image/platform.ts";
import { parseReference } from "../../src/image/reference.ts";
import type { AcceptedProvenance, AcceptedStatement } from "../../src/trust/accepted.ts";
import type { Finding } from "../../src/trust/finding.ts";
import { defaultPolicy } from "../../src/trust/policy-default.ts";
import type { Fault, JudgedNode, Verdict } from "../../src/trust/verdict.ts";

/** A digest that the name stands for. */
export const digest = (name: string) => digestOf(Buffer.from(name));
const SIGNER = "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.0.0";

/** Every kind of finding, as the walk would make it. */
export const findings: readonly Finding[] = [
  { kind: "attested" },
  { kind: "scratch" },
  { kind: "root", reason: "looked at it", expires: "2027-03-01", policyPath: "trust.roots[0]" },
  {
    kind: "summarised",
    reason: "https://verifier.example answers for it and all below it, by policy sha256:1",
    level: 2,
    until: "2027-03-01T00:00:00.000Z",
    policyPath: "trust.verifiers[0]",
  },
  { kind: "pinned" },
  { kind: "allowed" },
  { kind: "unattested" },
  {
    kind: "refused",
    refusals: [{ code: "workflow", reason: "another workflow", where: "referrer x", signer: SIGNER }],
  },
  { kind: "opaque", code: "list-only", reason: "without steps" },
  { kind: "unresolved", code: "manifest-not-found", reason: "not there" },
  { kind: "malformed", code: "duplicate-key", reason: "two keys" },
  { kind: "mismatch", code: "source-mismatch", reason: "another commit" },
  { kind: "layers-mismatch", code: "layers-mismatch", reason: "other layers" },
  { kind: "undeclared-base", reason: "somebody else's layers" },
  { kind: "revoked", reason: "stolen key" },
  { kind: "cycle", reason: "built from itself" },
  { kind: "limit", reason: "too deep" },
  { kind: "unreachable", code: "network", reason: "no route" },
];

/** A node called `name`, attested unless said otherwise. */
export function node(name: string, given: Partial<JudgedNode> = {}): JudgedNode {
  const finding = given.finding ?? { kind: "attested" };
  const provenances = finding.kind === "attested" ? [provenance] : [];
  return {
    id: name,
    reference: `ghcr.io/acme/${name}:1.0.0@${digest(name)}`,
    digest: digest(name),
    index: digest(`${name} index`),
    platform: parsePlatform("linux/amd64"),
    finding,
    parents: [],
    isFromScratch: false,
    seam: undefined,
    level: finding.kind === "attested" ? 2 : 0,
    accepted: provenances.map(({ by }) => by),
    provenances,
    refusals: finding.kind === "refused" ? finding.refusals : [],
    warnings: [],
    inputs: provenances.length === 0 ? undefined : { openness: "closed", all: [], untold: [] },
    hints: [],
    ...given,
  };
}

const accepted = {
  kind: "statement",
  found: {
    where: "referrer x",
    verified: {
      kind: "verified",
      statement: { predicateType: "https://slsa.dev/provenance/v1" },
      times: [new Date("2026-01-02T03:04:05Z")],
      bundle: digest("bundle"),
      trustedRoot: "sigstore-public-good",
    },
  },
  identity: {
    kind: "certificate",
    issuer: "https://token.actions.githubusercontent.com",
    subjectAlternativeName: SIGNER,
    extensions: {
      sourceRepositoryUri: "https://github.com/acme/app",
      sourceRepositoryDigest: "a".repeat(40),
      sourceRepositoryRef: "refs/tags/v1.0.0",
    },
  },
  acceptance: { kind: "accepted", builder: { path: "trust.builders[0]" }, level: 2, warnings: [] },
  coversIndex: false,
  // The parts that reports read; the walk's own tests make whole ones.
} as unknown as AcceptedStatement;

/** As BuildKit records a build. */
export const provenance = {
  kind: "provenance",
  by: accepted,
  containedIn: undefined,
  record: { base: { kind: "scratch" } },
  source: "agrees",
} as AcceptedProvenance;

/** A fault at the end of a path: the image, then roles and nodes. */
export function fault(
  code: string,
  ...steps: readonly (readonly [JudgedNode, Fault["path"][number]["role"]?])[]
): Fault {
  const path = steps.map(([{ id }, role]) => ({ node: id, role }));
  return { code, reason: `why ${code}`, node: path.at(-1)?.node ?? "", path, mend: `how to mend ${code}` };
}

/** A verdict on the first of the nodes. */
export function verdict(nodes: readonly JudgedNode[], given: Partial<Verdict> = {}): Verdict {
  const [first] = nodes;
  const outcome = given.outcome ?? "trusted";
  return {
    outcome,
    image: parseReference(`ghcr.io/acme/app:1.0.0@${digest("app index")}`) as Verdict["image"],
    policy: { name: "policy.yml", digest: defaultPolicy.digest },
    asOf: new Date("2027-02-01T12:00:00Z"),
    platforms: [{ platform: first?.platform, node: first?.id ?? "", outcome, counts: true, dependencyLevels: {} }],
    nodes,
    faults: [],
    unreachable: [],
    level: 2,
    levels: { 2: nodes.length },
    comparedWith: "the images of this ancestry",
    dependencyLevels: {},
    inputs: "closed",
    validUntil: undefined,
    onlyPlatform: undefined,
    versions: [],
    ...given,
  };
}

/** base under runtime under app, where base is what is given. */
export function chainOf(base: Partial<JudgedNode>, given: Partial<Verdict> = {}): Verdict {
  return verdict(
    [
      node("app", { parents: [{ role: "base", to: "runtime" }] }),
      node("runtime", { parents: [{ role: "base", to: "base" }] }),
      node("base", base),
    ],
    given,
  );
}
