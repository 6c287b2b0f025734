import type { z } from "zod";
import { verdictSchema } from "../report/json.ts";
import { writeAnswer } from "./answer-document.ts";
import { answerSchema } from "./answer-form.ts";
import type { ApiPorts } from "./api-ports.ts";
import { askedDigest } from "./asked-image.ts";
import { document, json, type Operation, operation, queriesOf } from "./operation.ts";
import { IMAGE_QUERY } from "./queries.ts";
import { toldOfDigest } from "./told-answer.ts";
import { viewerOf } from "./viewer.ts";

/** An answer with its verdict, whole. */
export const wholeSchema = answerSchema
  .extend({
    document: verdictSchema.nullable().meta({
      description:
        "the whole verdict, as `trusted-builds verify --output json` prints it; null where it isn't known now",
    }),
  })
  .meta({ description: "What is known of a digest, with the whole verdict." });

/** `GET /v1/verdicts/{digest}`: the whole verdict on a digest. */
export function verdict(ports: ApiPorts): Operation {
  return operation({
    method: "GET",
    form: "/v1/verdicts/{digest}",
    id: "readVerdict",
    summary: "The verdict on a digest, whole",
    description:
      "A verdict is on a name too. Where the digest was judged under one name, that is meant; where under several, `?image=` says which, and without it the answer is 300 with all of them.",
    takesToken: true,
    queries: IMAGE_QUERY,
    answers: { 200: { description: "The verdict, or that it isn't known now.", content: json(wholeSchema) } },
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
      const written = await writeAnswer(ports, told, viewer);
      const { headers, ...shared } = written.freshness;
      const whole: z.output<typeof wholeSchema> = { ...written.document, document: written.verdict ?? null };
      return { ...document(wholeSchema, whole, headers), ...shared, read: written.read };
    },
  });
}
