import { createPrivateKey } from "node:crypto";
import { Octokit } from "@octokit/rest";
import { SignJWT } from "jose";
import type { Github } from "./github.ts";

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

/** How an app's JWT differs from a good one. */
export interface JwtOptions {
  readonly issuer?: string | number;
  /** From now, in seconds. */
  readonly issuedAt?: number;
  readonly expires?: number;
  readonly privateKey?: string;
}

/** What the app proves itself with. */
export function appJwt({ app }: Github, options: JwtOptions = {}): Promise<string> {
  const { issuer = app.id, issuedAt = -30, expires = 300, privateKey = app.privateKey } = options;
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ iss: String(issuer) })
    .setProtectedHeader({ alg: "RS256" })
    .setIssuedAt(now + issuedAt)
    .setExpirationTime(now + expires)
    .sign(createPrivateKey(privateKey));
}

/** A client in that token's name; in nobody's without one. */
export function octokitWith(github: Github, auth?: string): Octokit {
  return new Octokit({ baseUrl: github.apiUrl, log: SILENT, ...(auth !== undefined && { auth }) });
}

/** A client of the app itself. */
export async function octokitOfApp(github: Github, options?: JwtOptions): Promise<Octokit> {
  return octokitWith(github, await appJwt(github, options));
}

/** A client of the app's installation on an owner's account. */
export async function octokitOf(
  github: Github,
  login: string,
  narrowed: { readonly repositories?: string[]; readonly permissions?: Record<string, "read" | "write"> } = {},
): Promise<Octokit> {
  const app = await octokitOfApp(github);
  const installation_id = github.installation(login).id;
  const { data } = await app.rest.apps.createInstallationAccessToken({ installation_id, ...narrowed });
  return octokitWith(github, data.token);
}
