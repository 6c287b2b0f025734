/** On every answer, where its handler says nothing else: it is nobody's page, and shown in nobody's frame. */
export const SECURITY: Readonly<Record<string, string>> = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/**
 * Any site's script may read what anyone may read. There are no cookies here: who sends a token writes it into the request, and nothing
 * that a browser keeps goes along.
 */
export const CORS: Readonly<Record<string, string>> = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id",
  "cross-origin-resource-policy": "cross-origin",
};

/** The answer to a preflight; it is the same for every address, and kept by browsers for a day. Names and values in turn. */
export const PREFLIGHT: readonly string[] = Object.entries({
  ...CORS,
  "access-control-allow-methods": "GET, HEAD, POST",
  // `*` doesn't cover Authorization (Fetch standard, "CORS-preflight fetch").
  "access-control-allow-headers": "Authorization, Content-Type, If-None-Match, X-Request-Id",
  "access-control-max-age": "86400",
  "cache-control": "no-store",
}).flat();

/** Whether scripts of other sites may read what is at a path: documents for programs, no pages. */
export function isForOtherSites(path: string): boolean {
  return path.startsWith("/v1/") || path.startsWith("/.well-known/trusted-builds/");
}
