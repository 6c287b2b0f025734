import type { IncomingMessage, ServerResponse } from "node:http";

/** What may wait to be read by all clients together, and by one, in bytes; a file of evidence has up to 64 MiB. */
const MAX_BYTES = 512 * 1024 * 1024;
const MAX_CLIENT_BYTES = 128 * 1024 * 1024;
/** Smaller answers are the system's to hold, in bytes. */
const COUNTED_BYTES = 64 * 1024;

/**
 * Counts what was sent and isn't read. Whoever asks for much and reads nothing would have the server hold all of it, as often as he asks;
 * rates bound how often, and not how much.
 */
export interface Unread {
  /** @returns false where this client, or all, should read first: then nothing is to be sent. It is counted until it is sent, or nobody is there. */
  add(client: string, bytes: number, request: IncomingMessage, response: ServerResponse): boolean;
}

/** @param most - Of all clients together. @param mostOfOne - In bytes, too. */
export function createUnread(most = MAX_BYTES, mostOfOne = MAX_CLIENT_BYTES): Unread {
  const clients = new Map<string, number>();
  let all = 0;
  return {
    add: (client, bytes, { socket }, response) => {
      if (bytes < COUNTED_BYTES || socket.destroyed) return true;
      const waiting = clients.get(client) ?? 0;
      if (all + bytes > most || waiting + bytes > mostOfOne) return false;
      all += bytes;
      clients.set(client, waiting + bytes);
      const release = () => {
        all -= bytes;
        const left = (clients.get(client) ?? 0) - bytes;
        if (left > 0) clients.set(client, left);
        else clients.delete(client);
      };
      // Told of each that wasn't closed before, also of one that waits behind another.
      response.once("close", release);
      return true;
    },
  };
}
