import type { CouldNotLookCode } from "../trust/ports.ts";
import { CouldNotLook } from "../trust/ports.ts";

/** What is known about the exchange that failed. Never credentials, and no query: storage hosts keep signatures there. */
export interface RegistryErrorContext {
  /** Where it failed, without query and user info. */
  readonly url?: string;
  /** The HTTP status, if there was an answer. */
  readonly status?: number;
  readonly cause?: unknown;
}

/** A registry, or the way to it, did not let us look. It adds to {@link CouldNotLook} only where and with which status. */
export class RegistryError extends CouldNotLook {
  readonly url: string | undefined;
  readonly status: number | undefined;

  constructor(code: CouldNotLookCode, message: string, context: RegistryErrorContext = {}) {
    super(code, message, context.cause === undefined ? undefined : { cause: context.cause });
    this.name = "RegistryError";
    this.url = context.url;
    this.status = context.status;
  }
}

/** The address as messages may show it: a query can hold a token, and user info a password. */
export function addressForPeople(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}
