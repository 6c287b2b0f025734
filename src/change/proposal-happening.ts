import { z } from "zod";
import { ONBOARDING_BRANCH } from "./onboarding.ts";
import type { ProposalKind } from "./proposal-ports.ts";
import { PINS_BRANCH } from "./renovation.ts";

/** What a delivery tells of proposals: hints, which only say where to look. */
export type ProposalHappening =
  /** A pull request of ours was merged or closed, or somebody opened it again. */
  | { readonly kind: "proposal-decided"; readonly proposal: ProposalKind; readonly repositoryId: number }
  /** The owner gave the app other permissions: what couldn't be written may be. */
  | { readonly kind: "permissions-changed"; readonly installation: number };

const id = z.number().int().positive();
const pull = z.object({
  action: z.enum(["closed", "reopened"]),
  pull_request: z.object({ head: z.object({ ref: z.string(), repo: z.object({ id }).nullable() }) }),
  repository: z.object({ id }),
});
const accepted = z.object({ action: z.literal("new_permissions_accepted"), installation: z.object({ id }) });

/** Reads a delivery. @returns undefined for what is of no concern here, and for what isn't of that form: others say so. */
export function readProposalHappening(event: string, payload: unknown): ProposalHappening | undefined {
  if (event === "installation") {
    const read = accepted.safeParse(payload);
    return read.success ? { kind: "permissions-changed", installation: read.data.installation.id } : undefined;
  }
  if (event !== "pull_request") return undefined;
  const read = pull.safeParse(payload);
  if (!read.success) return undefined;
  const { pull_request: request, repository } = read.data;
  // A fork's branch may have any name.
  if (request.head.repo?.id !== repository.id) return undefined;
  const proposal =
    request.head.ref === ONBOARDING_BRANCH ? "onboarding" : request.head.ref === PINS_BRANCH ? "pins" : undefined;
  return proposal && { kind: "proposal-decided", proposal, repositoryId: repository.id };
}
