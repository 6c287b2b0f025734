import type { OwnerVerdicts } from "../answer/ports.ts";
import type { ApiPorts } from "./api-ports.ts";

/** What the pages stand on: what the API does, and who else builds under a name. */
export interface PagePorts extends ApiPorts {
  readonly owners: OwnerVerdicts;
}
