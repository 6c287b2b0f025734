import { hexOf } from "../image/digest.ts";
import type { ApiPorts } from "./api-ports.ts";
import { askedDigest } from "./asked-image.ts";
import { freshnessOf } from "./freshness.ts";
import { type Operation, operation, queriesOf } from "./operation.ts";
import { Problem } from "./problem.ts";
import { IMAGE_QUERY } from "./queries.ts";
import { toldOfDigest } from "./told-answer.ts";
import { viewerOf } from "./viewer.ts";

/** As how many requests one counts: it is megabytes, hashed once more on the way. */
const COST = 10;

/** `GET /v1/verdicts/{digest}/evidence`: all that a verdict rests on, as one file. */
export function evidence(ports: ApiPorts): Operation {
  return operation({
    method: "GET",
    form: "/v1/verdicts/{digest}/evidence",
    id: "readEvidence",
    summary: "All that the verdict rests on, as one file",
    description:
      "A tar archive for `trusted-builds verify --evidence FILE`, which reaches the same verdict without a network. Counts as ten requests.",
    takesToken: true,
    queries: IMAGE_QUERY,
    cost: () => COST,
    answers: { 200: { description: "The file.", content: [{ type: "application/x-tar" }] } },
    problems: [
      "several-names",
      "malformed-digest",
      "malformed-reference",
      "malformed-authorization",
      "nothing",
      "no-evidence",
      "could-not-look",
    ],
    handle: async (request, [part = ""]) => {
      const { image } = queriesOf(IMAGE_QUERY, request);
      const viewer = viewerOf(request.headers);
      const told = await toldOfDigest(ports, askedDigest(part), image, viewer);
      const head = told.kind === "answer" ? told.head : told.former;
      const kept = head && (await ports.answers.readAnswerEvidence(head.id));
      if (head === undefined || kept === undefined) throw new Problem("no-evidence");
      const { headers } = freshnessOf(viewer, [head], ports.now());
      return {
        status: 200,
        headers: {
          "content-type": "application/x-tar",
          // Of the digest alone: names are strangers' words.
          "content-disposition": `attachment; filename="evidence-${hexOf(head.image.digest).slice(0, 16)}.tar"`,
          ...(told.kind === "answer" ? headers : { "cache-control": "no-store", vary: "Authorization" }),
        },
        body: ports.packEvidence(kept),
      };
    },
  });
}
