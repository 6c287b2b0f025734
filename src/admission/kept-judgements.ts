import pLimit from "p-limit";
import type { Digest } from "../image/digest.ts";
import { formatPlatform } from "../image/platform.ts";
import { formatReference } from "../image/reference.ts";
import { CouldNotLook } from "../trust/ports.ts";
import type { ImageJudge, ImageJudgement } from "./judgement.ts";

/** How long it is known what a tag names, in milliseconds: as long as a roll-out of many pods takes to be asked about. */
const TAG_MS = 5_000;
/** How long a judgement is kept, in milliseconds: what is signed late, or in a feed of roots, is seen after that. */
const KEPT_MS = { trusted: 300_000, untrusted: 60_000, undetermined: 5_000 } as const;
/** How many of each are kept. */
const MAX_KEPT = 4096;
/** How many images are judged at once, and how many may wait for it: what is asked beyond that could not be looked at. */
const MAX_AT_ONCE = 8;
const MAX_WAITING = 256;

/**
 * A judge that does the same thing once, however many ask meanwhile, and knows the answer for a while. What it began goes on where
 * whoever asked could not wait: the cluster asks again.
 *
 * @param policy - The digest of the policy that is published now: what was judged by another one answers nobody.
 */
export function keepJudgements(judge: ImageJudge, policy: () => Digest, now: () => Date): ImageJudge {
  const turn = pLimit(MAX_AT_ONCE);
  const tags = new Kept<Digest | undefined>(now, () => TAG_MS);
  const judgements = new Kept<ImageJudgement>(now, ({ outcome, validUntil }, at) =>
    Math.min(KEPT_MS[outcome], validUntil === undefined ? Number.POSITIVE_INFINITY : validUntil.getTime() - at),
  );
  const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
    if (turn.pendingCount >= MAX_WAITING)
      throw new CouldNotLook("rate-limited", `look at an image: ${MAX_WAITING} others are waiting for it; try again`);
    return turn(run);
  };
  return {
    resolve: (reference) => tags.get(formatReference(reference), async () => judge.resolve(reference)),
    judge: (image, platforms) =>
      judgements.get(
        JSON.stringify([policy(), formatReference(image), platforms?.map(formatPlatform) ?? null]),
        async () => inTurn(() => judge.judge(image, platforms)),
      ),
  };
}

/** Values by key, each made once at a time and kept as long as it may be. What failed is kept by nobody. */
class Kept<Value> {
  private readonly known = new Map<string, { readonly value: Value; readonly since: number; readonly until: number }>();
  private readonly running = new Map<string, Promise<Value>>();
  private readonly now: () => Date;
  private readonly lifeOf: (value: Value, at: number) => number;

  constructor(now: () => Date, lifeOf: (value: Value, at: number) => number) {
    this.now = now;
    this.lifeOf = lifeOf;
  }

  async get(key: string, make: () => Promise<Value>): Promise<Value> {
    const found = this.known.get(key);
    const at = this.now().getTime();
    // A clock that is set back makes nothing live longer.
    if (found !== undefined && found.since <= at && at < found.until) return found.value;
    this.known.delete(key);
    const running = this.running.get(key);
    if (running !== undefined) return running;
    const made = make()
      .then((value) => {
        this.keep(key, value);
        return value;
      })
      .finally(() => this.running.delete(key));
    this.running.set(key, made);
    return made;
  }

  private keep(key: string, value: Value): void {
    const at = this.now().getTime();
    const life = this.lifeOf(value, at);
    if (life <= 0) return;
    const [oldest] = this.known.keys();
    if (this.known.size >= MAX_KEPT && oldest !== undefined) this.known.delete(oldest);
    this.known.set(key, { value, since: at, until: at + life });
  }
}
