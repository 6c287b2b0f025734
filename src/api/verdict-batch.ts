import { z } from "zod";
import { type Digest, isDigest } from "../image/digest.ts";
import { JsonError, readDocument } from "../image/json.ts";
import { headSchema } from "./answer-form.ts";
import type { ApiPorts } from "./api-ports.ts";
import type { ApiRequest } from "./exchange.ts";
import { linksFrom } from "./links.ts";
import { document, json, type Operation, operation, queriesOf } from "./operation.ts";
import { Problem } from "./problem.ts";
import { NO_QUERIES } from "./queries.ts";
import { lineOf, sideBySide } from "./told-documents.ts";
import { viewerOf } from "./viewer.ts";

/** How many digests may be asked for at once. */
const MAX_DIGESTS = 100;
/** Largest body, in bytes: a hundred of the longest digests come to 14 KiB. */
const MAX_BODY_BYTES = 32 * 1024;

const askedSchema = z
  .strictObject({ digests: z.array(z.string().max(160).refine(isDigest, "no digest")).min(1).max(MAX_DIGESTS) })
  .meta({ description: "The digests that are asked for." });

/** What is told of each. */
export const batchSchema = z
  .strictObject({
    verdicts: z.array(
      z.strictObject({
        digest: z.string(),
        answers: z.array(headSchema).meta({
          description:
            "one for each name and tag under which it was judged. None: nothing is known, or nothing that you may see",
        }),
      }),
    ),
  })
  .meta({ description: "What is told of each digest, in the order in which they were asked for." });

/** `POST /v1/verdicts`: up to a hundred digests at once. */
export function verdictBatch(ports: ApiPorts): Operation {
  return operation({
    method: "POST",
    form: "/v1/verdicts",
    id: "readVerdicts",
    summary: "The verdicts on up to 100 digests",
    description: "Each digest counts as one request.",
    takesToken: true,
    maxBody: MAX_BODY_BYTES,
    asks: askedSchema,
    answers: { 200: { description: "What is told of each.", content: json(batchSchema) } },
    problems: ["unsupported-media-type", "body-too-large", "malformed-authorization", "could-not-look"],
    cost: (request) => digestsIn(request).length,
    handle: async (request) => {
      queriesOf(NO_QUERIES, request);
      const viewer = viewerOf(request.headers);
      const links = linksFrom(ports.publicUrl);
      const verdicts = await sideBySide(digestsIn(request), async (digest) => {
        const told = await ports.lookUp.byDigest(digest, viewer);
        return { digest, answers: told.flatMap((each) => lineOf(each, links) ?? []) };
      });
      const headers = { "cache-control": "no-store" };
      return document(batchSchema, { verdicts: [...verdicts] }, headers);
    },
  });
}

/** @throws {Problem} */
function digestsIn({ headers, body }: ApiRequest): readonly Digest[] {
  const [type = ""] = (headers["content-type"] ?? "").split(";");
  if (type.trim().toLowerCase() !== "application/json") throw new Problem("unsupported-media-type");
  try {
    return [...new Set(readDocument(askedSchema, body).digests.filter(isDigest))];
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new Problem("malformed-request", `the body: ${error.message}`.slice(0, 300), { cause: error });
  }
}
