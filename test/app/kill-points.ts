/** Where in the life of a build the server is killed. */
export type Moment =
  /** As soon as the webhook is answered. */
  | { readonly kind: "acknowledged" }
  /** At a request to GitHub, counted from 1 since then: it never arrives (`before`), or all is done and the answer is lost (`after`). */
  | { readonly kind: "request"; readonly index: number; readonly when: "before" | "after" }
  /** After a share of the time that a build takes. */
  | { readonly kind: "time"; readonly share: number };

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
 * Kill points in an order that depends on the seed alone: half at requests, half at times, and each tenth of them right after the
 * acknowledgement. A quarter is killed twice.
 *
 * @param requests - How many requests a build makes that nobody kills.
 */
export function killPoints(seed: number, count: number, requests: number): readonly KillPoint[] {
  const random = randomFrom(seed);
  return Array.from({ length: count }, (_, i) => {
    const index = 1 + Math.floor(random() * requests);
    const when = random() < 0.5 ? "before" : "after";
    const share = random();
    const again = random();
    const isNewCommit = random() < 0.5;
    const at: Moment =
      i % 10 === 0
        ? { kind: "acknowledged" }
        : i % 2 === 0
          ? { kind: "request", index, when }
          : { kind: "time", share };
    return { at, again: i % 4 === 3 ? again : undefined, isNewCommit };
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
        : `at request ${at.index}, ${at.when === "before" ? "which is lost" : "whose answer is lost"}`;
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
