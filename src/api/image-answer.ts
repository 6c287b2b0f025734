import { writeAnswer } from "./answer-document.ts";
import { answerSchema } from "./answer-form.ts";
import type { ApiPorts } from "./api-ports.ts";
import { askedImage } from "./asked-image.ts";
import { document, json, type Operation, operation, queriesOf } from "./operation.ts";
import { NO_QUERIES } from "./queries.ts";
import { something } from "./told-answer.ts";
import { viewerOf } from "./viewer.ts";

/** `GET /v1/images/{reference}`: what is known of a tag or a digest. */
export function imageAnswer(ports: ApiPorts): Operation {
  return operation({
    method: "GET",
    form: "/v1/images/{reference}",
    id: "readImage",
    summary: "What is known of an image, by tag or digest",
    description:
      "A tag is resolved first: the answer says which digest it names, and when that was seen. `latest` is meant where there is neither tag nor digest. Slashes may stand in the path as they are.",
    takesToken: true,
    answers: {
      200: { description: "The verdict, or that it isn't known now (`pending`).", content: json(answerSchema) },
    },
    problems: ["malformed-request", "malformed-reference", "malformed-authorization", "nothing", "could-not-look"],
    handle: async (request, [part = ""]) => {
      queriesOf(NO_QUERIES, request);
      const viewer = viewerOf(request.headers);
      const told = something(await ports.lookUp.byReference(askedImage(part), viewer));
      const { document: answer, freshness, read } = await writeAnswer(ports, told, viewer);
      const { headers, ...shared } = freshness;
      return { ...document(answerSchema, answer, headers), ...shared, read };
    },
  });
}
