import type { Policy } from "../trust/policy.ts";

/** The policy by which everyone is answered, as the operator publishes it (RULES R1, R2). No tenant's has a part in it (R3). */
export interface PublishedPolicy {
  readonly policy: Policy;
  /** As they are served, and as evidence names them. */
  readonly bytes: Uint8Array;
  /** Whether it is the one that comes with the program (RULES R5). */
  readonly isDefault: boolean;
}
