import type { IncomingMessage } from "node:http";
import { BlockList, isIP, isIPv6 } from "node:net";
import { clientKey } from "./pace.ts";

/** Longest header that is looked at, in characters; a longer one was made by whoever asks. */
const MAX_FORWARDED_LENGTH = 4096;

/** A text that is no address and no network. */
export class ProxyError extends Error {
  readonly code = "malformed-proxy";
}

/**
 * By what clients are told apart: the address of whoever is connected, or, where that is a trusted proxy, the rightmost address in
 * `X-Forwarded-For` that isn't one. What stands left of it is the client's own word, and could be anybody's address.
 *
 * @param trusted - Addresses and networks, `10.0.0.0/8`.
 * @throws {ProxyError}
 */
export function clientsBehind(trusted: readonly string[]): (request: IncomingMessage) => string {
  const proxies = new BlockList();
  for (const each of trusted) {
    const [address = "", bits, ...rest] = each.split("/");
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    const most = family === "ipv6" ? 128 : 32;
    if (
      isIP(address) === 0 ||
      rest.length > 0 ||
      (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= most))
    )
      throw new ProxyError(`not an address or network: ${each.slice(0, 80)}`);
    if (bits === undefined) proxies.addAddress(address, family);
    else proxies.addSubnet(address, Number(bits), family);
  }
  const isProxy = (address: string) => {
    const family = isIP(address);
    return family !== 0 && proxies.check(address, family === 6 ? "ipv6" : "ipv4");
  };
  return ({ socket, headers }) => {
    const peer = socket.remoteAddress ?? "unknown";
    const forwarded = headers["x-forwarded-for"];
    if (trusted.length === 0 || typeof forwarded !== "string" || !isProxy(peer)) return clientKey(peer);
    if (forwarded.length > MAX_FORWARDED_LENGTH) return clientKey(peer);
    for (const part of forwarded.split(",").reverse()) {
      const address = part.trim();
      if (isIP(address) === 0) return clientKey(peer);
      if (!isProxy(address)) return clientKey(address);
    }
    return clientKey(peer);
  };
}
