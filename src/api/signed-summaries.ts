import { z } from "zod";
import type { ApiPorts } from "./api-ports.ts";
import { askedDigest } from "./asked-image.ts";
import { freshnessOf } from "./freshness.ts";
import { type Operation, operation, queriesOf } from "./operation.ts";
import { Problem } from "./problem.ts";
import { IMAGE_QUERY } from "./queries.ts";
import { toldOfDigest } from "./told-answer.ts";
import { viewerOf } from "./viewer.ts";

/** The media type of one Sigstore bundle. */
const BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json";
/** Of several, one a line. */
const BUNDLES = "application/jsonl";

const queries = IMAGE_QUERY.extend({
  platform: z.string().min(1).max(256).optional().meta({ description: "`linux/amd64`: that platform's summary alone" }),
});

/** `GET /v1/verdicts/{digest}/vsa`: our own signed word on each platform. */
export function signedSummaries(ports: ApiPorts): Operation {
  return operation({
    method: "GET",
    form: "/v1/verdicts/{digest}/vsa",
    id: "readSummaries",
    summary: "The signed summaries (SLSA VSA), one for each platform",
    description:
      "Sigstore bundles, one a line; with `?platform=` that platform's alone, as one bundle. Whose keys sign them: `/.well-known/trusted-builds/keys.json`. A summary is about the platform's manifest, and may say FAILED: read it. What is undetermined or being judged anew has none.",
    takesToken: true,
    queries,
    answers: {
      200: { description: "The bundles, as they were signed.", content: [{ type: BUNDLES }, { type: BUNDLE }] },
    },
    problems: [
      "several-names",
      "malformed-digest",
      "malformed-reference",
      "malformed-authorization",
      "nothing",
      "not-summarised",
      "could-not-look",
    ],
    handle: async (request, [part = ""]) => {
      const { image, platform } = queriesOf(queries, request);
      const viewer = viewerOf(request.headers);
      const told = await toldOfDigest(ports, askedDigest(part), image, viewer);
      if (told.kind === "pending") throw new Problem("not-summarised");
      const all = await ports.answers.listAnswerSummaries(told.head.id);
      const wanted = all.filter((each) => platform === undefined || each.platform === platform);
      const [first, ...others] = wanted;
      if (first === undefined) throw new Problem("not-summarised");
      const isOne = platform !== undefined && others.length === 0;
      const { headers, ...shared } = freshnessOf(viewer, [told.head], ports.now());
      return {
        status: 200,
        headers: { "content-type": isOne ? BUNDLE : BUNDLES, ...headers },
        body: wanted.map(({ bundle }) => `${bundle}\n`).join(""),
        ...shared,
      };
    },
  });
}
