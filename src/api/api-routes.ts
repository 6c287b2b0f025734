import type { ApiPorts } from "./api-ports.ts";
import { imageAnswer } from "./image-answer.ts";
import { openApi } from "./openapi.ts";
import type { Operation } from "./operation.ts";

/** Every address for programs. */
export function apiRoutes(ports: ApiPorts): readonly Operation[] {
  const operations: readonly Operation[] = [imageAnswer(ports)];
  return [...operations, openApi(operations, ports)];
}
