import { z } from "zod";
import { formatReference, withDefaultTag } from "../image/reference.ts";
import type { ApiPorts } from "./api-ports.ts";
import { namedImage } from "./asked-image.ts";
import { freshnessOf } from "./freshness.ts";
import { linksFrom } from "./links.ts";
import { USUAL_PAGE } from "./list-form.ts";
import { document, json, type Operation, operation, queriesOf } from "./operation.ts";
import { PAGE_QUERIES } from "./queries.ts";
import { something } from "./told-answer.ts";
import { viewerOf } from "./viewer.ts";

const queries = PAGE_QUERIES.pick({ limit: true }).extend({
  image: z.string().min(1).max(1024).meta({ description: "`NAME:TAG`, or `NAME@sha256:…`" }),
});

/** What was said of a name. */
export const historySchema = z
  .strictObject({
    image: z.string(),
    verdicts: z.array(
      z.strictObject({
        digest: z.string(),
        outcome: z.enum(["trusted", "untrusted", "undetermined"]),
        level: z.int().min(0).max(3),
        asOf: z.iso.datetime(),
        policy: z.strictObject({ digest: z.string(), url: z.string() }),
        result: z.string(),
        faults: z.array(z.string()).meta({ description: "their codes, each once" }),
      }),
    ),
  })
  .meta({ description: "Verdicts of the past, the newest first. They say nothing of now." });

/** `GET /v1/history`: what was said of an image over time. */
export function history(ports: ApiPorts): Operation {
  return operation({
    method: "GET",
    form: "/v1/history",
    id: "listVerdictsOfThePast",
    summary: "What was said of an image over time",
    description: "Of a tag: of whatever digest it named then. Of images that everyone may see.",
    takesToken: true,
    queries,
    answers: { 200: { description: "The newest first.", content: json(historySchema) } },
    problems: ["malformed-reference", "malformed-authorization", "nothing", "could-not-look"],
    handle: async (request) => {
      const { image, limit = USUAL_PAGE } = queriesOf(queries, request);
      const viewer = viewerOf(request.headers);
      const named = withDefaultTag(namedImage(image));
      const told = something(await ports.lookUp.byReference(named, viewer));
      const past = await ports.answers.listPast(named, limit);
      const links = linksFrom(ports.publicUrl);
      const heads = told.kind === "answer" ? [told.head] : [];
      const { headers, ...shared } = freshnessOf(viewer, heads, ports.now());
      const verdicts = past.map(({ policy, asOf, faults, ...each }) => ({
        ...each,
        asOf: asOf.toISOString(),
        policy: { digest: policy, url: links.policy(policy) },
        faults: [...faults],
      }));
      return { ...document(historySchema, { image: formatReference(named), verdicts }, headers), ...shared };
    },
  });
}
