import type { Repository } from "../build/build.ts";
import { digestOf } from "../image/digest.ts";
import { BeyondLimit, CouldNotLook } from "../trust/ports.ts";
import type { ProposalKind, ProposalPorts } from "./proposal-ports.ts";

/** So many steps are taken in one go; more would be a fault of ours. */
const MAX_STEPS = 30;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** How far apart those are spread that wait for their turn to write, in milliseconds. */
const LONGEST_SPREAD_MS = 2 * HOUR_MS;

/** A day, in milliseconds: how often something is looked at of which an event should tell. */
export const DAY_MS = 24 * HOUR_MS;

/** A step that was taken: go on, or rest until then; for good where no time is given. */
export type ProposalStep<State> =
  | { readonly kind: "on"; readonly state: State }
  | { readonly kind: "rest"; readonly state: State; readonly due: Date | undefined };

/** What a step is given. */
export interface Turn<State> {
  readonly repository: Repository;
  readonly state: State;
  /** Saves before a write that a kill must not make us forget. */
  readonly keep: (state: State) => Promise<State>;
}

/** What all proposals count. */
interface Counted {
  readonly failures: number;
  /** How often in a row it had to wait for its turn to write. */
  readonly waits: number;
}

/**
 * Moves one repository's proposal on, one saved step at a time, under a lease; whoever comes after a crash calls it again. Every write is
 * looked for before it is made, so that none is made twice.
 *
 * @returns when to be called again though nothing comes; undefined is never.
 */
export async function advanceProposal<State extends Counted>(
  ports: ProposalPorts,
  repositoryId: number,
  { kind, parse, fresh, step }: ProposalLife<State>,
): Promise<Date | undefined> {
  const { store, now } = ports;
  const repository = await store.readRepository(repositoryId);
  // It comes again with the installation, and so does what is kept.
  if (repository === undefined) return undefined;
  const stored = await store.readProposal(repositoryId, kind);
  let state = stored === undefined ? fresh : parse(stored.state);
  let version = stored?.version ?? 0;
  const save = async (next: State, due: Date | undefined) => {
    version = await store.saveProposal(repositoryId, kind, next, version, due);
    state = next;
    return next;
  };
  // Whoever dies in between is followed by somebody within the hour.
  const meanwhile = () => new Date(now().getTime() + HOUR_MS);
  for (let i = 0; i < MAX_STEPS; i++) {
    try {
      const taken = await step(ports, { repository, state, keep: (next) => save(next, meanwhile()) });
      const next = { ...taken.state, failures: 0, waits: 0 };
      if (taken.kind === "rest") {
        await save(next, taken.due);
        return taken.due;
      }
      await save(next, meanwhile());
    } catch (error) {
      if (!(error instanceof CouldNotLook || error instanceof BeyondLimit)) throw error;
      const { change, due } = postponed(ports, repositoryId, state, error);
      await save({ ...state, ...change }, due);
      return due;
    }
  }
  throw new Error(`the proposal of kind ${kind} to repository ${repositoryId} never rests`);
}

/** One kind of proposal. */
export interface ProposalLife<State> {
  readonly kind: ProposalKind;
  readonly parse: (state: unknown) => State;
  readonly fresh: State;
  readonly step: (ports: ProposalPorts, turn: Turn<State>) => Promise<ProposalStep<State>>;
}

/**
 * Could not look, or has no slots to write: later, and it never ends in anything. Those that wait for slots are spread, the wider the
 * longer they wait: two thousand that all come at the same second would take turns by trying.
 */
function postponed(
  { now, retriesMs }: ProposalPorts,
  id: number,
  { failures, waits }: Counted,
  error: CouldNotLook | BeyondLimit,
): { readonly change: Partial<Counted>; readonly due: Date } {
  const retryAfter = "retryAfter" in error && typeof error.retryAfter === "number" ? error.retryAfter * 1000 : 0;
  if ("code" in error && error.code === "rate-limited") {
    const spread = Math.min(2 ** Math.min(waits, 10) * MINUTE_MS, LONGEST_SPREAD_MS) * fractionOf(`${id} ${waits}`);
    const due = new Date(now().getTime() + Math.max(retryAfter, 1000) + Math.floor(spread));
    return { change: { waits: waits + 1 }, due };
  }
  const delay = retriesMs[failures];
  const due = new Date(now().getTime() + Math.max(delay ?? DAY_MS, retryAfter));
  return { change: { failures: delay === undefined ? 0 : failures + 1 }, due };
}

/** From 0 to 1, always the same for a text: what is spread by it needs no dice. */
export function fractionOf(text: string): number {
  const hash = digestOf(new TextEncoder().encode(text));
  return Number.parseInt(hash.slice("sha256:".length, "sha256:".length + 8), 16) / 2 ** 32;
}
