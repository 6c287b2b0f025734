import type { FulcioExtensions } from "../../src/attestation/identity.ts";
import { parseDigest } from "../../src/image/digest.ts";
import type { Builder, GitHubBuilder } from "../../src/trust/builder.ts";
import { type Policy, parsePolicy } from "../../src/trust/policy.ts";
import type { VerifiedStatement } from "../../src/trust/ports.ts";

/** The commit that everything in these tests is built from. */
export const commit = "a".repeat(40);

/** The builder's workflow, called by the source's. */
export const workflow = "acme/builder/.github/workflows/build.yml@refs/tags/v2";

/** What Fulcio writes for a tag of github.com/acme/app that the builder's reusable workflow builds. */
export const extensions = {
  buildSignerUri: `https://github.com/${workflow}`,
  buildSignerDigest: "b".repeat(40),
  runnerEnvironment: "github-hosted",
  sourceRepositoryUri: "https://github.com/acme/app",
  sourceRepositoryDigest: commit,
  sourceRepositoryRef: "refs/tags/v1.0",
  sourceRepositoryIdentifier: "77",
  sourceRepositoryOwnerUri: "https://github.com/acme",
  sourceRepositoryOwnerIdentifier: "1234",
  buildConfigUri: "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.0",
  buildConfigDigest: commit,
  buildTrigger: "push",
  runInvocationUri: "https://github.com/acme/app/actions/runs/8791219607/attempts/1",
  sourceRepositoryVisibility: "public",
} as const satisfies FulcioExtensions;

/** What differs from the honest statement; `undefined` takes an extension out of the certificate. */
export interface Alteration {
  readonly issuer?: string;
  readonly subjectAlternativeName?: string;
  readonly extensions?: { readonly [field in keyof FulcioExtensions]?: string | undefined };
  readonly times?: readonly Date[];
}

/** A statement as the verifier answers it. The certificate's name follows .9 where it isn't given. */
export function verified(alteration: Alteration = {}): VerifiedStatement {
  const all = Object.entries({ ...extensions, ...alteration.extensions });
  const present: FulcioExtensions = Object.fromEntries(all.filter(([, value]) => value !== undefined));
  return {
    kind: "verified",
    statement: { type: "https://in-toto.io/Statement/v1", subject: [], predicateType: "test", predicate: undefined },
    identity: {
      kind: "certificate",
      issuer: alteration.issuer ?? "https://token.actions.githubusercontent.com",
      subjectAlternativeName: alteration.subjectAlternativeName ?? present.buildSignerUri ?? extensions.buildSignerUri,
      extensions: present,
    },
    times: alteration.times ?? [new Date("2026-05-01T12:00:00Z")],
    bundle: parseDigest(`sha256:${"0".repeat(64)}`),
    trustedRoot: "test",
  };
}

/** The same, signed by a key and nothing else. */
export function signedByKey(times: readonly Date[] = []): VerifiedStatement {
  return {
    ...verified({ times }),
    identity: { kind: "key", fingerprint: parseDigest(`sha256:${"1".repeat(64)}`) },
  };
}

/** The entry of a workflow, of a policy that has one. */
export function workflowOf(builder: Builder | undefined): GitHubBuilder {
  if (builder?.kind !== "github") throw new Error(`no workflow: ${builder?.kind}`);
  return builder;
}

/** Reads a policy's text as if from a file. */
export function policyOf(text: string): Policy {
  return parsePolicy(new TextEncoder().encode(text), "policy.yml");
}

/** A policy with one builder, everything pinned that can be; `github` is more lines of its entry. */
export function policyWith(github: readonly string[] = [], entry: readonly string[] = []): Policy {
  return policyOf(`version: 1
trust:
  builders:
    - images: ["ghcr.io/acme/{repo}"]
      level: 3
${entry.map((line) => `      ${line}\n`).join("")}      github:
        repository: acme/{repo}
        repository-id: 77
        owner-id: 1234
        workflow: acme/builder/.github/workflows/build.yml@refs/tags/v*
        workflow-digest: ${"b".repeat(40)}
${github.map((line) => `        ${line}\n`).join("")}`);
}
