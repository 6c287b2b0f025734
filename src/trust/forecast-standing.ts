import { conclude, type Enforced, type Weighed, type WeighedFault } from "./enforcement.ts";
import type { Forecast } from "./forecast.ts";
import type { Policy } from "./policy.ts";

/** What is compared and enforced of a forecast: kept beside its document, so that nobody has to read that to know how a check ends. */
export interface ForecastStanding extends Weighed {
  readonly asOf: Date;
  /** The first moment at which something that it rests on has lapsed; undefined if nothing does. */
  readonly validUntil: Date | undefined;
}

/** A fault as it is told apart from one version of a file to the next. */
export type StandingFault = WeighedFault;

/** What is kept of a forecast: each fault once, whatever the number of its lines. */
export function standingOf({ outcome, faults, unreachable, asOf, validUntil }: Forecast): ForecastStanding {
  const byKey = new Map<string, StandingFault>();
  for (const { key, code, isGrave } of faults)
    byKey.set(key, { key, code, isGrave: isGrave || byKey.get(key)?.isGrave === true });
  return { outcome, faults: [...byKey.values()], isPartial: unreachable.length > 0, asOf, validUntil };
}

/**
 * How the check of a file ends. `ratchet` judges the change and not the past: what the base branch has already doesn't fail (RULES R35).
 *
 * Whoever makes the change chooses `after`, and nothing of `before`: that is to be what stands on the base branch, by the same policy.
 * What couldn't be looked at there excuses nothing.
 *
 * @param before - Undefined for a file that the base branch doesn't have: every fault of it is worse.
 */
export function enforceForecast(
  after: ForecastStanding,
  mode: Policy["enforce"],
  before: ForecastStanding | undefined,
): Enforced {
  const measure = before && {
    keys: before.faults.map(({ key }) => key),
    isPartial: before.isPartial || before.outcome === "undetermined",
  };
  return conclude(after, mode, measure, {
    none: "the file isn't on the base branch, so that every fault of it fails",
    worse: "isn't on the base branch",
    same: "no fault is worse than on the base branch",
  });
}
