import type { Finding } from "./finding.ts";

/** How long before its expiry a root is warned of, in days (RULES R27). */
const ROOT_WARNING_DAYS = 30;
const DAY_MS = 86_400_000;

/** Whole days that a root has left, whose last day is given as YYYY-MM-DD in UTC; negative once it has lapsed. */
export function daysLeft(expires: string, asOf: Date): number {
  return Math.floor((Date.parse(`${expires}T23:59:59.999Z`) - asOf.getTime()) / DAY_MS);
}

/** Said while there is time to look at the root again (RULES R27). */
export function rootWarning(finding: Finding, asOf: Date): readonly string[] {
  if (finding.kind !== "root") return [];
  const when = lapsesSoon(finding.expires, asOf);
  return when === undefined ? [] : [`${finding.policyPath} lapses ${when}: look at it again`];
}

/**
 * When a root lapses, in words, if that is within the days in which it is warned of.
 *
 * @param expires - Its last day, YYYY-MM-DD.
 */
export function lapsesSoon(expires: string, asOf: Date): string | undefined {
  const days = daysLeft(expires, asOf);
  if (days > ROOT_WARNING_DAYS) return undefined;
  return days < 1 ? "today" : days === 1 ? "tomorrow" : `in ${days} days`;
}

/** The first moment at which one of the findings no longer holds (RULES R14); undefined if none ever lapses. */
export function validUntil(findings: readonly Finding[]): Date | undefined {
  const ends = findings.flatMap((finding) => {
    if (finding.kind === "root")
      return [endOf(finding.expires), ...(finding.feed ? [Date.parse(finding.feed.expires)] : [])];
    return finding.kind === "summarised" ? [Date.parse(finding.until)] : [];
  });
  return ends.length === 0 ? undefined : new Date(Math.min(...ends));
}

/** The first moment after a root's last day, in milliseconds. */
function endOf(expires: string): number {
  return Date.parse(`${expires}T00:00:00Z`) + DAY_MS;
}
