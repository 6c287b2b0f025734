import type { Digest } from "../image/digest.ts";

/** Largest sum of sizes that is kept, in characters of JSON. */
const MAX_CHARACTERS = 64 * 1024 * 1024;

/**
 * What cryptography said before, least recently used first out. It keeps nothing that depends on who asks, on policy or on the
 * hour (RULES R14): what a bundle proves under given anchors never changes.
 */
export class VerificationCache<Outcome> {
  readonly #entries = new Map<Digest, { readonly outcome: Outcome; readonly size: number }>();
  readonly #limit: number;
  #size = 0;

  /** @param limit - in characters of JSON, over all that is kept. */
  constructor(limit: number = MAX_CHARACTERS) {
    this.#limit = limit;
  }

  get(key: Digest): Outcome | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.outcome;
  }

  /** @param size - of what was verified, in characters of JSON: one of more than an eighth of the limit isn't kept. */
  set(key: Digest, outcome: Outcome, size: number): void {
    if (size > this.#limit / 8) return;
    this.#drop(key);
    this.#entries.set(key, { outcome, size });
    this.#size += size;
    for (const oldest of this.#entries.keys()) {
      if (this.#size <= this.#limit) break;
      this.#drop(oldest);
    }
  }

  #drop(key: Digest): void {
    this.#size -= this.#entries.get(key)?.size ?? 0;
    this.#entries.delete(key);
  }
}
