import type { z } from "zod";
import type { Repository } from "../build/build.ts";
import { WriteRefused, type WriteSlots } from "../change/ports.ts";
import { type Answer, ask, type Clients, type RequestOptions } from "./ask.ts";
import { GitHubError, type Question, quote } from "./error.ts";

/** In whose name it is written, and how fast. */
export interface WriterOptions extends Pick<Clients, "octokitFor"> {
  readonly slots: WriteSlots;
  readonly now: () => Date;
}

/**
 * Takes the slots of several writes before the first of them.
 * @throws {GitHubError} `rate-limited` where there are none: nothing has been asked for, and it is told how long to wait.
 */
export async function reserve(
  { slots, now }: WriterOptions,
  { installation }: Repository,
  question: Question,
  writes: number,
): Promise<void> {
  const at = now();
  const until = await slots.takeSlots(installation, writes, at);
  if (until === undefined) return;
  const retryAfter = Math.max(1, Math.ceil((until.getTime() - at.getTime()) / 1000));
  throw new GitHubError(
    "rate-limited",
    `wanted to ask GitHub ${question.asked}: that would be more writes than GitHub stands for; wait ${retryAfter} s`,
    { retryAfter },
  );
}

/**
 * One request that writes, for which there is a slot. When GitHub limits us all the same, the installation's writes are paused.
 * @throws {GitHubError} @throws {WriteRefused}
 */
export async function write<T>(
  { slots, now }: WriterOptions,
  { installation }: Repository,
  question: Question,
  schema: z.ZodType<T>,
  call: (request: RequestOptions) => Promise<Answer>,
): Promise<T> {
  try {
    return await ask(question, schema, call);
  } catch (error) {
    if (!(error instanceof GitHubError)) throw error;
    if (error.retryAfter !== undefined) {
      const at = now();
      await slots.pauseWrites(installation, new Date(at.getTime() + error.retryAfter * 1000), at);
    }
    throw refusalOf(question, error) ?? error;
  }
}

/** What GitHub says where a permission is missing, in the words of a 403. Others are about limits, networks and sign-ons: they pass. */
const FORBIDDEN = /not accessible by integration|without `?workflows?`? permission|was archived|is archived/i;

const PROTECTED =
  /protected branch|rule violation|through a pull request|approving review|status checks? .{0,80}expected|merge queue|verified signatures|branch is locked/i;

const MOVED = /not a fast.?forward|reference already exists|reference does not exist|pull request already exists/i;

/**
 * What GitHub refuses for good; undefined for what may be otherwise the next time. A 404 counts as a permission that is missing: the
 * repository was read just before, and that is how GitHub hides what may be read and not written.
 */
function refusalOf({ asked, needs }: Question, error: GitHubError): WriteRefused | undefined {
  const words = error.cause instanceof Error ? error.cause.message : error.message;
  const refuse = (code: WriteRefused["code"], advice: string) =>
    new WriteRefused(code, `asked GitHub ${asked}: ${error.status}: ${quote(words)}; ${advice}`, { cause: error });
  const permit = () => refuse("not-permitted", `ask the owner to accept the app's permission "${needs}"`);
  const isLimit = error.code === "rate-limited";
  switch (isLimit ? undefined : error.status) {
    case 403:
      if (PROTECTED.test(words)) return refuse("protected", PROTECTED_ADVICE);
      return FORBIDDEN.test(words) ? permit() : undefined;
    case 404:
      return permit();
    case 409:
    case 422:
      if (PROTECTED.test(words)) return refuse("protected", PROTECTED_ADVICE);
      if (MOVED.test(words)) return refuse("moved-on", "see what is there now");
      return error.status === 422 ? refuse("invalid", "it would be refused again") : undefined;
    default:
      return undefined;
  }
}

const PROTECTED_ADVICE = "the owner's rules want it done in another way";
