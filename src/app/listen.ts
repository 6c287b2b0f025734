import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Log } from "./jobs.ts";

/** How long a connection may have nothing come or go, in milliseconds: whoever asks and doesn't read would keep his answer here for ever. */
const STALLED_MS = 60_000;

/** A server whose every request is answered, also where the program has a fault: `500`, and the fault in the log alone. */
export function answering(
  log: Log,
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Server {
  return createServer(async (request, response) => {
    try {
      await answer(request, response);
    } catch (error) {
      log.error({ err: error, path: request.url }, "a request ended in a fault of the program");
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end();
    }
  });
}

/** Listens. @returns `http://HOST:PORT`, with the port that it got. */
export async function listen(
  http: Server,
  { host, port, stalledMs = STALLED_MS }: { readonly host: string; readonly port: number; readonly stalledMs?: number },
): Promise<string> {
  http.setTimeout(stalledMs);
  await new Promise<void>((resolve, reject) => {
    http.once("error", reject).listen(port, host, resolve);
  });
  const { address, family, port: bound } = http.address() as AddressInfo;
  return `http://${family === "IPv6" ? `[${address}]` : address}:${bound}`;
}

/** Takes no more connections, and ends when what is asked was answered. */
export function closed(http: Server): Promise<void> {
  return new Promise((resolve) => {
    http.close(() => resolve());
    http.closeIdleConnections();
  });
}
