import type { AdvancePorts } from "./advance.ts";
import type { Build, Outcome } from "./build.ts";

/** A step that was taken, and saved: go on with this, or rest; for good where no time is given. */
export type Step =
  | { readonly kind: "on"; readonly build: Build }
  | { readonly kind: "rest"; readonly build: Build; readonly until: Date | undefined };

/** Something was learnt or done: what kept us from it is over. */
export async function save(ports: AdvancePorts, before: Build, change: Partial<Build>): Promise<Build> {
  return keep(ports, { ...before, failures: 0, waiting: undefined, ...change });
}

/** Saves a build as it is. Before a write: that it is going to be tried is no success, or it would be tried for ever. */
export async function keep(ports: AdvancePorts, build: Build): Promise<Build> {
  await ports.store.saveBuild(build);
  return build;
}

/** Goes on with what was saved. */
export const on = (build: Build): Step => ({ kind: "on", build });

/** The outcome is known; nothing is told yet. */
export function settled(ports: AdvancePorts, outcome: Outcome): Partial<Build> {
  return { phase: "settled", outcome, runStatus: undefined, settledAt: ports.now() };
}
