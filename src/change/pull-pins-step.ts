import { BeyondLimit, CouldNotLook } from "../trust/ports.ts";
import type { PullRequest } from "./ports.ts";
import type { PullJob } from "./pull-check.ts";
import type { PinsAsk } from "./pull-pins.ts";
import { writePins } from "./pull-pins-write.ts";
import type { PullPorts } from "./pull-ports.ts";
import { judgeAgain, keep, on, type PullStep } from "./pull-step.ts";
import { reportPull } from "./pull-tell.ts";

/** So long somebody waits for a slot to write, in milliseconds: who clicked yesterday doesn't expect a commit. */
const LONGEST_WAIT_MS = 24 * 3_600_000;

/**
 * Writes the pins that were asked for, or tells on the check run what became of them: one of both, saved.
 *
 * @returns undefined where there is nothing to do, or not yet.
 */
export async function pinsStep(ports: PullPorts, pull: PullRequest, job: PullJob): Promise<PullStep | undefined> {
  const ask = job.pins;
  if (ask === undefined || ask.phase === "told" || job.outcome?.kind !== "judged") return undefined;
  if (ask.until !== undefined && ports.now() < ask.until) return undefined;
  const judged = await ports.pins.judgedPins(job);
  if (judged === undefined) {
    // Its forecasts are forgotten, and it can't be told in the same words either: another check has a button of its own.
    if (ask.phase === "asked") return judgeAgain(ports, pull, job);
    return on(await keep(ports, { ...job, pins: { ...ask, phase: "told" } }));
  }
  try {
    if (ask.phase === "asked") {
      const answer = await writePins(ports, { job, pull, judged, by: ask.by });
      return on(await keep(ports, { ...job, pins: { ...ask, phase: "answered", answer, tries: 0, until: undefined } }));
    }
    const told = await reportPull(ports, job);
    return on(await keep(ports, { ...told, pins: { ...ask, phase: "told", tries: 0, until: undefined } }));
  } catch (error) {
    if (!(error instanceof CouldNotLook || error instanceof BeyondLimit)) throw error;
    // What was saved on the way stays true.
    const saved = await ports.store.readNewestCheck(job.repository.id, job.number);
    return on(await keep(ports, { ...(saved?.id === job.id ? saved : job), pins: postponed(ports, ask, error) }));
  }
}

/** When what was asked for is to be looked at again; undefined where nothing waits. */
export function pinsDue({ pins }: PullJob): Date | undefined {
  return pins?.phase === "told" ? undefined : pins?.until;
}

/** Waiting for a slot is no failure, and ends with the day; what fails to the last try is said, or is left unsaid. */
function postponed(
  { now, pace: { retriesMs } }: PullPorts,
  ask: PinsAsk,
  { retryAfter }: { readonly message: string; readonly retryAfter?: number },
): PinsAsk {
  const isWaiting = retryAfter !== undefined;
  const delay = isWaiting ? retryAfter * 1000 : retriesMs[ask.tries];
  const isTooLate = now().getTime() - ask.askedAt.getTime() > LONGEST_WAIT_MS;
  if (delay !== undefined && !isTooLate)
    return { ...ask, tries: ask.tries + (isWaiting ? 0 : 1), until: new Date(now().getTime() + Math.max(delay, 1000)) };
  const over = { ...ask, tries: 0, until: undefined };
  if (ask.phase === "answered") return { ...over, phase: "told" };
  return { ...over, phase: "answered", answer: { kind: "not-written", why: "could-not-look" } };
}
