import { z } from "zod";
import type { Told, Viewer } from "../answer/answer.ts";
import { BADGE_STYLES, badge, MAX_LABEL } from "../report/badge.ts";
import { askedImage } from "./asked-image.ts";
import type { Route } from "./exchange.ts";
import { type Freshness, freshnessOf, publicFor } from "./freshness.ts";
import { queriesOf } from "./operation.ts";
import type { PagePorts } from "./page-ports.ts";
import { pathForm } from "./path-form.ts";
import { viewerOf } from "./viewer.ts";

/** How long a badge that says nothing may be kept, in milliseconds: pages that embed it would ask each time. */
const NOTHING_SAID_MS = 40_000;

const queries = z.strictObject({
  style: z.enum(BADGE_STYLES).optional(),
  label: z.string().min(1).max(MAX_LABEL).optional(),
});

/** Safe to embed and to open: nothing in it runs, is fetched, or reaches the page around it. */
const HEADERS = {
  "content-type": "image/svg+xml; charset=utf-8",
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
  "access-control-allow-origin": "*",
  "cross-origin-resource-policy": "cross-origin",
};

/**
 * `GET /images/{reference}.svg`: a badge. `unknown` for what isn't there and for what may not be seen, in the same bytes and headers; always
 * 200, since proxies of images show nothing else.
 */
export function badges(ports: Pick<PagePorts, "lookUp" | "now">): Route {
  return {
    method: "GET",
    match: pathForm("/images/{reference}.svg"),
    maxBody: 0,
    handle: async (request, [part = ""]) => {
      const { style = "flat", label = "trusted build" } = queriesOf(queries, request);
      const viewer = viewerOf(request.headers);
      const told = await ports.lookUp.byReference(askedImage(part), viewer);
      const { headers, ...shared } = freshness(told, viewer, ports.now());
      return { status: 200, headers: { ...HEADERS, ...headers }, body: badge(said(told), style, label), ...shared };
    },
  };
}

function said(told: Told) {
  switch (told.kind) {
    case "answer":
      return told.head.outcome;
    case "pending":
      return "undetermined";
    case "nothing":
      return "unknown";
  }
}

function freshness(told: Told, viewer: Viewer, now: Date): Freshness {
  if (told.kind === "answer") return freshnessOf(viewer, [told.head], now, told.resolvedAt);
  const former = told.kind === "pending" && told.former !== undefined ? [told.former] : [];
  const isForAll = viewer.kind === "anyone" && former.every(({ audience }) => audience.kind === "everyone");
  // Not from memory: how fast it comes would tell what is hidden from what isn't there, where it was asked for before.
  return { headers: isForAll ? publicFor(NOTHING_SAID_MS).headers : freshnessOf(viewer, former, now).headers };
}
