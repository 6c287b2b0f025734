import { z } from "zod";
import { parseReference } from "../image/reference.ts";
import { type SearchWords, searchPage } from "../report/search-page.ts";
import type { HeadDocument } from "./answer-form.ts";
import type { Route } from "./exchange.ts";
import { NOT_KEPT } from "./freshness.ts";
import { linksFrom } from "./links.ts";
import { listFreshness } from "./list-form.ts";
import { queriesOf } from "./operation.ts";
import type { PagePorts } from "./page-ports.ts";
import { pageResponse, tellOnPage } from "./page-response.ts";
import { pathForm } from "./path-form.ts";
import { linesForEveryone } from "./told-documents.ts";

/** Images on one page. */
const PAGE = 25;
/** Longest text that is searched for, in UTF-16 units. */
const MAX_SEARCH = 256;
/** Longest place where a list goes on. */
const MAX_AFTER = 1024;

/** Addresses on this server, from its root. */
const LINKS = linksFrom();

// A form sends what is left empty, too.
const text = z.string().trim().max(MAX_SEARCH).optional();

const queries = z.strictObject({
  q: text,
  source: text,
  owner: text,
  verdict: z.enum(["", "trusted", "untrusted", "undetermined"]).optional(),
  after: z.string().min(1).max(MAX_AFTER).optional(),
});

/** `GET /` and `GET /images`: finds images, for people; the same for everyone, whoever asks. */
export function searchPages(ports: PagePorts): readonly Route[] {
  const route = (path: string): Route => ({
    method: "GET",
    match: pathForm(path),
    maxBody: 0,
    tell: tellOnPage(ports.asking !== undefined),
    handle: async (request) => {
      const { q = "", source = "", owner = "", verdict = "", after } = queriesOf(queries, request);
      const words: SearchWords = { q, source, owner, verdict };
      const by = {
        ...(q !== "" && { text: q }),
        ...(source !== "" && { source }),
        ...(owner !== "" && { owner }),
        ...(verdict !== "" && { outcome: verdict }),
      };
      const { entries, next } = await ports.answers.search(ports.published, by, PAGE, after);
      const lines = await linesForEveryone({ ...ports, publicUrl: undefined }, entries);
      const found = lines.filter((each) => verdict === "" || each.verdict === verdict);
      const page = searchPage({
        words,
        found: found.map(foundOf),
        next: next === undefined ? undefined : `/images?${new URLSearchParams({ ...words, after: next })}`,
        policyUrl: LINKS.policy(ports.published),
        asks: ports.asking !== undefined,
      });
      const isPending = found.some(({ state }) => state === "pending");
      return pageResponse(page, isPending ? NOT_KEPT : listFreshness(found, ports.now()));
    },
  });
  return [route("/"), route("/images")];
}

function foundOf({ reference, name, tag, verdict, state, asOf, source }: HeadDocument) {
  const shown = tag === null ? reference : `${name}:${tag}`;
  return {
    name: shown,
    outcome: verdict,
    isPending: state === "pending",
    asOf: new Date(asOf),
    source: source?.repository,
    // Of what is shown: where that is a tag, what it names by now is looked at there.
    page: LINKS.of(parseReference(shown)).page,
  };
}
