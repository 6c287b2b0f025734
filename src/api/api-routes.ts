import { ancestry } from "./ancestry.ts";
import type { ApiPorts } from "./api-ports.ts";
import { descendants } from "./descendants.ts";
import { evidence } from "./evidence.ts";
import { history } from "./history.ts";
import { imageAnswer } from "./image-answer.ts";
import { askForVerdict, inquiry } from "./inquiries.ts";
import { openApi } from "./openapi.ts";
import type { Operation } from "./operation.ts";
import { problemPages } from "./problem-pages.ts";
import { publishedPolicy } from "./published-policy.ts";
import { search } from "./search.ts";
import { signedSummaries } from "./signed-summaries.ts";
import { signingKeys } from "./signing-keys.ts";
import { verdict } from "./verdict.ts";
import { verdictBatch } from "./verdict-batch.ts";

/** Every address for programs. */
export function apiRoutes(ports: ApiPorts): readonly Operation[] {
  const { asking } = ports;
  const operations: readonly Operation[] = [
    imageAnswer(ports),
    search(ports),
    ...(asking === undefined ? [] : [askForVerdict(ports, asking), inquiry(ports, asking)]),
    verdict(ports),
    verdictBatch(ports),
    signedSummaries(ports),
    evidence(ports),
    ancestry(ports),
    descendants(ports),
    history(ports),
    publishedPolicy(ports),
    signingKeys(ports),
    problemPages(),
  ];
  return [...operations, openApi(operations, ports)];
}
