import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { listen, stop } from "../github/listen.ts";
import type { Claims } from "../github-claims.ts";
import type { Sigstore } from "../sigstore.ts";

/** What a job needs to get identity tokens. */
export interface TokenRequest {
  readonly ACTIONS_ID_TOKEN_REQUEST_URL: string;
  readonly ACTIONS_ID_TOKEN_REQUEST_TOKEN: string;
}

/** Gives jobs their identity tokens, each its own and none after it has ended. */
export interface IdentityTokens {
  /** @returns what to tell the job, and how to end it. */
  open(claims: Claims): { readonly variables: TokenRequest; close(): void };
  close(): Promise<void>;
}

/** Starts the endpoint on a loopback port; the tokens are signed by whom the test's Fulcio believes. */
export async function startIdentityTokens(sigstore: Pick<Sigstore, "idToken">): Promise<IdentityTokens> {
  const jobs = new Map<string, Claims>();
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    const answer = (status: number, value: unknown) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    const [, secret = ""] = /^bearer (.+)$/i.exec(request.headers.authorization ?? "") ?? [];
    const claims = jobs.get(secret);
    if (pathname !== "/token") return answer(404, {});
    if (claims === undefined) return answer(401, { message: "this is no running job's token" });
    const value = await sigstore.idToken(claims, searchParams.get("audience") ?? claims.repository_owner);
    return answer(200, { count: value.length, value });
  });
  const url = await listen(server);
  return {
    open(claims) {
      const secret = randomBytes(24).toString("base64url");
      jobs.set(secret, claims);
      return {
        variables: {
          ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/token?api-version=2.0`,
          ACTIONS_ID_TOKEN_REQUEST_TOKEN: secret,
        },
        close: () => void jobs.delete(secret),
      };
    },
    close: () => stop(server),
  };
}
