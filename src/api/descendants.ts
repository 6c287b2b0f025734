import type { ApiPorts } from "./api-ports.ts";
import { askedDigest } from "./asked-image.ts";
import { freshnessOf } from "./freshness.ts";
import { listFreshness, listResponse, listSchema, USUAL_PAGE } from "./list-form.ts";
import { json, type Operation, operation, queriesOf } from "./operation.ts";
import { PAGE_QUERIES } from "./queries.ts";
import { linesForEveryone } from "./told-documents.ts";
import { viewerOf } from "./viewer.ts";

/** `GET /v1/verdicts/{digest}/descendants`: what was built on an image. */
export function descendants(ports: ApiPorts): Operation {
  return operation({
    method: "GET",
    form: "/v1/verdicts/{digest}/descendants",
    id: "listDescendants",
    summary: "The images in whose ancestry a digest is",
    description:
      "The digest is an index's or a platform's; it needn't have been judged itself. What is made from private repositories isn't listed.",
    queries: PAGE_QUERIES,
    answers: { 200: { description: "None, where nothing is known to be built on it.", content: json(listSchema) } },
    problems: ["malformed-digest", "malformed-authorization"],
    handle: async (request, [part = ""]) => {
      const { after, limit = USUAL_PAGE } = queriesOf(PAGE_QUERIES, request);
      const viewer = viewerOf(request.headers);
      const page = await ports.answers.listDescendants(ports.published, askedDigest(part), limit, after);
      const images = [...(await linesForEveryone(ports, page.entries))];
      const kept = viewer.kind === "token" ? freshnessOf(viewer, [], ports.now()) : listFreshness(images, ports.now());
      return listResponse(request, { images, next: page.next ?? null }, kept);
    },
  });
}
