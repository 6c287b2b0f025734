/** How much ready answers may take, in bytes. */
const MAX_BYTES = 32 * 1024 * 1024;
/** Largest one that is kept, in bytes: files of evidence would push everything else out. */
const MAX_ENTRY_BYTES = 512 * 1024;
/** Longest time that one is kept, in milliseconds: another process may have judged the image anew. */
const MAX_MS = 10_000;
/** What an entry takes beside its body, in bytes, roughly: names made by strangers are bounded too. */
const ENTRY_BYTES = 1024;

/** A response for anyone, ready to be sent. */
export interface ReadyAnswer {
  /** Names and values in turn, without those that differ from request to request. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  readonly etag: string;
  /** In milliseconds: before it isn't sent, nor from `until` on. A clock that is set back must not make it live longer. */
  readonly since: number;
  readonly until: number;
}

/** Public answers as ready bytes, by address. What not everyone may see never comes here. */
export interface ReadyAnswers {
  get(address: string, now: number): ReadyAnswer | undefined;
  /** To be asked before an answer is begun, and given with it: what was judged anew meanwhile isn't kept in its old form. */
  readonly generation: number;
  keep(address: string, ready: Omit<ReadyAnswer, "since" | "until">, ms: number, now: number, generation: number): void;
  /** Something was judged anew. One answer is in many: of the image, of what was built on it, of searches. So all are dropped. */
  forget(): void;
}

/** @param maxBytes - How much they may take, in bytes. */
export function createReadyAnswers(maxBytes = MAX_BYTES): ReadyAnswers {
  const kept = new Map<string, ReadyAnswer>();
  let bytes = 0;
  let generation = 0;
  const sizeOf = (address: string, { body }: { readonly body: Buffer }) =>
    ENTRY_BYTES + 2 * address.length + body.length;
  const drop = (address: string) => {
    const found = kept.get(address);
    if (found === undefined) return;
    kept.delete(address);
    bytes -= sizeOf(address, found);
  };
  return {
    get generation() {
      return generation;
    },
    get: (address, now) => {
      const found = kept.get(address);
      if (found === undefined) return undefined;
      if (found.since <= now && now < found.until) return found;
      drop(address);
      return undefined;
    },
    keep: (address, ready, ms, now, begun) => {
      if (begun !== generation || !(ms > 0) || ready.body.length > MAX_ENTRY_BYTES) return;
      drop(address);
      kept.set(address, { ...ready, since: now, until: now + Math.min(ms, MAX_MS) });
      bytes += sizeOf(address, ready);
      for (const oldest of kept.keys()) {
        if (bytes <= maxBytes) break;
        drop(oldest);
      }
    },
    forget: () => {
      kept.clear();
      bytes = 0;
      generation += 1;
    },
  };
}
