import type { IncomingHttpHeaders } from "node:http";
import type { Viewer } from "../answer/answer.ts";
import { Problem } from "./problem.ts";

/** Longest token that is looked at, in characters: GitHub's have fewer than 300, and those of its apps' users up to 520. */
const MAX_TOKEN_LENGTH = 1024;

// RFC 6750 §2.1. Such a token is safe in the header that GitHub is asked with.
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/**
 * Who asks. A header that can't be read is refused, whatever is asked for: taken for nobody's, it would make a mistyped token look
 * like a token that may not read.
 *
 * @throws {Problem} `malformed-authorization`
 */
export function viewerOf({ authorization }: IncomingHttpHeaders): Viewer {
  if (authorization === undefined) return { kind: "anyone" };
  const [scheme = "", token = "", ...rest] = authorization.trim().split(/ +/, 3);
  const isToken = token.length <= MAX_TOKEN_LENGTH && TOKEN.test(token) && rest.length === 0;
  if (!isToken || !["bearer", "token"].includes(scheme.toLowerCase()))
    throw new Problem("malformed-authorization", undefined, { headers: { "www-authenticate": "Bearer" } });
  return { kind: "token", token };
}
