import type { Caller } from "./credentials.ts";
import { ApiError } from "./error.ts";
import type { State } from "./state.ts";

/** GitHub's secondary limits on what creates content: writes in milliseconds. */
const LIMITS = [
  { ms: 60_000, writes: 80 },
  { ms: 3_600_000, writes: 500 },
] as const;

/** What counts: commits, branches and pull requests. What check runs and workflows cost GitHub doesn't say. */
const COUNTED = /^(?:POST|PATCH|PUT|DELETE) \/repos\/\{owner\}\/\{repo\}\/(?:git|pulls|contents)\b/;

/** Refuses what an installation writes too fast; each refused write counts as well. */
export class ContentLimits {
  /** When an installation's writes came, in milliseconds. */
  readonly #writes = new Map<number, number[]>();
  readonly #state: State;

  constructor(state: State) {
    this.#state = state;
  }

  /** @throws {ApiError} 403, in the words of GitHub's secondary limit. */
  count(operation: string, caller: Caller): void {
    if (!COUNTED.test(operation) || caller.kind !== "token" || caller.token.installation === undefined) return;
    const { id } = caller.token.installation;
    const now = this.#state.now().getTime();
    const before = (this.#writes.get(id) ?? []).filter((time) => time > now - 3_600_000);
    this.#writes.set(id, [...before, now]);
    for (const { ms, writes } of LIMITS) {
      const inside = before.filter((time) => time > now - ms);
      if (inside.length < writes) continue;
      const free = (inside[inside.length - writes] ?? now) + ms;
      throw new ApiError(
        403,
        "You have exceeded a secondary rate limit and have been temporarily blocked from content creation. Please retry your request again later.",
        { "retry-after": String(Math.max(1, Math.ceil((free - now) / 1000))) },
      );
    }
  }
}
