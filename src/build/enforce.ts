import { enforce, faultKeys } from "../trust/enforcement.ts";
import type { Build, EnforcedBy } from "./build.ts";
import type { Judgement, PassStore } from "./ports.ts";

/**
 * Holds each policy's verdict to what that policy enforces (RULES R35): a judgement that passes carries the faults that it passed with,
 * the measure of the next one.
 */
export async function enforceAll(
  store: PassStore,
  build: Build,
  judgements: readonly Judgement[],
): Promise<{ readonly judgements: readonly Judgement[]; readonly enforced: readonly EnforcedBy[] }> {
  const held: Judgement[] = [];
  const enforced: EnforcedBy[] = [];
  for (const judgement of judgements) {
    const { policy, verdict, enforce: mode = "strict" } = judgement;
    const before = mode === "ratchet" ? await store.readPassedWith(build, policy.kind) : undefined;
    const said = enforce(verdict, mode, before);
    enforced.push({ policy: policy.kind, ...said });
    held.push(said.conclusion === "success" ? { ...judgement, passedWith: faultKeys(verdict) } : judgement);
  }
  return { judgements: held, enforced };
}
