import type { Leases } from "./leases.ts";
import { type Queue, type StoreLog, WORK_KINDS, type WorkKind } from "./queue.ts";

const SWEEP_MS = 60_000;

/**
 * What is done with what there is to do; each is called for one id at a time, with a signal that says that it must stop. Of a kind that
 * this process has no handler for everything stays as it is: another may have one.
 */
export interface WorkHandlers {
  build?(id: string, signal: AbortSignal): Promise<void>;
  delivery?(guid: string, signal: AbortSignal): Promise<void>;
  pull?(id: string, signal: AbortSignal): Promise<void>;
  /** Of a kind, and to a repository by its number: `pins/99`. */
  proposal?(id: string, signal: AbortSignal): Promise<void>;
  inquiry?(id: string, signal: AbortSignal): Promise<void>;
}

/** How much is done at once. */
export interface Concurrency {
  /** How many of each kind. */
  readonly concurrency: number;
  /** How many inquiries: anyone may ask, and builds mustn't wait for the answers. */
  readonly inquiries?: number;
}

const INQUIRIES_AT_ONCE = 2;

/** Takes work from the queue, several at once, until it is stopped. */
export interface Worker {
  /** Nothing new is begun. What runs has that long to end, in milliseconds. */
  stop(timeoutMs: number): Promise<void>;
}

/** Starts on each kind that there is a handler for. */
export async function startWorker(
  queue: Queue,
  leases: Leases,
  handlers: WorkHandlers,
  {
    concurrency,
    inquiries = INQUIRIES_AT_ONCE,
    sweep,
    log,
  }: Concurrency & { readonly sweep: () => Promise<void>; readonly log: StoreLog },
): Promise<Worker> {
  const running = new Set<Promise<void>>();
  let isStopping = false;
  for (const kind of WORK_KINDS) {
    if (handlers[kind] === undefined) continue;
    const atOnce = kind === "inquiry" ? inquiries : concurrency;
    const slots = createSlots(atOnce);
    await queue.consume(kind, atOnce, async (id) => {
      await slots.acquire();
      // It stays something to do: the next start finds it.
      if (isStopping) return slots.release();
      const run = once(kind, id).finally(() => {
        slots.release();
        running.delete(run);
      });
      running.add(run);
    });
  }
  const timer = setInterval(() => void sweepOnce(), SWEEP_MS);
  timer.unref();
  await sweepOnce();
  return {
    async stop(timeoutMs) {
      isStopping = true;
      clearInterval(timer);
      const limit = new AbortController();
      const late = new Promise<void>((resolve) => {
        const timeout = setTimeout(resolve, timeoutMs);
        limit.signal.addEventListener("abort", () => clearTimeout(timeout));
      });
      await Promise.race([Promise.all(running), late]);
      limit.abort();
    },
  };

  async function once(kind: WorkKind, id: string): Promise<void> {
    try {
      await leases.withLease(kind, id, async (signal) => handlers[kind]?.(id, signal));
    } catch (error) {
      log("error", `the work on ${kind} ${id} failed and is tried again: ${(error as Error).message}`, error);
    }
  }

  async function sweepOnce(): Promise<void> {
    await sweep().catch((error: Error) => log("warn", error.message, error));
  }
}

/** So many at once; the others wait in order. */
function createSlots(count: number) {
  let free = count;
  const waiting: (() => void)[] = [];
  return {
    async acquire(): Promise<void> {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => waiting.push(resolve));
    },
    release(): void {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    },
  };
}
