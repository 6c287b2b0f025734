import { ancestryDocument, ancestrySchema } from "./ancestry-form.ts";
import { headDocument } from "./answer-form.ts";
import type { ApiPorts } from "./api-ports.ts";
import { askedDigest } from "./asked-image.ts";
import { freshnessOf, NOT_KEPT } from "./freshness.ts";
import { linksFrom } from "./links.ts";
import { document, json, type Operation, operation, queriesOf } from "./operation.ts";
import { Problem } from "./problem.ts";
import { IMAGE_QUERY } from "./queries.ts";
import { readWhole, toldOfDigest } from "./told-answer.ts";
import { viewerOf } from "./viewer.ts";

/** `GET /v1/verdicts/{digest}/ancestry`: what an image was built from. */
export function ancestry(ports: ApiPorts): Operation {
  return operation({
    method: "GET",
    form: "/v1/verdicts/{digest}/ancestry",
    id: "readAncestry",
    summary: "What an image was built from, as a graph",
    description:
      "Of an image that is being judged anew it is the ancestry as it was last seen; its `image` is `pending` then. What was built doesn't change; what is found of it does.",
    takesToken: true,
    queries: IMAGE_QUERY,
    answers: { 200: { description: "Nodes and edges.", content: json(ancestrySchema) } },
    problems: [
      "several-names",
      "malformed-digest",
      "malformed-reference",
      "malformed-authorization",
      "nothing",
      "could-not-look",
    ],
    handle: async (request, [part = ""]) => {
      const { image } = queriesOf(IMAGE_QUERY, request);
      const viewer = viewerOf(request.headers);
      const told = await toldOfDigest(ports, askedDigest(part), image, viewer);
      const isCurrent = told.kind === "answer";
      const head = isCurrent ? told.head : told.former;
      if (head === undefined) throw new Problem("nothing");
      const { verdict, bytes } = await readWhole(ports, head);
      const graph = ancestryDocument(headDocument(head, isCurrent, linksFrom(ports.publicUrl)), verdict);
      const { headers, ...shared } = isCurrent ? freshnessOf(viewer, [head], ports.now()) : NOT_KEPT;
      return { ...document(ancestrySchema, graph, headers), ...shared, read: bytes };
    },
  });
}
