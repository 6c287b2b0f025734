/**
 * Writes of ours that an installation gets in a minute. GitHub stands for 80 that create content. With half of it there are never more than
 * 80 in a minute of GitHub's either, though the writes of one minute came late and those of the next at once; and check runs, which people
 * wait for, are not held up by proposals.
 */
export const WRITES_A_MINUTE = 40;

/** In an hour, of the 500 that GitHub stands for: the others are left to check runs, and to what people write themselves. */
export const WRITES_AN_HOUR = 300;

/** Longest pause that GitHub is believed to want, in milliseconds: its limits are by the hour, and a spoilt header mustn't stop us for years. */
export const MAX_PAUSE_MS = 3_600_000;

const WINDOWS = [
  { ms: 60_000, writes: WRITES_A_MINUTE },
  { ms: 3_600_000, writes: WRITES_AN_HOUR },
] as const;

const LONGEST_MS = 3_600_000;

/** When one installation's writes were allowed, and until when none is. */
export interface WritePace {
  /** Of the last hour, the oldest first; one for each write. */
  readonly slots: readonly Date[];
  /** GitHub wants no writes before. */
  readonly pausedUntil: Date | undefined;
}

/** Of an installation that nothing was written to. */
export const NO_WRITES: WritePace = { slots: [], pausedUntil: undefined };

/**
 * Takes slots for so many writes, all of them or none: what is half made waits for the other half in front of people.
 *
 * @returns what to keep, whatever comes of it, before the first write is made: so a kill forgets none. `until` is when it may go; undefined
 * is now.
 */
export function takeSlots(
  before: WritePace,
  writes: number,
  now: Date,
): { readonly pace: WritePace; readonly until: Date | undefined } {
  if (!Number.isInteger(writes) || writes < 1 || writes > WRITES_A_MINUTE)
    throw new Error(`between 1 and ${WRITES_A_MINUTE} writes, not ${writes}`);
  const pace = at(before, now);
  const waits = WINDOWS.map((window) => freeAt(pace.slots, writes, window, now));
  const until = new Date(Math.max(now.getTime(), pace.pausedUntil?.getTime() ?? 0, ...waits));
  if (until > now) return { pace, until };
  return { pace: { ...pace, slots: [...pace.slots, ...Array<Date>(writes).fill(now)] }, until: undefined };
}

/** GitHub said that it wants to be left alone. A pause that is on already is never shortened. */
export function pause(before: WritePace, until: Date, now: Date): WritePace {
  const pace = at(before, now);
  const latest = now.getTime() + MAX_PAUSE_MS;
  const asked = Math.min(Number.isNaN(until.getTime()) ? latest : until.getTime(), latest);
  const end = Math.max(asked, pace.pausedUntil?.getTime() ?? 0);
  return { ...pace, pausedUntil: end > now.getTime() ? new Date(end) : undefined };
}

/** Without what is over. A clock that was set back mustn't stop us until it is there again: what it has in the future is of now. */
function at({ slots, pausedUntil }: WritePace, now: Date): WritePace {
  const [time, oldest] = [now.getTime(), now.getTime() - LONGEST_MS];
  const kept = slots
    .map((slot) => Math.min(slot.getTime(), time))
    .filter((slot) => slot > oldest)
    .sort((one, other) => one - other);
  const end = Math.min(pausedUntil?.getTime() ?? 0, time + MAX_PAUSE_MS);
  return { slots: kept.map((slot) => new Date(slot)), pausedUntil: end > time ? new Date(end) : undefined };
}

/** When a window has room for so many more; a time that is past where it has now. */
function freeAt(slots: readonly Date[], writes: number, window: (typeof WINDOWS)[number], now: Date): number {
  const inside = slots.filter((slot) => slot.getTime() > now.getTime() - window.ms);
  const last = inside[inside.length + writes - window.writes - 1];
  return last === undefined ? 0 : last.getTime() + window.ms;
}
