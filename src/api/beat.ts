/** Moments that come at even distances from the beginning of a request, whatever it does meanwhile. */
export interface Beat {
  /** The next of them. */
  next(): Promise<void>;
  stop(): void;
}

/**
 * What is hidden takes the database a little longer than what isn't there: a row is read more. So that nobody can tell by time, whatever
 * not everyone may have is sent on a beat that began before the first look.
 *
 * @param ms - Longer than a look-up takes; 0: at once.
 */
export function startBeat(ms: number): Beat {
  if (ms === 0) return { next: async () => {}, stop: () => {} };
  let wake = () => {};
  const timer = setInterval(() => wake(), ms);
  return {
    next: () =>
      new Promise((resolve) => {
        wake = resolve;
      }),
    stop: () => clearInterval(timer),
  };
}
