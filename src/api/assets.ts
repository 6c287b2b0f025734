import { ANCESTRY_SCRIPT, ANCESTRY_SCRIPT_PATH } from "../report/ancestry-script.ts";
import type { Route } from "./exchange.ts";
import { pathForm } from "./path-form.ts";

/** `GET /assets/…`: the script of our pages. Its address has its hash in it, so that it may be kept for ever. */
export function assets(): Route {
  return {
    method: "GET",
    match: pathForm(ANCESTRY_SCRIPT_PATH),
    maxBody: 0,
    handle: async () => ({
      status: 200,
      headers: {
        "content-type": "text/javascript; charset=utf-8",
        "cache-control": "public, max-age=31536000, immutable",
        "cross-origin-resource-policy": "same-origin",
      },
      body: ANCESTRY_SCRIPT,
    }),
  };
}
