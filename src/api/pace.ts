import { isIPv6 } from "node:net";

/** How many requests a client may make in how many seconds; unused ones add up to no more. */
export interface Quota {
  /** As it is called in the headers. */
  readonly name: string;
  readonly requests: number;
  readonly seconds: number;
}

/** What every client may read. */
export const READ_QUOTAS: readonly Quota[] = [{ name: "read", requests: 600, seconds: 60 }];

/** How many images every client may have judged: each is a walk through registries. */
export const ASK_QUOTAS: readonly Quota[] = [
  { name: "ask-minute", requests: 10, seconds: 60 },
  { name: "ask-hour", requests: 60, seconds: 3600 },
];

/** How many clients are known at a time; whoever was longest not seen is forgotten first. */
const MAX_CLIENTS = 20_000;

/** Less than any part of a request that time gives back: thirds don't add up to one. */
const EPSILON = 1e-6;

/** Whether a request may go on. */
export interface Paced {
  readonly allowed: boolean;
  /** In whole seconds, at least 1, where it may not. */
  readonly retryAfter: number;
  /** The value of `RateLimit`. */
  readonly remaining: string;
}

/** Slows clients down; in memory, so each process by itself. */
export interface Pace {
  /** The value of `RateLimit-Policy`. @see draft-ietf-httpapi-ratelimit-headers-10 §3 */
  readonly policy: string;
  /** @param cost - How many requests this one counts as. What isn't allowed costs nothing. @param now - In milliseconds. */
  take(client: string, cost: number, now: number): Paced;
  /** Takes what was had already, also more than is left: nothing is allowed until time has given that back. */
  charge(client: string, cost: number, now: number): Paced;
}

/** @param maxClients - How many are known at a time. */
export function createPace(quotas: readonly Quota[], maxClients = MAX_CLIENTS): Pace {
  // By client one number for each quota: the moment, in milliseconds, at which its bucket is full again.
  const clients = new Map<string, number[]>();
  const keep = (client: string, kept: number[]) => {
    clients.delete(client);
    clients.set(client, kept);
    if (clients.size <= maxClients) return;
    const [longest] = clients.keys();
    if (longest !== undefined) clients.delete(longest);
  };
  const waitOf = (full: readonly number[], now: number) =>
    Math.max(0, ...quotas.map(({ seconds }, i) => (full[i] ?? now) - now - seconds * 1000));
  const told = (full: readonly number[], waitMs: number, now: number): Paced => ({
    allowed: waitMs <= 0,
    retryAfter: Math.max(1, Math.ceil(waitMs / 1000)),
    remaining: remainingOf(quotas, full, now),
  });
  return {
    policy: quotas.map(({ name, requests, seconds }) => `"${name}";q=${requests};w=${seconds}`).join(", "),
    take: (client, cost, now) => {
      const known = clients.get(client);
      const before = quotas.map((_, i) => Math.max(known?.[i] ?? now, now));
      // More than a bucket holds would never be allowed.
      const after = quotas.map((quota, i) => (before[i] ?? now) + msFor(quota, Math.min(cost, quota.requests)));
      const waitMs = waitOf(after, now);
      const kept = waitMs <= 0 ? after : before;
      keep(client, kept);
      return told(kept, waitMs, now);
    },
    charge: (client, cost, now) => {
      const known = clients.get(client);
      const after = quotas.map((quota, i) => Math.max(known?.[i] ?? now, now) + msFor(quota, cost));
      keep(client, after);
      return told(after, waitOf(after, now), now);
    },
  };
}

/** In how many milliseconds so many requests come back. */
function msFor({ requests, seconds }: Quota, cost: number): number {
  return (cost * seconds * 1000) / requests;
}

/** What is left of the quota of which the least is left, and in how many seconds all of it is there again. */
function remainingOf(quotas: readonly Quota[], full: readonly number[], now: number): string {
  let least = Number.POSITIVE_INFINITY;
  let told = "";
  quotas.forEach(({ name, requests, seconds }, i) => {
    const untilFullMs = (full[i] ?? now) - now;
    const left = Math.max(0, Math.floor(requests - (untilFullMs * requests) / (seconds * 1000) + EPSILON));
    if (left >= least) return;
    least = left;
    told = `"${name}";r=${left};t=${Math.ceil(untilFullMs / 1000)}`;
  });
  return told;
}

/** By what a client is known: its IPv4 address, or the 64 bits of IPv6 that one household or machine gets whole. */
export function clientKey(address: string): string {
  const [bare = ""] = address.split("%");
  if (!isIPv6(bare)) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare);
  if (mapped?.[1] !== undefined) return mapped[1];
  const [head = "", tail] = bare.split("::");
  const front = head === "" ? [] : head.split(":");
  const back = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length - (bare.includes(".") ? 1 : 0));
  const groups = [...front, ...Array<string>(zeros).fill("0"), ...back];
  return `${groups
    .slice(0, 4)
    .map((group) => group.toLowerCase().replace(/^0+(?=.)/, ""))
    .join(":")}::/64`;
}
