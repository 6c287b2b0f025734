import { isForOtherSites } from "./api-headers.ts";
import type { Route } from "./exchange.ts";

/** What is at an address. */
export type Routed =
  | { readonly kind: "found"; readonly route: Route; readonly parts: readonly string[] }
  /** There is something, and it isn't asked by this method. */
  | { readonly kind: "other-method"; readonly allow: string }
  /** Nothing, and the address is ours. */
  | { readonly kind: "missing" }
  /** Nothing of ours. */
  | { readonly kind: "elsewhere" };

/** Finds the route: the first whose method and form fit. HEAD is asked as GET is. */
export function routeOf(routes: readonly Route[], method: string, path: string): Routed {
  const wanted = method === "HEAD" ? "GET" : method;
  const allowed = new Set<string>();
  for (const route of routes) {
    const parts = route.match(path);
    if (parts === undefined) continue;
    if (route.method === wanted) return { kind: "found", route, parts };
    allowed.add(route.method);
    if (route.method === "GET") allowed.add("HEAD");
  }
  if (allowed.size > 0)
    return { kind: "other-method", allow: [...allowed, ...(isForOtherSites(path) ? ["OPTIONS"] : [])].join(", ") };
  return isForOtherSites(path) ? { kind: "missing" } : { kind: "elsewhere" };
}
