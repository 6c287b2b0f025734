import { z } from "zod";
import type { ApiPorts } from "./api-ports.ts";
import { freshnessOf, NOT_KEPT } from "./freshness.ts";
import { listFreshness, listResponse, listSchema, USUAL_PAGE } from "./list-form.ts";
import { json, type Operation, operation, queriesOf } from "./operation.ts";
import { PAGE_QUERIES } from "./queries.ts";
import { linesForEveryone } from "./told-documents.ts";
import { viewerOf } from "./viewer.ts";

/** Longest text that is searched for, in UTF-16 units. */
const MAX_SEARCH = 256;

const text = z.string().trim().min(1).max(MAX_SEARCH);

const queries = PAGE_QUERIES.extend({
  q: text.optional().meta({ description: "a part of the image's name, in any case" }),
  source: text.optional().meta({ description: "the source repository: `acme/app`, or its whole address" }),
  owner: text.optional().meta({ description: "the owner of the source repository" }),
  verdict: z.enum(["trusted", "untrusted", "undetermined"]).optional(),
});

/** `GET /v1/images`: images by name, source or owner. */
export function search(ports: ApiPorts): Operation {
  return operation({
    method: "GET",
    form: "/v1/images",
    id: "searchImages",
    summary: "Images by name, source, owner or verdict",
    description:
      "Finding an image says nothing of trust: anyone may call an image what he likes. What is made from private repositories is never found. A part may have fewer images than `limit`, and still a next one.",
    queries,
    answers: { 200: { description: "The newest answer first.", content: json(listSchema) } },
    problems: ["malformed-authorization"],
    handle: async (request) => {
      const { q, source, owner, verdict, after, limit = USUAL_PAGE } = queriesOf(queries, request);
      const viewer = viewerOf(request.headers);
      const by = {
        ...(q !== undefined && { text: q }),
        ...(source !== undefined && { source }),
        ...(owner !== undefined && { owner }),
        ...(verdict !== undefined && { outcome: verdict }),
      };
      const { entries, next } = await ports.answers.search(ports.published, by, limit, after);
      const found = await linesForEveryone(ports, entries);
      const images = found.filter((each) => verdict === undefined || each.verdict === verdict);
      const kept = viewer.kind === "token" ? freshnessOf(viewer, [], ports.now()) : listFreshness(images, ports.now());
      const isPending = images.some(({ state }) => state === "pending");
      return listResponse(request, { images, next: next ?? null }, isPending ? NOT_KEPT : kept);
    },
  });
}
