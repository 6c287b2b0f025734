import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

/** How long a connection may have nothing come or go, in milliseconds: whoever asks and doesn't read would keep his answer here for ever. */
const STALLED_MS = 60_000;

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
