/** Where in the life of a build the server is killed. */
export type Moment =
  /** As soon as the webhook is answered. */
  | { readonly kind: "acknowledged" }
  /** At a request to GitHub: it never arrives (`before`), or all is done and the answer is lost (`after`). */
  | {
      readonly kind: "request";
      /** What is counted, from 1 since then. */
      readonly of: keyof RequestCounts;
      readonly index: number;
      readonly when: "before" | "after";
    }
  /** After a share of the time that a build takes. */
  | { readonly kind: "time"; readonly share: number };

/** How many requests a build makes that nobody kills. */
export interface RequestCounts {
  readonly all: number;
  /** Those that change what GitHub shows: the few that must not be made twice. */
  readonly writes: number;
}

/** One build with its kills. */
export interface KillPoint {
  readonly at: Moment;
  /** Once more, after this share of the time from a start to the end of a build: in the middle of starting, or of making good. */
  readonly again: number | undefined;
  /** Whether the tag is of a commit of its own; otherwise it shares that of the tags before, with their check runs. */
  readonly isNewCommit: boolean;
}

/** The seed of `TRUSTED_BUILDS_SEED`, or a new one: whoever uses it prints it. */
export function seedOf(text: string | undefined): number {
  if (text === undefined || text === "") return Math.floor(Math.random() * 2 ** 32);
  if (!/^\d{1,10}$/.test(text)) throw new Error(`the seed is a whole number, not ${text}`);
  return Number(text) >>> 0;
}

/**
 * Kill points that depend on the seed alone: half at times, and half at requests, of which one in ten is right after the
 * acknowledgement and most others at writes. These come in a row without repetition: few as they are, all have their turn soon. A
 * fifth of all is killed twice.
 */
export function killPoints(seed: number, count: number, requests: RequestCounts): readonly KillPoint[] {
  const random = randomFrom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const someWhen = () => (random() < 0.5 ? "before" : "after");
  let writes: Moment[] = [];
  const atWrite = (): Moment => {
    if (writes.length === 0)
      writes = Array.from({ length: 2 * requests.writes }, (_, i) => ({
        kind: "request",
        of: "writes",
        index: 1 + (i >> 1),
        when: i % 2 === 0 ? "before" : "after",
      }));
    const [next] = writes.splice(below(writes.length), 1);
    return next ?? { kind: "acknowledged" };
  };
  const momentOf = (i: number): Moment => {
    if (i % 2 === 1) return { kind: "time", share: random() };
    if (i % 20 === 0) return { kind: "acknowledged" };
    if (i % 6 === 0) return { kind: "request", of: "all", index: 1 + below(requests.all), when: someWhen() };
    return atWrite();
  };
  return Array.from({ length: count }, (_, i) => {
    const at = momentOf(i);
    const again = random();
    return { at, again: i % 5 === 3 ? again : undefined, isNewCommit: random() < 0.5 };
  });
}

/** For people. */
export function wordsOf({ at, again, isNewCommit }: KillPoint): string {
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  const first =
    at.kind === "acknowledged"
      ? "right after the acknowledgement"
      : at.kind === "time"
        ? `after ${percent(at.share)} of a build`
        : `at ${at.of === "all" ? "request" : "write"} ${at.index}, ${at.when === "before" ? "which is lost" : "whose answer is lost"}`;
  const second = again === undefined ? "" : `, and again after ${percent(again)} of a start and a build`;
  return `killed ${first}${second}${isNewCommit ? "" : " (a commit with tags before)"}`;
}

/** Mulberry32: from 0 to below 1, the same row for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
