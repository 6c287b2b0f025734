import { z } from "zod";
import { decoded } from "./asked-image.ts";
import { publicFor } from "./freshness.ts";
import { document, json, type Operation, operation, queriesOf } from "./operation.ts";
import { PROBLEM_CODES, PROBLEMS, Problem } from "./problem.ts";
import { NO_QUERIES } from "./queries.ts";

/** How long one may be kept, in milliseconds. */
const KEPT_MS = 60_000;

/** What a code means. */
export const problemTypeSchema = z
  .strictObject({ code: z.enum(PROBLEM_CODES), status: z.int(), title: z.string(), mend: z.string() })
  .meta({ description: "What a problem's code means." });

/** `GET /v1/problems/{code}`: what a problem's `type` leads to. */
export function problemPages(): Operation {
  return operation({
    method: "GET",
    form: "/v1/problems/{code}",
    id: "readProblem",
    summary: "What a problem's code means",
    answers: { 200: { description: "In words.", content: json(problemTypeSchema) } },
    problems: ["no-such-address"],
    handle: async (request, [part = ""]) => {
      queriesOf(NO_QUERIES, request);
      const code = PROBLEM_CODES.find((each) => each === decoded(part));
      if (code === undefined) throw new Problem("no-such-address");
      const { headers, ...shared } = publicFor(KEPT_MS);
      return { ...document(problemTypeSchema, { code, ...PROBLEMS[code] }, headers), ...shared };
    },
  });
}
