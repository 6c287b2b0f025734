import { NO_WRITES, pause, takeSlots } from "../../src/change/write-pace.ts";
import type { GitHubClient } from "../../src/github/ask.ts";
import type { WriterOptions } from "../../src/github/writing.ts";

/** The time of the tests; it stands still. */
export const NOW = new Date("2026-11-28T00:00:00Z");

/** Slots in memory, and what was taken of them. */
export interface Taken extends WriterOptions {
  readonly taken: number[];
  readonly pauses: Date[];
}

/** A writer's surroundings with the real pace. @param used - Writes of this minute that were made before. */
export function writerOptions(octokitFor: () => Promise<GitHubClient>, used = 0, now = () => NOW): Taken {
  let pace = used === 0 ? NO_WRITES : takeSlots(NO_WRITES, used, now()).pace;
  const [taken, pauses]: [number[], Date[]] = [[], []];
  return {
    octokitFor,
    now,
    taken,
    pauses,
    slots: {
      async takeSlots(_, writes, at) {
        const next = takeSlots(pace, writes, at);
        pace = next.pace;
        if (next.until === undefined) taken.push(writes);
        return next.until;
      },
      async pauseWrites(_, until, at) {
        pauses.push(until);
        pace = pause(pace, until, at);
      },
    },
  };
}
