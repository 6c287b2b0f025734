import { type Policy, parseDefaultPolicy } from "./policy.ts";

/**
 * What holds where nobody gave a policy (RULES R5): on ghcr.io, provenance from GitHub Actions of the owner whose namespace it is,
 * for tags and the default branch, at level 2 at most; elsewhere nothing. Only ghcr.io gives a namespace to the GitHub account of
 * the same name: docker.io/foo is not github.com/foo.
 */
export const DEFAULT_POLICY_TEXT = `version: 1
trust:
  builders:
    - images: ["ghcr.io/{owner}/**"]
      github:
        owner: "{owner}"
        runner: github-hosted
        events: [push, release, workflow_dispatch]
        refs: ["refs/tags/**", default-branch]
      level: 2
      builds: true
`;

/** The default policy. */
export const defaultPolicy: Policy = parseDefaultPolicy(
  new TextEncoder().encode(DEFAULT_POLICY_TEXT),
  "default policy",
);
