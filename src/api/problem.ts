import { z } from "zod";
import { printableJson } from "../report/printable.ts";
import type { ApiResponse } from "./exchange.ts";

/** What can be wrong with a request, or with us: a closed set, by codes that don't change. */
export const PROBLEMS = {
  "malformed-request": { status: 400, title: "The request can't be read", mend: "See /v1/openapi.json." },
  "malformed-reference": {
    status: 400,
    title: "That is no image reference",
    mend: "Write registry/repository:tag or registry/repository@sha256:…, percent-encoded once.",
  },
  "malformed-digest": { status: 400, title: "That is no digest", mend: "Write sha256: and 64 digits in lower case." },
  "malformed-authorization": {
    status: 401,
    title: "The Authorization header can't be read",
    mend: "Send `Authorization: Bearer TOKEN` with a GitHub token, or no such header.",
  },
  "cross-site": {
    status: 403,
    title: "Another site's page may not ask for this",
    mend: "Ask from this server's own pages, or without a browser.",
  },
  nothing: {
    status: 404,
    title: "Nothing is known of this image",
    mend: "POST /v1/images/{reference}/verify has it judged. If it is made from a private repository, send a GitHub token that can read it.",
  },
  "no-such-address": { status: 404, title: "There is nothing at this address", mend: "See /v1/openapi.json." },
  "not-summarised": {
    status: 404,
    title: "There is no signed summary",
    mend: "Undetermined verdicts are not signed, nor are all on a server without a key: ask again when the image was judged.",
  },
  "no-evidence": {
    status: 404,
    title: "The evidence was not kept",
    mend: "Run `trusted-builds export IMAGE -o FILE`: it gathers the evidence anew.",
  },
  "method-not-allowed": { status: 405, title: "This address isn't asked that way", mend: "See the Allow header." },
  "body-too-large": { status: 413, title: "The body is too large", mend: "Send less at once." },
  "unsupported-media-type": { status: 415, title: "The body is no JSON", mend: "Send application/json." },
  "several-names": {
    status: 300,
    title: "The digest was judged under several names",
    mend: "Add ?image=NAME, ?image=NAME:TAG, or follow one of the choices.",
  },
  "too-many-requests": { status: 429, title: "Too many requests", mend: "Wait as long as Retry-After says." },
  internal: {
    status: 500,
    title: "Something went wrong here",
    mend: "Try again; if it stays, tell whoever runs this server the request's id.",
  },
  "could-not-look": {
    status: 503,
    title: "It could not be looked at now",
    mend: "Try again. This says nothing of the image.",
  },
  "too-busy": { status: 503, title: "Too many images are waiting to be judged", mend: "Try again later." },
} as const satisfies Readonly<
  Record<string, { readonly status: number; readonly title: string; readonly mend: string }>
>;

/** One of {@link PROBLEMS}. */
export type ProblemCode = keyof typeof PROBLEMS;

/** Every code, in the order of {@link PROBLEMS}. */
export const PROBLEM_CODES = Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]];

/** The form of problem details (RFC 9457), with `code` for programs and `mend` for people. */
export const problemSchema = z
  .strictObject({
    type: z.string().meta({ description: "`/v1/problems/CODE`, where the code is explained" }),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    code: z.enum(PROBLEM_CODES),
    mend: z.string().meta({ description: "what to do; for people" }),
    requestId: z.string().optional().meta({ description: "of a fault of ours: by which it is found in the log" }),
    choices: z
      .array(z.strictObject({ reference: z.string(), url: z.string() }))
      .optional()
      .meta({ description: "of `several-names`: where each is" }),
  })
  .meta({ description: "What went wrong (RFC 9457)." });

/** In the form of {@link problemSchema}. */
export type ProblemDocument = z.output<typeof problemSchema>;

/** What goes with a problem. */
export interface ProblemOptions {
  /** In lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly choices?: NonNullable<ProblemDocument["choices"]>;
  readonly cause?: unknown;
}

/** Thrown where a request ends without what it asked for. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly detail: string | undefined;
  readonly options: ProblemOptions;
  constructor(code: ProblemCode, detail?: string, options: ProblemOptions = {}) {
    super(detail ?? PROBLEMS[code].title, { cause: options.cause });
    this.name = "Problem";
    this.code = code;
    this.detail = detail;
    this.options = options;
  }
}

/**
 * A problem as it is sent. Nothing of the request is in it that the problem's thrower didn't put there: so `nothing`, thrown without
 * a detail, is the same bytes for what is hidden and for what isn't there (DESIGN §6).
 */
export function problemResponse({ code, detail, options }: Problem, requestId?: string): ApiResponse {
  const { status, title, mend } = PROBLEMS[code];
  const document: ProblemDocument = {
    type: `/v1/problems/${code}`,
    title,
    status,
    ...(detail !== undefined && { detail }),
    code,
    mend,
    ...(requestId !== undefined && { requestId }),
    ...(options.choices !== undefined && { choices: options.choices }),
  };
  return {
    status,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store", ...options.headers },
    body: printableJson(document),
  };
}
