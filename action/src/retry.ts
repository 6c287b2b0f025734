import { setTimeout as wait } from "node:timers/promises";

/** Pauses before each further try, in milliseconds: the registry's client has tried on its own before. */
const PAUSES_MS = [2000, 8000] as const;

/**
 * Does something again where it failed for a reason that may pass.
 *
 * @param passes - Whether the error may pass.
 * @param told - Told of each failure before the pause.
 */
export async function withRetries<T>(
  action: () => Promise<T>,
  passes: (error: unknown) => boolean,
  told: (error: unknown, pauseMs: number) => void,
  pausesMs: readonly number[] = PAUSES_MS,
): Promise<T> {
  for (const pauseMs of pausesMs) {
    try {
      return await action();
    } catch (error) {
      if (!passes(error)) throw error;
      told(error, pauseMs);
      await wait(pauseMs);
    }
  }
  return await action();
}
