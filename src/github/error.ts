import { stripVTControlCharacters } from "node:util";
import { z } from "zod";
import { CouldNotLook, type CouldNotLookCode } from "../trust/ports.ts";

/** Longest piece of GitHub's own words that goes into a message, in characters. */
const MAX_QUOTE_LENGTH = 200;

/** How long to wait where GitHub limits us without saying until when, in seconds, as its documentation advises. */
const UNTOLD_WAIT_SECONDS = 60;

/** What is known about the exchange that failed. */
export interface GitHubErrorContext {
  /** The HTTP status of what was asked for; not that of the token that was needed to ask. */
  readonly status?: number | undefined;
  /** Seconds that GitHub wants to be left alone. */
  readonly retryAfter?: number | undefined;
  readonly cause?: unknown;
}

/** GitHub, or the way to it, did not let us look. It adds to {@link CouldNotLook} the status, and how long to wait. */
export class GitHubError extends CouldNotLook {
  readonly status: number | undefined;
  readonly retryAfter: number | undefined;

  constructor(code: CouldNotLookCode, message: string, context: GitHubErrorContext = {}) {
    super(code, message, context.cause === undefined ? undefined : { cause: context.cause });
    this.name = "GitHubError";
    this.status = context.status;
    this.retryAfter = context.retryAfter;
  }
}

/** What Octokit throws, as far as it is used. Everything may be missing: anything can be thrown. */
interface Thrown {
  readonly name?: string;
  readonly message?: string;
  readonly status?: number;
  readonly request?: { readonly url?: string };
  readonly response?: { readonly headers?: Readonly<Record<string, string | undefined>>; readonly data?: unknown };
  readonly cause?: { readonly name?: string };
}

/** Why a call of Octokit's failed, in the words of the ports. */
export function codeOf(error: unknown): CouldNotLookCode {
  const { name, status, response, cause } = (error ?? {}) as Thrown;
  if ([name, cause?.name].some((each) => each === "TimeoutError" || each === "AbortError")) return "timeout";
  if (response === undefined) return typeof status === "number" ? "network" : "server-error";
  if (isRateLimit(error as Thrown)) return "rate-limited";
  if (status === 401 || status === 403) return "credentials-refused";
  return status === 404 ? "not-found-unproven" : "server-error";
}

/** A 403 can be a limit or a refusal, and only the headers and the words tell which. */
function isRateLimit({ status, message, response }: Thrown): boolean {
  if (status === 429) return true;
  const headers = response?.headers ?? {};
  const limited = headers["x-ratelimit-remaining"] === "0" || headers["retry-after"] !== undefined;
  return status === 403 && (limited || /\bsecondary rate limit\b|\babuse detection\b/i.test(message ?? ""));
}

function retryAfterOf({ response }: Thrown): number {
  const headers = response?.headers ?? {};
  const told = Number(headers["retry-after"]);
  if (Number.isFinite(told) && told >= 0) return told;
  const reset = Number(headers["x-ratelimit-reset"]);
  if (headers["x-ratelimit-remaining"] !== "0" || !Number.isFinite(reset)) return UNTOLD_WAIT_SECONDS;
  // Reset is a time of GitHub's clock, which is the one in its answer.
  const now = Date.parse(headers.date ?? "") || Date.now();
  return Math.max(1, Math.ceil(reset - now / 1000));
}

/** What was asked, for messages, and what is needed to be answered. */
export interface Question {
  /** What follows the words "asked GitHub" in messages: `for the tag refs/tags/v1 of acme/app`, `to start …`. */
  readonly asked: string;
  /** `owner/name`, where it is about a repository. */
  readonly repository?: string | undefined;
  /** The permission of the app, as `contents: read`. */
  readonly needs?: string | undefined;
}

/** Makes what Octokit threw an error that says what was asked, what came back, and what to do. Never with a token in it. */
export function githubError(question: Question, error: unknown): GitHubError {
  if (error instanceof GitHubError) return error;
  const thrown = (error ?? {}) as Thrown;
  const code = codeOf(error);
  // A 404 or 403 of the token exchange says nothing about what was asked for: it was never asked.
  const isExchange = /\/access_tokens(?:\?|$)/.test(thrown.request?.url ?? "");
  const status = thrown.response === undefined || isExchange ? undefined : thrown.status;
  const retryAfter = code === "rate-limited" ? retryAfterOf(thrown) : undefined;
  const came = [isExchange && "no token for the installation", thrown.response && thrown.status, wordsOf(error)];
  const advice = isExchange && code !== "rate-limited" ? ABSENT_INSTALLATION : adviceFor(code, question, thrown);
  return new GitHubError(
    code,
    `asked GitHub ${question.asked}: ${came.filter(Boolean).join(": ")}; ${retryAfter === undefined ? advice : `wait ${retryAfter} s`}`,
    { status, retryAfter, cause: error },
  );
}

const ABSENT_INSTALLATION = "see whether the app is still installed there, and not suspended";

function adviceFor(code: CouldNotLookCode, { repository, needs }: Question, { status, response }: Thrown): string {
  const where = repository === undefined ? "there" : `in ${repository}`;
  switch (code) {
    case "credentials-refused": {
      if (status === 401) return "check the app's id and private key, and this machine's clock";
      const accepted = response?.headers?.["x-accepted-github-permissions"];
      const permission = accepted === undefined ? needs : quote(accepted);
      return permission === undefined
        ? `ask the owner to accept the app's permissions ${where}`
        : `ask the owner to accept the app's permission "${permission}" ${where}`;
    }
    case "not-found-unproven":
      return repository === undefined
        ? "see whether the app is installed there"
        : `it may be hidden from the app: give the app access to ${repository}`;
    default:
      return "try again later";
  }
}

function wordsOf(error: unknown): string {
  if (error instanceof z.ZodError) {
    const issue = error.issues[0];
    return `an answer that its description doesn't know (${issue?.path.join(".")}: ${issue?.message})`;
  }
  return quote(String((error as Thrown | undefined)?.message ?? error));
}

/** Someone else's words, fit for one line of a log: no control or direction characters, no tokens, and cut where they get long. */
export function quote(text: string): string {
  const line = stripVTControlCharacters(text)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ")
    .replace(/\b(?:gh[a-z]_|github_pat_|eyJ)[\w.-]+/g, "[token]")
    .trim();
  return line.length > MAX_QUOTE_LENGTH ? `${line.slice(0, MAX_QUOTE_LENGTH)}…` : line;
}
