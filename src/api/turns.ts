/** How many requests of one client are answered at a time. */
const AT_ONCE = 8;

/**
 * Lets so many of one client's requests be answered at a time, and has the others wait in order: what an answer costs is known when it
 * is made, and whoever asked for hundreds at once would have them all before he pays for the first.
 */
export interface Turns {
  /** @returns what `answer` does, done when it is this client's turn. */
  take<Made>(client: string, answer: () => Promise<Made>): Promise<Made>;
}

/** @param atOnce - At least 1. */
export function createTurns(atOnce = AT_ONCE): Turns {
  // By client how many are being answered, and those that wait.
  const clients = new Map<string, { busy: number; readonly waiting: (() => void)[] }>();
  return {
    take: async (client, answer) => {
      const known = clients.get(client) ?? { busy: 0, waiting: [] };
      clients.set(client, known);
      if (known.busy < atOnce) known.busy += 1;
      else await new Promise<void>((resolve) => known.waiting.push(resolve));
      try {
        return await answer();
      } finally {
        // Its place goes to the next one as it is, so that nobody who comes between takes it.
        const next = known.waiting.shift();
        if (next !== undefined) next();
        else {
          known.busy -= 1;
          if (known.busy === 0) clients.delete(client);
        }
      }
    },
  };
}
