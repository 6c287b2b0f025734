import { z } from "zod";
import type { Digest } from "../image/digest.ts";

const outcome = z.enum(["trusted", "untrusted", "undetermined"]);

/** A pinned reference whose tag leads elsewhere by now. */
const move = z.object({
  path: z.string(),
  line: z.number(),
  /** With its tag, without the digest. */
  name: z.string(),
  from: z.string(),
  to: z.string(),
});

const held = move.extend({
  /** Why it isn't proposed: what the new digest is by policy, that it is older than the pinned one, or that somebody said no to it. */
  why: z.enum(["untrusted", "undetermined", "not-judged", "older", "declined"]),
});

const proposal = z.object({
  defaultBranch: z.string(),
  head: z.string(),
  moves: z.array(move),
  held: z.array(held),
  /** The files with the pins moved, and the digests of their texts as they are at the head. */
  files: z.array(z.object({ path: z.string(), text: z.string(), before: z.string() })),
  /** What each file would be by each policy (RULES R2). */
  verdicts: z.array(
    z.object({
      path: z.string(),
      image: z.string(),
      policy: z.enum(["repository", "organisation"]),
      before: outcome,
      after: outcome,
    }),
  ),
});

const pins = z.object({
  /** What our branch has in it: the digests of the files' texts before and after, by path. */
  committed: z.array(z.object({ path: z.string(), before: z.string(), after: z.string() })).optional(),
  /** The digests that it proposes, as {@link moveKey}. */
  offered: z.array(z.string()),
  /** A commit of ours may have reached the branch though we never heard so. */
  isCommitting: z.boolean(),
  /** Our last commit on the branch; whoever pushed behind it has it now. */
  tip: z.string().optional(),
  /** The open pull request. */
  pull: z.number().optional(),
  /** The one that we closed ourselves, to begin anew: that is nobody's no. */
  retired: z.number().optional(),
  /** A hash of what the pull request says. */
  said: z.string().optional(),
  /** Digests to which somebody said no. */
  declined: z.array(z.string()),
  /** What the last check run said, and on which commit. */
  told: z.string().optional(),
  /** What the last turn came to, for the page; undefined where there was nothing. */
  proposal: proposal.optional(),
  failures: z.number(),
  waits: z.number(),
});

export type PinMove = z.output<typeof move>;
export type HeldPin = z.output<typeof held>;
export type PinsProposal = z.output<typeof proposal>;

/** How far the proposal of newer digests to one repository is. */
export type Pins = z.output<typeof pins>;

/** Of a repository that nobody has looked at. */
export const NEW_PINS: Pins = { offered: [], isCommitting: false, declined: [], failures: 0, waits: 0 };

/** Reads what was saved. @throws {z.ZodError} for what another version wrote that this one doesn't understand. */
export function parsePins(state: unknown): Pins {
  return pins.parse(state);
}

/** What a no is remembered by: the image's name with its tag, and the digest. */
export function moveKey({ name, to }: { readonly name: string; readonly to: Digest | string }): string {
  return `${name}@${to}`;
}
