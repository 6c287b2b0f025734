import { type AdvancePorts, advance } from "../build/advance.ts";
import { DeliveryError, type Happening, readHappening } from "../build/happening.ts";
import { type RespondPorts, respond } from "../build/respond.ts";
import type { ProposalPorts } from "../change/proposal-ports.ts";
import type { Delivery } from "../store/deliveries.ts";
import { StoreError } from "../store/error.ts";
import type { Store } from "../store/store.ts";
import { CouldNotLook } from "../trust/ports.ts";
import { wakeProposals } from "./proposals.ts";
import type { PullWork } from "./pulls.ts";

/** After a fault of ours, in milliseconds: nothing that was acknowledged is given up because of one. */
const AFTER_FAULT_MS = 60_000;

/** Who is told of faults. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What the jobs work with. */
export interface JobPorts extends AdvancePorts, RespondPorts {
  readonly store: Store;
  readonly log: Log;
  readonly pulls: PullWork;
  readonly proposals: ProposalPorts;
}

/** Answers a stored delivery, once; whoever comes later finds it done. */
export async function handleDelivery(ports: JobPorts, guid: string): Promise<void> {
  const { store, log, now, pace } = ports;
  const delivery = await store.readDelivery(guid);
  if (delivery === undefined || delivery.finishedAt !== undefined) return;
  const { event, postponed } = delivery;
  const errors = await answer(ports, delivery);
  if (errors.length === 0) return store.finishDelivery(guid);
  const reason = [...new Set(errors.map((error) => (error instanceof Error ? error.message : String(error))))].join(
    "; ",
  );
  const passing = errors.filter((error) => !(error instanceof DeliveryError));
  if (passing.length === 0) {
    // Signed by GitHub, so it will read the same the next time.
    log.error({ guid, event, reason }, "a delivery that can't be read is left");
    return store.finishDelivery(guid);
  }
  // Whoever was quicker has changed the build meanwhile: what it is now asks for another answer.
  const isRace = (error: unknown) => error instanceof StoreError && error.code === "lost-race";
  const isOurs = !passing.every((error) => error instanceof CouldNotLook || isRace(error));
  const delay = isOurs ? AFTER_FAULT_MS : (pace.retriesMs[postponed] ?? pace.retriesMs.at(-1) ?? AFTER_FAULT_MS);
  const until = new Date(now().getTime() + delay);
  log[isOurs ? "error" : "warn"]({ guid, event, reason, until }, "a delivery is answered later");
  await store.postponeDelivery(guid, until, reason);
}

/**
 * Builds, pull requests and proposals are told one after the other, whatever became of the one before: what one of them can't read or
 * look at is no reason for another to hear nothing. All of them are told again where one has to be.
 */
async function answer(ports: JobPorts, { event, payload, receivedAt }: Delivery): Promise<readonly unknown[]> {
  const { store, pulls, proposals } = ports;
  const errors: unknown[] = [];
  const attempt = <T>(tell: () => Promise<T>) => tell().catch((error: unknown) => void errors.push(error));
  const happening = await attempt(async () => readHappening(event, payload));
  await attempt(async () => {
    if (happening === undefined || !(await isAllowed(ports, happening))) return;
    for (const id of await respond(ports, happening)) await store.wake("build", id);
  });
  await attempt(() => pulls.respond(event, payload, receivedAt));
  // Which policy holds now was seen for builds.
  await attempt(async () => happening?.kind === "policy-pushed" && pulls.wakeStale());
  await attempt(() => wakeProposals({ ...proposals, store }, { event, payload, happening }));
  return errors;
}

/** GitHub shows buttons to more people than may write (RULES R33). */
async function isAllowed({ store, pulls }: JobPorts, happening: Happening): Promise<boolean> {
  if (happening.kind !== "check-rerun-asked" || happening.by === undefined) return true;
  const repository = await store.readRepository(happening.repositoryId);
  return repository !== undefined && (await pulls.mayWrite(repository, happening.by));
}

/** Moves a build on, and sees to it that someone does again when there is more to do. A fault of ours is the worker's to repeat. */
export async function handleBuild(ports: JobPorts, id: string): Promise<void> {
  const again = await advance(ports, id);
  if (again !== undefined) await ports.store.wake("build", id, again);
}
