import { setTimeout as wait } from "node:timers/promises";
import type { CheckRun } from "../world/github/check-runs.ts";
import type { Scene } from "./scene.ts";

/** How long something may take that a test waits for, in milliseconds. No measurement: machines are busy. */
const PATIENCE_MS = 120_000;
const PAUSE_MS = 50;
/** However long something takes, whoever asks the server's API at such intervals is never told to slow down, in milliseconds. */
export const PUBLIC_PAUSE_MS = 200;

/**
 * Looks again and again until there is something.
 *
 * @param told - More to say where it never comes.
 * @param pauseMs - Between two looks: {@link PUBLIC_PAUSE_MS} where each takes of what a client may read in a minute.
 */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  told: () => string = () => "",
  pauseMs = PAUSE_MS,
): Promise<T> {
  const started = Date.now();
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (Date.now() - started > PATIENCE_MS) throw new Error(`waited in vain for ${what}\n${told()}`);
    await wait(pauseMs);
  }
}

/** Waits until `owner/name` has so many check runs, all of them completed, oldest first. */
export function completed({ github, server }: Scene, name: string, count: number): Promise<readonly CheckRun[]> {
  return eventually(
    `${count} completed check runs of ${name}`,
    () => {
      const all = github.checkRuns(name);
      return all.length >= count && all.every(({ status }) => status === "completed") && all;
    },
    () => `${JSON.stringify(github.checkRuns(name), null, 1)}\n${server.output()}\n${github.violations.join("\n")}`,
  );
}
