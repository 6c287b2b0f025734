import { z } from "zod";
import type { Repository } from "../build/build.ts";
import { DeliveryError, RE_VERIFY } from "../build/happening.ts";

/** The button that asks for pins. */
export const PIN_DIGESTS = "pin-digests";

/** What a delivery tells of pull requests. Signed by GitHub, and still a hint: it may be old, or told twice. */
export type PullHappening =
  /** Look at it: whatever it says of its head and base may be old. */
  | { readonly kind: "pull-changed"; readonly repository: Repository; readonly number: number }
  /** `by`: who clicked, where a button of ours asked. */
  | {
      readonly kind: "pull-rerun-asked";
      readonly repositoryId: number;
      readonly checkRun: number;
      readonly by: string | undefined;
    }
  | { readonly kind: "pins-asked"; readonly repositoryId: number; readonly checkRun: number; readonly by: string }
  | { readonly kind: "pulls-rerun-asked"; readonly repositoryId: number; readonly commit: string };

const id = z.number().int().positive();
const acted = z.object({ action: z.string() });
const pullRequest = z.object({
  number: id,
  repository: z.object({
    id,
    name: z.string().min(1),
    private: z.boolean(),
    owner: z.object({ id, login: z.string().min(1) }),
  }),
  installation: z.object({ id }),
  changes: z.object({ base: z.unknown() }).partial().nullish(),
});
const checkRun = z.object({
  check_run: z.object({ id }),
  repository: z.object({ id }),
  requested_action: z.object({ identifier: z.string() }).nullish(),
  sender: z.object({ login: z.string() }).nullish(),
});
const checkSuite = z.object({
  check_suite: z.object({ head_sha: z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/) }),
  repository: z.object({ id }),
});

const ACTIONS = new Set(["opened", "synchronize", "reopened", "closed", "edited"]);

/**
 * Reads a delivery for what it tells of pull requests.
 *
 * @param event - The header `X-GitHub-Event`.
 * @returns undefined for what is of no concern here.
 * @throws {DeliveryError}
 */
export function readPullHappening(event: string, payload: unknown): PullHappening | undefined {
  const read = <T>(schema: z.ZodType<T>): T => {
    const parsed = schema.safeParse(payload);
    if (!parsed.success) throw new DeliveryError(event, parsed.error);
    return parsed.data;
  };
  switch (event) {
    case "pull_request": {
      const { action } = read(acted);
      if (!ACTIONS.has(action)) return undefined;
      const { number, repository: on, installation, changes } = read(pullRequest);
      // Of what is edited only the branch that it is made to matters.
      if (action === "edited" && changes?.base === undefined) return undefined;
      const { id: repositoryId, name, owner } = on;
      const repository: Repository = {
        id: repositoryId,
        ownerId: owner.id,
        owner: owner.login,
        name,
        installation: installation.id,
        isPrivate: on.private,
      };
      return { kind: "pull-changed", repository, number };
    }
    case "check_run": {
      const { action } = read(acted);
      if (action !== "rerequested" && action !== "requested_action") return undefined;
      const { check_run: run, repository: on, requested_action: asked, sender } = read(checkRun);
      const about = { repositoryId: on.id, checkRun: run.id };
      if (action === "rerequested") return { kind: "pull-rerun-asked", ...about, by: undefined };
      const by = sender?.login ?? "";
      if (asked?.identifier === PIN_DIGESTS) return { kind: "pins-asked", ...about, by };
      return asked?.identifier === RE_VERIFY ? { kind: "pull-rerun-asked", ...about, by } : undefined;
    }
    case "check_suite": {
      if (read(acted).action !== "rerequested") return undefined;
      const { check_suite: suite, repository: on } = read(checkSuite);
      return { kind: "pulls-rerun-asked", repositoryId: on.id, commit: suite.head_sha };
    }
    default:
      return undefined;
  }
}
