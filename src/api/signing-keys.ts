import { z } from "zod";
import type { ApiPorts } from "./api-ports.ts";
import { publicFor } from "./freshness.ts";
import { document, json, type Operation, operation, queriesOf } from "./operation.ts";
import { NO_QUERIES } from "./queries.ts";

/** How long they may be kept, in milliseconds. */
const KEPT_MS = 60_000;

/** The keys of this server's own word. */
export const keysSchema = z
  .strictObject({
    keys: z.array(
      z.looseObject({
        verifier: z.string().optional().meta({ description: "the beginning of `verifier.id`" }),
      }),
    ),
  })
  .meta({
    description: "Public keys. Whoever relies on them pins one: this address is only as good as the connection.",
  });

/** `GET /.well-known/trusted-builds/keys.json`: with which keys this server signs. */
export function signingKeys(ports: ApiPorts): Operation {
  return operation({
    method: "GET",
    form: "/.well-known/trusted-builds/keys.json",
    id: "readKeys",
    summary: "With which keys summaries are signed, and in whose name",
    answers: { 200: { description: "None, on a server that signs nothing.", content: json(keysSchema) } },
    problems: [],
    handle: async (request) => {
      queriesOf(NO_QUERIES, request);
      const { headers, ...shared } = publicFor(KEPT_MS);
      return { ...document(keysSchema, { keys: ports.keys.map((key) => ({ ...key })) }, headers), ...shared };
    },
  });
}
