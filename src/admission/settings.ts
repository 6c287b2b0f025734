import type { Digest } from "../image/digest.ts";
import { imageName, type PinnedImage } from "../image/reference.ts";

/** Longest grace, in days from when the server starts with it (RULES R35). */
export const MAX_GRACE_DAYS = 90;

const DAY_MS = 86_400_000;
const GRACE = /^([A-Za-z0-9][A-Za-z0-9._ -]{0,61}[A-Za-z0-9]) until (\d{4}-\d{2}-\d{2})$/;

/** For how long images that run already may go on although they aren't trusted, and under which name that was granted. */
export interface Grace {
  readonly name: string;
  /** The last day, in UTC. */
  readonly lastDay: string;
  /** The moment at which it has ended. */
  readonly end: Date;
}

/** What the operator of a cluster decides beside policy. */
export interface AdmissionSettings {
  /** What becomes of images that could not be looked at. */
  readonly undetermined: "deny" | "allow";
  /** What becomes of objects that may run something, and aren't understood. */
  readonly unknown: "deny" | "allow";
  /** False: nothing is denied or changed, and warnings say what would be. */
  readonly isEnforced: boolean;
  readonly grace: Grace | undefined;
}

/** Reads `NAME until YYYY-MM-DD`. @returns undefined for what isn't of that form, or is no day. */
export function parseGrace(text: string): Grace | undefined {
  const [, name, lastDay] = GRACE.exec(text) ?? [];
  if (name === undefined || lastDay === undefined) return undefined;
  const start = Date.parse(`${lastDay}T00:00:00Z`);
  // 2026-02-30 would be a day in March.
  if (Number.isNaN(start) || new Date(start).toISOString().slice(0, 10) !== lastDay) return undefined;
  return { name, lastDay, end: new Date(start + DAY_MS) };
}

/** Whether a grace ends soon enough to be one: without an end nobody would ever mend anything. */
export function isBounded({ end }: Grace, now: Date): boolean {
  return end.getTime() - now.getTime() <= (MAX_GRACE_DAYS + 1) * DAY_MS;
}

/**
 * Whether a grace lets an image pass: while it lasts, an image whose digest stood in the object before (RULES R35), never a new one. What
 * is revoked is not among it: somebody said that it must not run.
 *
 * @param before - {@link runningKey} of what the object named by digest before.
 */
export function isGraced(
  grace: Grace | undefined,
  image: PinnedImage | undefined,
  codes: readonly string[],
  before: ReadonlySet<string>,
  now: Date,
): boolean {
  if (grace === undefined || image === undefined || now >= grace.end) return false;
  return before.has(runningKey(image)) && !codes.includes("revoked");
}

/** By what an image is the same as one that runs: name and digest. */
export function runningKey(image: PinnedImage & { readonly digest: Digest }): string {
  return `${imageName(image)}@${image.digest}`;
}
