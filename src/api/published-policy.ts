import type { ApiPorts } from "./api-ports.ts";
import { askedDigest } from "./asked-image.ts";
import { publicFor } from "./freshness.ts";
import { type Operation, operation, queriesOf } from "./operation.ts";
import { Problem } from "./problem.ts";
import { NO_QUERIES } from "./queries.ts";

/** How long it may be kept, in milliseconds: the bytes under a digest don't change. */
const KEPT_MS = 3_600_000;

/** `GET /v1/policies/{digest}`: the bytes of a policy that is or was published. */
export function publishedPolicy(ports: ApiPorts): Operation {
  return operation({
    method: "GET",
    form: "/v1/policies/{digest}",
    id: "readPolicy",
    summary: "A policy that verdicts here are by",
    description: "Its bytes, which have that digest.",
    answers: {
      200: {
        description: "The policy.",
        content: [{ type: "application/yaml" }, { type: "application/json" }],
      },
    },
    problems: ["malformed-digest", "nothing"],
    handle: async (request, [part = ""]) => {
      queriesOf(NO_QUERIES, request);
      const found = await ports.readPolicy(askedDigest(part));
      if (found === undefined) throw new Problem("nothing");
      const { headers, ...shared } = publicFor(KEPT_MS);
      return { status: 200, headers: { "content-type": found.type, ...headers }, body: found.bytes, ...shared };
    },
  });
}
