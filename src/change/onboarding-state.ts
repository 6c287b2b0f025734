import { z } from "zod";

/** Texts of strangers are cut to so many UTF-16 units before they are kept. */
export const MAX_KEPT_TEXT = 1000;

const lines = z.object({ line: z.number(), endLine: z.number() });

/** What a Dockerfile would be today by the proposed policy, as much of it as is told. */
const foreseen = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("judged"),
    outcome: z.enum(["trusted", "untrusted", "undetermined"]),
    faults: z.array(z.object({ code: z.string(), reason: z.string(), lines: z.array(lines) })),
    /** Of faults that aren't kept. */
    moreFaults: z.number(),
    parents: z.array(
      z.object({
        /** As the file names it. */
        name: z.string(),
        digest: z.string().optional(),
        role: z.enum(["base", "input", "frontend"]),
        outcome: z.enum(["trusted", "untrusted", "undetermined"]).optional(),
      }),
    ),
    moreParents: z.number(),
  }),
  z.object({ kind: z.literal("refused"), line: z.number(), column: z.number(), reason: z.string() }),
]);

const draft = z.object({
  defaultBranch: z.string(),
  /** The commit that all of it was read at. */
  head: z.string(),
  /** What isn't there yet: the policy, the workflow, or both. */
  files: z.array(z.object({ path: z.string(), text: z.string() })),
  /** Whether the policy is among them, or is there. */
  isPolicyNew: z.boolean(),
  dockerfiles: z.array(z.object({ path: z.string(), image: z.string(), state: foreseen })),
  /** Paths of Dockerfiles that no image is proposed for, and how many more there are. */
  aside: z.array(z.string()),
  moreAside: z.number(),
  /** In milliseconds since 1970. */
  madeAt: z.number(),
});

/** Why there is nothing to propose. */
const nothing = z.enum(["archived", "fork", "empty", "no-dockerfile", "too-large", "policy-unusable"]);

const onboarding = z.object({
  phase: z.enum([
    /** Nothing is known. */
    "looking",
    /** The files are made; nothing is written. */
    "drafted",
    /** They are on a branch of our own; there is no pull request yet. */
    "committed",
    /** The pull request is there, and nobody has decided. */
    "open",
    /** It may not be written: a check run says so, and where the files are. */
    "shown",
    /** Closed, and not merged: no, for good. */
    "declined",
    /** Merged, or there without us. */
    "done",
    /** For now: it is looked at again. */
    "nothing",
  ]),
  why: nothing.optional(),
  draft: draft.optional(),
  /** Of what is committed: whether a workflow had to be left out of it. */
  withoutWorkflow: z.boolean().optional(),
  /** Whether GitHub refused what we may write: asking again is of no use. */
  isRefused: z.boolean().optional(),
  pull: z.number().optional(),
  failures: z.number(),
  /** How often in a row it had to wait for its turn to write. */
  waits: z.number(),
});

export type OnboardingDraft = z.output<typeof draft>;
export type ForeseenFile = z.output<typeof foreseen>;
export type NothingToPropose = z.output<typeof nothing>;

/** How far the proposal of our files to one repository is. */
export type Onboarding = z.output<typeof onboarding>;

/** Of a repository that nobody has looked at. */
export const NEW_ONBOARDING: Onboarding = {
  phase: "looking",
  failures: 0,
  waits: 0,
};

/** Reads what was saved. @throws {z.ZodError} for what another version wrote that this one doesn't understand. */
export function parseOnboarding(state: unknown): Onboarding {
  return onboarding.parse(state);
}
