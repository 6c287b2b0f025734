import type { LookupAddress } from "node:dns";
import { lookup as systemLookup } from "node:dns/promises";
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { addressForPeople, RegistryError } from "./error.ts";

/** Longest list of addresses of one name that is looked at. */
const MAX_ADDRESSES = 32;

const DEFAULT_PORTS: Readonly<Record<string, string>> = { "https:": "443", "http:": "80" };

/** Names to addresses: the system's resolver, or a test's. */
export type Lookup = (hostname: string) => Promise<readonly LookupAddress[]>;

/**
 * Decides where connections may go. References, redirects and auth realms are chosen by strangers: without it, an image name could
 * make a server talk to the cloud's metadata service or to its own network (DESIGN §7).
 */
export interface AddressGuard {
  /** Whether the operator opened this host and port. */
  isAllowed(url: URL): boolean;
  /** Whether requests to this host go over plain http: loopback hosts that the operator opened, and no others. */
  isPlain(host: string): boolean;
  /**
   * Checks what can be seen without asking a resolver: scheme, user info, literal addresses.
   * @throws {RegistryError} `address-refused`
   */
  check(url: URL): void;
  /**
   * The addresses to dial, each of them checked. Only these may be dialled: asking the resolver again could answer something else.
   * @throws {RegistryError} `address-refused` if any of them is not public; `network` if there are none.
   */
  resolve(url: URL): Promise<readonly LookupAddress[]>;
}

/** An entry of the list of allowed hosts is not `HOST` or `HOST:PORT`. */
export class AllowedHostError extends Error {
  readonly code = "malformed-allowed-host";
}

/**
 * @param allowHosts - `HOST:PORT`, IPv6 in brackets; without a port 443 and 80 are meant.
 * @throws {AllowedHostError} if an entry is neither: a guard that drops an entry in silence would puzzle, one that widens it would harm.
 */
export function createAddressGuard(allowHosts: readonly string[], lookup: Lookup = lookupAll): AddressGuard {
  const allowed = new Set(allowHosts.flatMap(readAllowedHost));
  const isAllowed = (url: URL) => allowed.has(`${url.hostname}:${url.port || DEFAULT_PORTS[url.protocol]}`);

  const refused = (url: URL, reason: string, mayBeAllowed = true) => {
    const host = `${url.hostname}:${url.port || DEFAULT_PORTS[url.protocol]}`;
    const advice = mayBeAllowed ? `; if you trust it, allow it with --allow-host ${host}` : "";
    return new RegistryError("address-refused", `connect to ${host}: ${reason}${advice}`, {
      url: addressForPeople(url),
    });
  };

  const check = (url: URL) => {
    if (url.username !== "" || url.password !== "") throw refused(url, "the address carries user info", false);
    if (url.protocol !== "https:" && url.protocol !== "http:") {
      throw refused(url, `its scheme is ${url.protocol}`, false);
    }
    if (url.protocol === "http:" && !(isLoopbackHost(url.hostname) && isAllowed(url))) {
      throw refused(url, "plain http goes to allowed loopback hosts only", isLoopbackHost(url.hostname));
    }
    const literal = withoutBrackets(url.hostname);
    if (isIP(literal) !== 0 && !isPublicAddress(literal) && !isAllowed(url)) {
      throw refused(url, `${literal} is not a public address`);
    }
  };

  const resolve = async (url: URL): Promise<readonly LookupAddress[]> => {
    check(url);
    const literal = withoutBrackets(url.hostname);
    const family = isIP(literal);
    if (family !== 0) return [{ address: literal, family }];
    let addresses: readonly LookupAddress[];
    try {
      addresses = await lookup(url.hostname);
    } catch (cause) {
      throw new RegistryError("network", `look up the address of ${url.hostname}: it has none; check the name`, {
        url: addressForPeople(url),
        cause,
      });
    }
    if (addresses.length === 0 || addresses.length > MAX_ADDRESSES) {
      throw new RegistryError(
        "network",
        `look up the address of ${url.hostname}: it has ${addresses.length} addresses`,
        {
          url: addressForPeople(url),
        },
      );
    }
    for (const { address } of addresses) {
      if (url.protocol === "http:" && !isLoopbackAddress(address)) {
        throw refused(url, `it resolves to ${address}, and plain http goes to loopback addresses only`, false);
      }
      // All of them, not just one: which is dialled is for the network to choose, and so for whoever runs the name server.
      if (!isPublicAddress(address) && !isAllowed(url)) {
        throw refused(url, `it resolves to ${address}, which is not a public address`);
      }
    }
    return addresses;
  };

  const isPlain = (host: string) => {
    const url = URL.parse(`http://${host}`);
    return url !== null && isLoopbackHost(url.hostname) && isAllowed(url);
  };

  return { isAllowed, isPlain, check, resolve };
}

/**
 * Whether the address belongs to the public internet. Forms of IPv6 that carry an IPv4 address are judged by what they carry, or
 * refused where they shouldn't occur at all any more (6to4, Teredo, IPv4-compatible).
 */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.parse(text);
  if (address instanceof ipaddr.IPv4) return address.range() === "unicast";
  const bytes = address.toByteArray();
  if (address.isIPv4MappedAddress()) return isPublicIpv4(bytes);
  // 64:ff9b::/96 is how networks without IPv4 reach all hosts that have nothing else (RFC 6052); 64:ff9b:1::/48 is local (RFC 8215).
  if (address.match(ipaddr.IPv6.parse("64:ff9b::"), 96)) return isPublicIpv4(bytes);
  // "unicast" is everything without a name in that library; the internet is 2000::/3 alone.
  return address.range() === "unicast" && address.match(ipaddr.IPv6.parse("2000::"), 3);
}

function isPublicIpv4(bytes: readonly number[]): boolean {
  return new ipaddr.IPv4(bytes.slice(12)).range() === "unicast";
}

function isLoopbackAddress(text: string): boolean {
  return ipaddr.isValid(text) && ipaddr.process(text).range() === "loopback";
}

function isLoopbackHost(hostname: string): boolean {
  return hostname === "localhost" || isLoopbackAddress(withoutBrackets(hostname));
}

function withoutBrackets(hostname: string): string {
  return hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
}

async function lookupAll(hostname: string): Promise<readonly LookupAddress[]> {
  return systemLookup(hostname, { all: true });
}

function readAllowedHost(entry: string): readonly string[] {
  const [, host, port] = /^(\[[0-9a-fA-F:.]+\]|[^\s:/@?#[\]\\]+)(?::([0-9]{1,5}))?$/.exec(entry) ?? [];
  const hostname = host === undefined ? undefined : URL.parse(`http://${host}/`)?.hostname;
  if (!hostname || Number(port ?? 0) > 65535) {
    throw new AllowedHostError(`read ${JSON.stringify(entry.slice(0, 160))} as an allowed host: write HOST:PORT`);
  }
  return port === undefined ? [`${hostname}:443`, `${hostname}:80`] : [`${hostname}:${Number(port)}`];
}
