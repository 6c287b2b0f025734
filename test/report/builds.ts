import type { Build, BuildRequest, Outcome } from "../../src/build/build.ts";
import { verdictDocument } from "../../src/report/json.ts";
import type { JudgedBy } from "../../src/report/judged-by.ts";
import type { Verdict } from "../../src/trust/verdict.ts";
import { chainOf, digest, fault } from "./verdicts.ts";

/** What the workflow is asked for where nothing else is said. */
export const request: BuildRequest = {
  image: "ghcr.io/acme/app",
  tags: ["1.0.0"],
  dockerfile: "Dockerfile",
  buildArgs: {},
  contexts: {},
  secrets: [],
  workflow: "trusted-builds.yml",
};

/** A build that waits to be started; what differs is given. */
export function build(given: Partial<Build> = {}): Build {
  return {
    id: "0b9c2d64-5a3e-4f0e-9d5b-3f1f8f1a2b3c",
    repository: { id: 42, ownerId: 77, owner: "acme", name: "app", installation: 7, isPrivate: false },
    key: {
      repositoryId: 42,
      ref: "refs/tags/v1.0.0",
      commit: "a".repeat(40),
      image: "ghcr.io/acme/app",
      policyDigest: digest("policy"),
      generation: 1,
    },
    request,
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
    createdAt: new Date("2027-02-01T11:57:03Z"),
    settledAt: undefined,
    ...given,
  };
}

/** The workflow's run of a build. */
export const run = { id: 9001, attempt: 1, url: "https://github.com/acme/app/actions/runs/9001" } as const;

/** A build whose outcome is known. */
export function settled(outcome: Outcome, given: Partial<Build> = {}): Build {
  return build({
    phase: "settled",
    run,
    digest: digest("app index"),
    outcome,
    settledAt: new Date("2027-02-01T12:00:09Z"),
    ...given,
  });
}

/** A verdict under a policy, the repository's where nothing else is said. */
export function judgedBy(verdict: Verdict, policy: Partial<JudgedBy["policy"]> = {}): JudgedBy {
  return {
    policy: {
      kind: "repository",
      name: "acme/app/.github/trusted-builds.yml",
      uri: `git+https://github.com/acme/app@${"b".repeat(40)}#.github/trusted-builds.yml`,
      commit: "b".repeat(40),
      isProtected: true,
      ...policy,
    },
    document: verdictDocument(verdict),
  };
}

/** The organisation's policy. */
export const organisation: JudgedBy["policy"] = {
  kind: "organisation",
  name: "acme/.github/trusted-builds.yml",
  uri: `git+https://github.com/acme/.github@${"c".repeat(40)}#trusted-builds.yml`,
  commit: "c".repeat(40),
  isProtected: true,
};

/** app on runtime on base, and all is well. */
export const trusted: Verdict = chainOf({ isFromScratch: true });

/** The same, where nothing is signed about the grandparent. */
export const untrusted: Verdict = untrustedChain();

function untrustedChain(): Verdict {
  const given = chainOf(
    { finding: { kind: "unattested" } },
    { outcome: "untrusted", level: 0, levels: { 2: 2, 0: 1 } },
  );
  const [app, runtime, base] = given.nodes;
  if (app === undefined || runtime === undefined || base === undefined) throw new Error("a chain has three images");
  return { ...given, faults: [fault("unattested", [app], [runtime, "base"], [base, "base"])] };
}
