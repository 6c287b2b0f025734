import { z } from "zod";
import type { Challenge } from "./challenge.ts";
import { parseChallenges } from "./challenge.ts";
import type { Credential, CredentialSource } from "./credentials.ts";
import { addressForPeople, RegistryError } from "./error.ts";
import type { Answer, Outgoing, Transport } from "./transport.ts";

/** Largest answer of a token realm, in bytes. */
const MAX_TOKEN_ANSWER_BYTES = 256 * 1024;

/** How long a token lives where its answer doesn't say, in seconds: what the token specification promises at least. */
const DEFAULT_LIFETIME_S = 60;

/** A token is not used in its last seconds: it must live until the registry reads it. */
const EXPIRY_MARGIN_MS = 5000;

/** A repository of a registry, as the image reference spells them. */
export interface Repository {
  readonly registry: string;
  readonly repository: string;
}

/** What we want to do there. Pushing includes pulling, and deleting both. */
export type Action = "pull" | "push" | "delete";

const SCOPES: Readonly<Record<Action, string>> = { pull: "pull", push: "pull,push", delete: "pull,push,delete" };

/** Knows how each registry wants to be asked, and answers its challenges. */
export interface Authority {
  /** The header to send at once, where the registry's challenge is known already; undefined before the first. */
  authorization(repository: Repository, action: Action): Promise<string | undefined>;
  /**
   * Answers a 401.
   *
   * @param sent - The header that was refused, if any: the same one is never sent twice.
   * @returns undefined if there is nothing better to send.
   * @throws {RegistryError} `credentials-refused` if the realm refuses, and whatever the way to it throws.
   */
  answerChallenge(
    repository: Repository,
    action: Action,
    answer: Answer,
    sent: string | undefined,
  ): Promise<string | undefined>;
  /** Whether a token was granted for pulling this very repository (RULES R15). */
  hasPullGrant(repository: Repository): boolean;
  /** Whether there are no credentials for it. */
  isAnonymous(repository: Repository): Promise<boolean>;
}

interface Token {
  readonly header: string;
  /** On the monotonic clock, in milliseconds. */
  readonly expiresAt: number;
}

const tokenAnswer = z.object({
  token: z.string().optional(),
  access_token: z.string().optional(),
  expires_in: z.number().optional(),
  scope: z.string().optional(),
});

const accessClaim = z.object({
  access: z.array(z.object({ type: z.string(), name: z.string(), actions: z.array(z.string()) })),
});

/**
 * The authority of one client: tokens are kept per registry, repository and action, and concurrent requests wait for one token.
 *
 * Credentials go to the registry that they belong to and to the realm of its own challenge (RULES R32); the transport's guard
 * sees to it that this is https, or an allowed loopback host.
 */
export function createAuthority(transport: Transport, credentials: CredentialSource): Authority {
  const challenges = new Map<string, Challenge>();
  const logins = new Map<string, Promise<Credential | undefined>>();
  const tokens = new Map<string, { readonly token: Promise<Token>; header?: string }>();
  const grants = new Set<string>();

  const login = (where: Repository): Promise<Credential | undefined> => {
    const key = nameOf(where);
    let found = logins.get(key);
    if (found === undefined) {
      found = credentials(where.registry, where.repository);
      logins.set(key, found);
      found.catch(() => logins.delete(key));
    }
    return found;
  };

  const header = async (where: Repository, action: Action, challenge: Challenge): Promise<string | undefined> => {
    if (challenge.scheme === "basic") {
      const credential = await login(where);
      return credential?.kind === "basic" ? basic(credential) : undefined;
    }
    return (await token(where, action, challenge)).header;
  };

  const token = async (where: Repository, action: Action, challenge: Challenge): Promise<Token> => {
    const key = `${nameOf(where)} ${action}`;
    const held = tokens.get(key);
    if (held !== undefined) {
      const value = await held.token;
      if (performance.now() < value.expiresAt) return value;
      if (tokens.get(key) === held) tokens.delete(key);
      return token(where, action, challenge);
    }
    const entry: { readonly token: Promise<Token>; header?: string } = { token: fetchToken(where, action, challenge) };
    tokens.set(key, entry);
    try {
      const value = await entry.token;
      entry.header = value.header;
      return value;
    } catch (error) {
      if (tokens.get(key) === entry) tokens.delete(key);
      throw error;
    }
  };

  const fetchToken = async (where: Repository, action: Action, challenge: Challenge): Promise<Token> => {
    const what = `ask for a token for ${nameOf(where)}`;
    const realm = URL.parse(challenge.parameters.get("realm") ?? "");
    if (realm === null) {
      throw new RegistryError("server-error", `${what}: the challenge of ${where.registry} names no realm`);
    }
    const credential = await login(where);
    const asked = performance.now();
    const answer = await transport.send(tokenRequest(realm, challenge, where, action, credential, what));
    const context = { url: addressForPeople(realm), status: answer.status };
    if (answer.status === 401 || answer.status === 403) {
      const advice = credential === undefined ? "log in to it" : "check the login";
      throw new RegistryError(
        "credentials-refused",
        `${what}: ${realm.host} answered ${answer.status}; ${advice}`,
        context,
      );
    }
    const read = answer.status === 200 ? readTokenAnswer(answer.body) : undefined;
    const text = read?.token || read?.access_token;
    // What isn't visible ASCII could end the header and begin another.
    if (text === undefined || !/^[\x21-\x7e]+$/.test(text)) {
      throw new RegistryError(
        "server-error",
        `${what}: ${realm.host} answered ${answer.status} without a token`,
        context,
      );
    }
    if (isPullGrant(text, read?.scope, where.repository)) grants.add(nameOf(where));
    const lifetimeMs = Math.max(read?.expires_in ?? DEFAULT_LIFETIME_S, DEFAULT_LIFETIME_S) * 1000;
    return { header: `Bearer ${text}`, expiresAt: asked + lifetimeMs - EXPIRY_MARGIN_MS };
  };

  return {
    authorization: async (where, action) => {
      const challenge = challenges.get(where.registry);
      return challenge === undefined ? undefined : header(where, action, challenge);
    },
    answerChallenge: async (where, action, answer, sent) => {
      const challenge = preferred(parseChallenges(answer.header("www-authenticate") ?? ""));
      if (challenge === undefined) return undefined;
      challenges.set(where.registry, challenge);
      const key = `${nameOf(where)} ${action}`;
      // Only the refused token goes: meanwhile another request may have fetched a new one.
      if (sent !== undefined && tokens.get(key)?.header === sent) tokens.delete(key);
      const next = await header(where, action, challenge);
      return next === sent ? undefined : next;
    },
    hasPullGrant: (where) => grants.has(nameOf(where)),
    isAnonymous: async (where) => (await login(where)) === undefined,
  };
}

function nameOf(where: Repository): string {
  return `${where.registry}/${where.repository}`;
}

/** Bearer where there is a choice: a token can do less than a password. */
function preferred(challenges: readonly Challenge[]): Challenge | undefined {
  return (
    challenges.find(({ scheme, parameters }) => scheme === "bearer" && parameters.has("realm")) ??
    challenges.find(({ scheme }) => scheme === "basic")
  );
}

/**
 * The question to the realm: with an identity token a POST, else a GET, with the password or anonymous. The scope is ours, not
 * the challenge's: we know what we want to read, and a server's wish isn't a reason to ask for more.
 *
 * @see distribution docs/spec/auth/token.md and oauth.md
 */
function tokenRequest(
  realm: URL,
  challenge: Challenge,
  where: Repository,
  action: Action,
  credential: Credential | undefined,
  what: string,
): Outgoing {
  const url = new URL(realm);
  const scope = `repository:${where.repository}:${SCOPES[action]}`;
  const service = challenge.parameters.get("service");
  // No redirects: what is asked here carries a password, or belongs to nobody but the realm.
  const common = { limit: MAX_TOKEN_ANSWER_BYTES, what };
  if (credential?.kind === "identity-token") {
    const form = new URLSearchParams({
      grant_type: "refresh_token",
      scope,
      client_id: "trusted-builds",
      refresh_token: credential.token,
    });
    if (service !== undefined) form.set("service", service);
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    return { ...common, method: "POST", url, headers, body: Buffer.from(form.toString()) };
  }
  if (service !== undefined) url.searchParams.set("service", service);
  url.searchParams.set("scope", scope);
  return { ...common, method: "GET", url, authorization: credential === undefined ? undefined : basic(credential) };
}

/** @see RFC 7617: the encoding is UTF-8, which `btoa` would refuse. */
function basic(credential: { readonly username: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${credential.username}:${credential.password}`, "utf8").toString("base64")}`;
}

function readTokenAnswer(body: Uint8Array): z.infer<typeof tokenAnswer> | undefined {
  try {
    return tokenAnswer.safeParse(JSON.parse(Buffer.from(body).toString("utf8"))).data;
  } catch {
    return undefined;
  }
}

/**
 * Whether the token says that we may pull. Some realms grant a token for nothing at all rather than to refuse, so having one
 * proves nothing; one that says nothing readable doesn't either.
 */
function isPullGrant(token: string, scope: string | undefined, repository: string): boolean {
  if (scope !== undefined) {
    return scope.split(" ").some((part) => {
      const [type, name, actions] = [
        part.slice(0, part.indexOf(":")),
        part.slice(part.indexOf(":") + 1, part.lastIndexOf(":")),
        part.slice(part.lastIndexOf(":") + 1),
      ];
      return type === "repository" && name === repository && actions.split(",").some(isPull);
    });
  }
  const [, payload, signature] = token.split(".");
  if (payload === undefined || signature === undefined) return false;
  try {
    const claims = accessClaim.safeParse(JSON.parse(Buffer.from(payload, "base64url").toString("utf8")));
    const access = claims.data?.access ?? [];
    return access.some(
      ({ type, name, actions }) => type === "repository" && name === repository && actions.some(isPull),
    );
  } catch {
    return false;
  }
}

function isPull(action: string): boolean {
  return action === "pull" || action === "*";
}
