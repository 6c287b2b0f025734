import type { IncomingMessage, ServerResponse } from "node:http";

/** The lowest rate at which a body may be taken, in bytes a second. */
const LOWEST_RATE = 16 * 1024;
/** How far behind that a reader may fall, in milliseconds: networks stop for a while, and systems take what they can hold at once. */
const GRACE_MS = 60_000;
/** How often it is looked at, in milliseconds. */
const LOOK_MS = 10_000;
/** How much is handed to the system at a time, in bytes: only what it took is known to have gone. Smaller bodies are its to hold. */
const PIECE_BYTES = 64 * 1024;

/** Sends bodies, and leaves those who hardly read: a byte a minute would keep what is unread, and its share of the memory, for ever. */
export interface SlowReaders {
  /** To be called once, after the head of the response. */
  send(body: Buffer, request: IncomingMessage, response: ServerResponse): void;
}

/** @param every - Calls again and again, after so many milliseconds each, until it is told to stop. No clock is read: one that jumps would end them all. */
export function createSlowReaders(every = timer): SlowReaders {
  const most = (LOWEST_RATE * GRACE_MS) / 1000;
  const owed = (LOWEST_RATE * LOOK_MS) / 1000;
  // By response the bytes by which its reader may still fall behind. Who was fast saves up no more than at the start.
  const reading = new Map<ServerResponse, number>();
  let stop: (() => void) | undefined;
  const look = () => {
    for (const [response, spare] of reading) {
      // What waits behind another response of its connection has no socket, and can't be taken yet.
      if (response.socket === null) continue;
      if (spare < owed) response.destroy();
      else reading.set(response, spare - owed);
    }
  };
  return {
    send: (body, { socket }, response) => {
      if (body.length <= PIECE_BYTES || socket.destroyed || response.destroyed) {
        response.end(body);
        return;
      }
      reading.set(response, most);
      stop ??= every(LOOK_MS, look);
      response.once("close", () => {
        reading.delete(response);
        if (reading.size > 0) return;
        stop?.();
        stop = undefined;
      });
      const sendFrom = (at: number) => {
        const next = at + PIECE_BYTES;
        const piece = body.subarray(at, next);
        if (next >= body.length) {
          response.end(piece);
          return;
        }
        response.write(piece, (error) => {
          // Nobody is there any more, which `close` tells too.
          if (error) return;
          const spare = reading.get(response);
          if (spare !== undefined) reading.set(response, Math.min(most, spare + piece.length));
          sendFrom(next);
        });
      };
      sendFrom(0);
    },
  };
}

function timer(ms: number, look: () => void): () => void {
  const interval = setInterval(look, ms).unref();
  return () => clearInterval(interval);
}
