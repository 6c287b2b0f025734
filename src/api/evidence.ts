import { hexOf } from "../image/digest.ts";
import type { ApiPorts } from "./api-ports.ts";
import { askedDigest } from "./asked-image.ts";
import { freshnessOf } from "./freshness.ts";
import { type Operation, operation, queriesOf } from "./operation.ts";
import { Problem } from "./problem.ts";
import { IMAGE_QUERY } from "./queries.ts";
import { toldOfDigest } from "./told-answer.ts";
import { viewerOf } from "./viewer.ts";

/** As how many requests one counts at least: it is megabytes, hashed once more on the way. */
const COST = 10;
/** How many are made at once: each has up to 64 MiB, in memory more than once. */
const MAX_AT_ONCE = 4;

/** `GET /v1/verdicts/{digest}/evidence`: all that a verdict rests on, as one file. */
export function evidence(ports: ApiPorts): Operation {
  const bounded = atOnce(MAX_AT_ONCE);
  return operation({
    method: "GET",
    form: "/v1/verdicts/{digest}/evidence",
    id: "readEvidence",
    summary: "All that the verdict rests on, as one file",
    description:
      "A tar archive for `trusted-builds verify --evidence FILE`, which reaches the same verdict without a network. Counts as ten requests, a large one as more.",
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
      const body =
        head &&
        (await bounded(async () => {
          const kept = await ports.answers.readAnswerEvidence(head.id);
          return kept && ports.packEvidence(kept);
        }));
      if (head === undefined || body === undefined) throw new Problem("no-evidence");
      const { headers } = freshnessOf(viewer, [head], ports.now());
      return {
        status: 200,
        headers: {
          "content-type": "application/x-tar",
          // Of the digest alone: names are strangers' words.
          "content-disposition": `attachment; filename="evidence-${hexOf(head.image.digest).slice(0, 16)}.tar"`,
          ...(told.kind === "answer" ? headers : { "cache-control": "no-store", vary: "Authorization" }),
        },
        body,
      };
    },
  });
}

/** Does no more than so many things at once; whoever comes then comes again. */
function atOnce(most: number): <Made>(make: () => Promise<Made>) => Promise<Made> {
  let making = 0;
  return async (make) => {
    if (making >= most)
      throw new Problem("too-many-requests", "others' evidence is being gathered", { headers: { "retry-after": "2" } });
    making += 1;
    try {
      return await make();
    } finally {
      making -= 1;
    }
  };
}
