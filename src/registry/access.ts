import type { Readable } from "node:stream";
import { z } from "zod";
import { quote } from "../image/quote.ts";
import type { AddressGuard } from "./address-guard.ts";
import { addressForPeople, RegistryError } from "./error.ts";
import type { Action, Authority, Repository } from "./token.ts";
import type { Answer, Transport } from "./transport.ts";

/** Docker Hub's API has another host than its images' names. */
const DOCKER_HUB_HOST = "registry-1.docker.io";

/** Where a registry answers for manifests itself. */
const REGISTRY_PATH = /^\/v2\/.+\/(?:manifests|referrers)\/[^/]+$/;

/** @see distribution-spec, "Error Codes" */
const errorBody = z.object({ errors: z.array(z.object({ code: z.string(), message: z.string().nullish() })) });

/** One request to a repository. */
export interface RepositoryRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  /** Below `/v2/<repository>/`, or an address that the registry named before. */
  readonly target: string | URL;
  readonly action: Action;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | (() => Readable);
  /** In bytes. */
  readonly limit: number;
  readonly what: string;
  /** In milliseconds. */
  readonly timeoutMs?: number;
  /** See {@link Transport}: takes the body as it comes. */
  readonly sink?: () => (chunk: Uint8Array) => Promise<void>;
}

/** Requests to repositories, with the credentials that they ask for, and the knowledge of which of them we can read. */
export interface RepositoryAccess {
  /**
   * @returns 2xx, and refusals that are the protocol's business: 400, 404, 405, 412 and the like.
   * @throws {RegistryError} `credentials-refused` for 401 and 403, and whatever the transport throws.
   */
  send(where: Repository, request: RepositoryRequest): Promise<Answer>;
  /** To be called when a manifest or blob was read: it proves that the repository can be (RULES R15). */
  noteRead(where: Repository): void;
  /** To be called before a manifest or blob is asked for, and `end` when the answer is there: others may rest on what it proves. */
  beginRead(where: Repository): { end(): void };
  /** Whether it is proven by now that we can read the repository (RULES R15). */
  hasProof(where: Repository): boolean;
  /** Whether we have no credentials for the repository, and read what anyone reads. */
  isAnonymous(where: Repository): Promise<boolean>;
  /**
   * Whether a 404 of this repository means that something isn't there, rather than that it is hidden from us (RULES R15).
   * @throws {RegistryError} if it could not be found out.
   */
  isReadable(where: Repository): Promise<boolean>;
}

/** Access for one client: what it learns about a repository holds as long as it lives. */
export function createRepositoryAccess(
  transport: Transport,
  authority: Authority,
  guard: AddressGuard,
): RepositoryAccess {
  const read = new Set<string>();
  const reading = new Map<string, Set<PromiseWithResolvers<void>>>();
  const open = new Map<string, Promise<boolean>>();
  const met = new Map<string, Promise<void>>();

  /** A registry's first request goes alone: those beside it would be refused with it, and all be sent again. */
  const send = async (where: Repository, request: RepositoryRequest): Promise<Answer> => {
    const before = met.get(where.registry);
    if (before !== undefined) {
      await before;
      return sendNow(where, request);
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    met.set(where.registry, promise);
    try {
      return await sendNow(where, request, resolve);
    } finally {
      resolve();
    }
  };

  const sendNow = async (where: Repository, request: RepositoryRequest, onMet = () => {}): Promise<Answer> => {
    const base = apiUrl(where.registry, guard);
    const url =
      typeof request.target === "string"
        ? new URL(`/v2/${where.repository}/${request.target}`, base)
        : new URL(request.target);
    const { target: _target, action, ...rest } = request;
    const outgoing = { ...rest, url, followRedirects: request.method === "GET" };
    // An upload may be sent elsewhere; our credentials go to the registry alone (RULES R32).
    const own = url.origin === base.origin;
    const authorization = own ? await authority.authorization(where, action) : undefined;
    let answer = await transport.send({ ...outgoing, authorization });
    if (answer.status !== 401) onMet();
    if (answer.status === 401 && own && !answer.fromElsewhere) {
      const answered = authority.answerChallenge(where, action, answer, authorization);
      onMet(); // from here on others know the challenge, and wait for the same token
      const next = await answered;
      if (next !== undefined) answer = await transport.send({ ...outgoing, authorization: next });
    }
    return checked(where, request, answer);
  };

  const isOpen = (where: Repository): Promise<boolean> => {
    let known = open.get(where.registry);
    if (known === undefined) {
      const url = new URL("/v2/", apiUrl(where.registry, guard));
      known = transport
        .send({ method: "GET", url, limit: 64 * 1024, what: `ask whether ${where.registry} is open` })
        .then((answer) => answer.status === 200);
      open.set(where.registry, known);
      known.catch(() => open.delete(where.registry));
    }
    return known;
  };

  const nameOf = (where: Repository) => `${where.registry}/${where.repository}`;
  const hasProof = (where: Repository) => read.has(nameOf(where)) || authority.hasPullGrant(where);
  const readsOf = (where: Repository) => {
    const known = reading.get(nameOf(where)) ?? new Set<PromiseWithResolvers<void>>();
    reading.set(nameOf(where), known);
    return known;
  };
  return {
    send,
    noteRead: (where) => {
      read.add(nameOf(where));
      for (const { resolve } of readsOf(where)) resolve();
    },
    beginRead: (where) => {
      const mine = Promise.withResolvers<void>();
      readsOf(where).add(mine);
      return {
        end: () => {
          readsOf(where).delete(mine);
          mine.resolve();
        },
      };
    },
    hasProof,
    isAnonymous: (where) => authority.isAnonymous(where),
    isReadable: async (where) => {
      // What is being read already proves it as well as a question of our own would, and as soon.
      for (const { promise } of [...readsOf(where)]) {
        if (hasProof(where)) break;
        await promise;
      }
      return hasProof(where) || isOpen(where);
    },
  };
}

/**
 * The root of a registry's API: https, or plain http to an allowed loopback host.
 * @throws {RegistryError} `address-refused` if the name can't be a host: `example.com:99999` is a reference all the same.
 */
export function apiUrl(registry: string, guard: AddressGuard): URL {
  const host = registry === "docker.io" ? DOCKER_HUB_HOST : registry;
  const url = URL.parse(`${guard.isPlain(host) ? "http" : "https"}://${host}/`);
  if (url !== null) return url;
  throw new RegistryError(
    "address-refused",
    `connect to ${registry}: that is no host and port; check the image's name`,
  );
}

function checked(where: Repository, request: RepositoryRequest, answer: Answer): Answer {
  const { status } = answer;
  const context = { url: addressForPeople(answer.url), status };
  const tried = `${request.what} of ${where.registry}/${where.repository}`;
  // The registry said that it is there; what a storage host says of it is neither absence nor a refusal of the registry's. Another
  // registry's API is: registry.k8s.io, for one, sends everyone to one nearby, and it knows what isn't there.
  const delegated = status === 404 && REGISTRY_PATH.test(answer.url.pathname);
  if (answer.fromElsewhere && (status < 200 || status > 299) && !delegated) {
    throw new RegistryError(
      "server-error",
      `${tried}: ${answer.url.host}, where it should be, answered ${status}`,
      context,
    );
  }
  if (status === 401 || status === 403) {
    const detail = errorDetail(answer);
    const said = detail === "" ? "" : ` (${detail})`;
    throw new RegistryError(
      "credentials-refused",
      `${tried}: ${where.registry} answered ${status}${said}; log in to it, or check the name`,
      context,
    );
  }
  return answer;
}

/** An answer that the protocol has no place for. */
export function unexpected(where: Repository, what: string, answer: Answer, expected: string): RegistryError {
  const detail = errorDetail(answer);
  const said = detail === "" ? "" : ` (${detail})`;
  return new RegistryError(
    "server-error",
    `${what} of ${where.registry}/${where.repository}: status ${answer.status}${said} where ${expected} was expected`,
    { url: addressForPeople(answer.url), status: answer.status },
  );
}

/** The first words of an error's body, for messages; "" if it has none. */
function errorDetail(answer: Answer): string {
  const text = Buffer.from(answer.body).toString("utf8");
  try {
    const { errors } = errorBody.parse(JSON.parse(text));
    return quote(errors.map(({ code, message }) => (message ? `${code} ${message}` : code)).join("; "));
  } catch {
    return "";
  }
}
