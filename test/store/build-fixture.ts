import { randomUUID } from "node:crypto";
import type { Build, Repository } from "../../src/build/build.ts";
import type { PolicyText, StoredPolicies } from "../../src/build/ports.ts";
import { digestOf } from "../../src/image/digest.ts";

const digest = (text: string) => digestOf(Buffer.from(text));

let repositories = 0;

/** A repository that no other test has. GitHub's numbers go beyond 32 bits. */
export function newRepository(given: Partial<Repository> = {}): Repository {
  repositories++;
  return {
    id: 5_000_000_000 + repositories,
    ownerId: 6_000_000_077,
    owner: "acme",
    name: "app",
    installation: 7_000_000_000 + repositories,
    isPrivate: false,
    ...given,
  };
}

/** The text of a policy, read at a commit. */
export function policyText(kind: PolicyText["kind"], text: string): PolicyText {
  const name = kind === "repository" ? "acme/app/.github/trusted-builds.yml" : "acme/.github/trusted-builds.yml";
  return {
    kind,
    bytes: new TextEncoder().encode(text),
    name,
    uri: `git+https://github.com/${name}`,
    commit: "c".repeat(40),
    isProtected: kind === "organisation" || "unknown",
  };
}

export const policies: StoredPolicies = {
  repository: policyText("repository", "version: 1\n"),
  organisation: "absent",
};

/** A build as a push makes it. */
export function newBuild(
  repository: Repository,
  given: Partial<Omit<Build, "key">> & { readonly key?: Partial<Build["key"]> } = {},
): Build {
  return {
    id: randomUUID(),
    repository,
    request: {
      image: "ghcr.io/acme/app",
      tags: ["v1.0.0", "latest"],
      dockerfile: "Dockerfile",
      buildArgs: { VERSION: "1" },
      contexts: {},
      secrets: ["token"],
      workflow: "trusted-builds.yml",
    },
    phase: "requested",
    checkRun: undefined,
    run: undefined,
    runStatus: undefined,
    digest: undefined,
    outcome: undefined,
    answersTo: { repository: undefined, organisation: undefined },
    validUntil: undefined,
    failures: 0,
    waiting: undefined,
    attempted: {},
    round: 1,
    reported: undefined,
    createdAt: new Date("2026-11-27T16:04:05.678Z"),
    settledAt: undefined,
    ...given,
    key: {
      repositoryId: repository.id,
      ref: "refs/tags/v1.0.0",
      commit: "a".repeat(40),
      image: "ghcr.io/acme/app",
      policyDigest: digestOf(policies.repository.bytes),
      generation: 1,
      ...given.key,
    },
  };
}

/** What a push of these builds' tag records. */
export function pushOf(builds: readonly [Build, ...Build[]], given: { object?: string; before?: string } = {}) {
  const [{ repository, key }] = builds;
  const state = { generation: key.generation, object: given.object ?? key.commit, before: given.before };
  return { repository, ref: key.ref, state, builds, policies };
}

const since = new Date("2026-11-27T16:10:00.001Z");

/** A build at each point of its life, and with each outcome: everything that can stand in one. */
export const lives: readonly Partial<Build>[] = [
  { attempted: { checkRun: since } },
  { checkRun: 9_000_000_001, reported: "hash", attempted: { checkRun: since, dispatch: since, isDispatched: true } },
  {
    phase: "dispatched",
    run: { id: 18_000_000_001, attempt: 2, url: "https://github.com/acme/app/actions/runs/1" },
    runStatus: { status: "queued", since },
    round: 3,
  },
  {
    phase: "verifying",
    digest: digest("image"),
    failures: 4,
    waiting: { reason: "the registry said 500", until: since },
  },
  { phase: "done", outcome: { kind: "verdict", verdict: "trusted" }, settledAt: since, validUntil: since },
  { answersTo: { repository: digest("policy"), organisation: "absent" } },
  { answersTo: { repository: "unusable", organisation: digest("policy") } },
  {
    phase: "done",
    outcome: { kind: "verdict", verdict: "trusted", notices: [{ code: "rival-claims", message: "mallory/app" }] },
  },
  {
    phase: "done",
    outcome: {
      kind: "verdict",
      verdict: "untrusted",
      enforced: [
        { policy: "repository", mode: "report", conclusion: "success", reason: "faults are reported only" },
        { policy: "organisation", mode: "ratchet", conclusion: "failure", reason: "it never passed" },
      ],
    },
  },
  { phase: "settled", outcome: { kind: "undetermined", reason: "no route" }, attempted: { report: "hash" } },
  { phase: "settled", outcome: { kind: "build-failed", conclusion: "failure", log: "exit 1\n" } },
  { phase: "settled", outcome: { kind: "build-failed", conclusion: "timed_out", log: undefined } },
  { phase: "settled", outcome: { kind: "cancelled" } },
  {
    phase: "settled",
    request: undefined,
    outcome: {
      kind: "policy-wrong",
      policy: "acme/app/.github/trusted-builds.yml",
      faults: [{ line: 1, column: 2, path: "builds[0]", message: "unknown key" }],
    },
  },
  { phase: "settled", outcome: { kind: "no-workflow", reason: "not at the tag" } },
  { phase: "settled", request: undefined, outcome: { kind: "tag-unusable", reason: "too long" } },
  {
    request: {
      image: "ghcr.io/acme/app",
      tags: ["v1"],
      dockerfile: "docker/Dockerfile",
      context: "sub",
      target: "final",
      platforms: ["linux/amd64", "linux/arm64"],
      buildArgs: {},
      contexts: { dep: "docker-image://alpine" },
      secrets: [],
      workflow: "trusted-builds.yml",
    },
  },
];
