import { randomBytes, verify } from "node:crypto";
import { ApiError, forbidden, notFound } from "./error.ts";
import { covers, type Installation, type Owner, type Permissions, type Repository, type State } from "./state.ts";

/** A token of an installation, of a job (whose installation is GitHub's own, on one repository), or of a person. */
export interface Token {
  readonly value: string;
  /** Undefined for a job's and a person's. */
  readonly installation: Installation | undefined;
  /** Whose it is: it reaches what that person may read. */
  readonly person?: Owner;
  /** Ids; undefined if it wasn't narrowed. */
  readonly repositories: ReadonlySet<number> | undefined;
  readonly permissions: Permissions;
  readonly expiresAt: Date;
}

/** In whose name a request is made. */
export type Caller =
  | { readonly kind: "anonymous" }
  | { readonly kind: "app" }
  | { readonly kind: "token"; readonly token: Token };

/** GitHub takes no JWT that lives longer, in seconds. */
const JWT_SECONDS = 600;
/** Clocks differ, in seconds. */
const SKEW_SECONDS = 60;
/** An installation's token lives an hour. */
export const TOKEN_MS = 3_600_000;

const BAD_CREDENTIALS = "Bad credentials";

/** @throws {ApiError} 401 */
export function authenticate(state: State, header: string | undefined): Caller {
  if (header === undefined) return { kind: "anonymous" };
  const [, scheme = "", value = ""] = /^(\S+) +(\S+)$/.exec(header) ?? [];
  if (/^basic$/i.test(scheme)) {
    const [, password = ""] = /^[^:]*:(.*)$/s.exec(Buffer.from(value, "base64").toString()) ?? [];
    return tokenCaller(state, password);
  }
  if (!/^(?:bearer|token)$/i.test(scheme)) throw new ApiError(401, BAD_CREDENTIALS);
  if (value.split(".").length === 3 && !state.tokens.has(value)) return verifyAppToken(state, value);
  return tokenCaller(state, value);
}

function tokenCaller(state: State, value: string): Caller {
  const token = state.tokens.get(value);
  if (token === undefined || token.expiresAt <= state.now()) throw new ApiError(401, BAD_CREDENTIALS);
  if (token.installation !== undefined) {
    if (!state.installations.has(token.installation.id)) throw new ApiError(401, BAD_CREDENTIALS);
    if (token.installation.suspendedAt !== undefined) throw forbidden("This installation has been suspended");
  }
  return { kind: "token", token };
}

/** The app's own JWT: RS256 over its key, issued by its id, for ten minutes at most. */
function verifyAppToken(state: State, jwt: string): Caller {
  const [head = "", payload = "", signature = ""] = jwt.split(".");
  const refuse = (message: string) => new ApiError(401, message);
  let header: { alg?: unknown };
  let claims: { iss?: unknown; exp?: unknown; iat?: unknown };
  try {
    header = JSON.parse(Buffer.from(head, "base64url").toString());
    claims = JSON.parse(Buffer.from(payload, "base64url").toString());
  } catch {
    throw refuse("A JSON web token could not be decoded");
  }
  const signed = Buffer.from(`${head}.${payload}`);
  const isOurs =
    header.alg === "RS256" && verify("sha256", signed, state.app.publicKey, Buffer.from(signature, "base64url"));
  if (!isOurs) throw refuse("A JSON web token could not be decoded");
  if (String(claims.iss) !== String(state.app.id)) throw refuse("'Issuer' claim ('iss') must be an Integer of the app");
  const now = state.now().getTime() / 1000;
  const { exp, iat } = claims;
  if (typeof exp !== "number" || exp <= now)
    throw refuse("'Expiration time' claim ('exp') must be a numeric value in the future");
  if (exp > now + JWT_SECONDS + SKEW_SECONDS) throw refuse("'Expiration time' claim ('exp') is too far in the future");
  if (typeof iat !== "number" || iat > now + SKEW_SECONDS)
    throw refuse("'Issued at' claim ('iat') must be in the past");
  return { kind: "app" };
}

/** Makes a token that is known from now on. */
export function issueToken(state: State, token: Omit<Token, "value" | "expiresAt">): Token {
  const value = `${token.person === undefined ? "ghs" : "ghp"}_${randomBytes(27).toString("base64url").replace(/[-_]/g, "0")}`;
  const issued = { ...token, value, expiresAt: new Date(state.now().getTime() + TOKEN_MS) };
  state.tokens.set(value, issued);
  return issued;
}

/** What an operation needs, `contents: read`; undefined where being able to see the repository is enough. */
export interface Need {
  readonly permission: string;
  readonly level: "read" | "write";
  /** Whether anyone may read it of a public repository. */
  readonly isPublic: boolean;
}

/**
 * A repository as the caller may use it.
 *
 * @throws {ApiError} 404 where a private repository can't be seen, 401 or 403 where it can and this isn't allowed.
 */
export function allow(caller: Caller, repository: Repository | undefined, need: Need): Repository {
  if (repository === undefined || !sees(caller, repository)) throw notFound();
  const openToAll = need.level === "read" && need.isPublic && !repository.isPrivate;
  if (!openToAll) {
    if (caller.kind === "anonymous") throw new ApiError(401, "Requires authentication");
    if (caller.kind === "app" || !holds(caller.token, repository)) throw forbidden();
    const held = caller.token.permissions[need.permission];
    if (held !== "write" && held !== need.level) throw forbidden();
  }
  if (need.level === "write" && repository.isArchived) throw forbidden("Repository was archived so is read-only.");
  return repository;
}

/** Whether the caller can know that the repository exists. */
export function sees(caller: Caller, repository: Repository): boolean {
  return !repository.isPrivate || (caller.kind === "token" && holds(caller.token, repository));
}

/** Whether the token was made for the repository. */
export function holds({ installation, repositories, person }: Token, repository: Repository): boolean {
  if (person !== undefined) {
    const role = repository.collaborators.get(person.login.toLowerCase());
    return role !== undefined && role !== "none";
  }
  if (installation !== undefined && !covers(installation, repository)) return false;
  return repositories === undefined || repositories.has(repository.id);
}
