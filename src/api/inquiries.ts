import type { ApiPorts, Asking } from "./api-ports.ts";
import { askedImage, decoded } from "./asked-image.ts";
import { inquiryDocument, inquirySchema } from "./inquiry-form.ts";
import { linksFrom } from "./links.ts";
import { document, json, type Operation, operation, queriesOf } from "./operation.ts";
import { Problem } from "./problem.ts";
import { NO_QUERIES } from "./queries.ts";
import { viewerOf } from "./viewer.ts";

/** When to look again, in seconds. */
const LOOK_AGAIN = { "retry-after": "2", "cache-control": "no-store", vary: "Authorization" };

/** `POST /v1/images/{reference}/verify`: has an image judged. */
export function askForVerdict(ports: ApiPorts, asking: Asking): Operation {
  return operation({
    method: "POST",
    form: "/v1/images/{reference}/verify",
    id: "verifyImage",
    summary: "Has an image judged, by the operator's published policy",
    description:
      "The registry is read as everyone may read it, whoever asks. Asked for by several, it is judged once. Paced: 10 a minute and 60 an hour for each client.",
    pace: "ask",
    answers: {
      202: { description: "It is being judged; `Location` is where to look.", content: json(inquirySchema) },
    },
    problems: ["malformed-reference", "cross-site", "body-too-large", "too-busy"],
    handle: async (request, [part = ""]) => {
      queriesOf(NO_QUERIES, request);
      const links = linksFrom(ports.publicUrl);
      const inquiry = await asking.ask(askedImage(part));
      if (inquiry === "busy") throw new Problem("too-busy", undefined, { headers: { "retry-after": "60" } });
      const headers = { ...LOOK_AGAIN, location: links.inquiry(inquiry.id) };
      return document(inquirySchema, inquiryDocument({ ...inquiry, end: undefined }, undefined, links), headers, 202);
    },
  });
}

/** `GET /v1/inquiries/{id}`: what became of it. */
export function inquiry(ports: ApiPorts, asking: Asking): Operation {
  return operation({
    method: "GET",
    form: "/v1/inquiries/{id}",
    id: "readInquiry",
    summary: "What became of a question",
    takesToken: true,
    answers: { 200: { description: "How it stands.", content: json(inquirySchema) } },
    problems: ["malformed-authorization", "nothing", "could-not-look"],
    handle: async (request, [part = ""]) => {
      queriesOf(NO_QUERIES, request);
      const viewer = viewerOf(request.headers);
      const found = await asking.readInquiry(decoded(part));
      if (found === undefined) throw new Problem("nothing");
      const told = found.end === undefined ? undefined : await ports.lookUp.byReference(found.image, viewer);
      const document_ = inquiryDocument(found, told, linksFrom(ports.publicUrl));
      const { "retry-after": later, ...headers } = LOOK_AGAIN;
      return document(inquirySchema, document_, {
        ...headers,
        ...(found.end === undefined && { "retry-after": later }),
      });
    },
  });
}
