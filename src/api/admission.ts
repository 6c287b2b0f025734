import { answerReview } from "../admission/answer-review.ts";
import { decide } from "../admission/decide.ts";
import type { ImageJudge } from "../admission/judgement.ts";
import { MAX_REVIEW_BYTES, type Review, readReview } from "../admission/review.ts";
import type { AdmissionSettings } from "../admission/settings.ts";
import type { Digest } from "../image/digest.ts";
import { JsonError } from "../image/json.ts";
import { printableJson } from "../report/printable.ts";
import type { ApiRequest, Route } from "./exchange.ts";
import { pathForm } from "./path-form.ts";
import { Problem } from "./problem.ts";

/** How long a cluster waits that doesn't say so, and the longest that it may say, in milliseconds. */
const DEFAULT_WAIT_MS = 10_000;
const MAX_WAIT_MS = 30_000;
/** What an answer needs to get there before the cluster gives up. */
const MARGIN_MS = 500;

/** What answering a cluster's reviews needs. */
export interface AdmissionPorts {
  readonly judge: ImageJudge;
  /** The digest of the published policy. */
  readonly policy: () => Digest;
  readonly settings: AdmissionSettings;
  /** The page of an image; undefined where there is none. */
  readonly pageOf: (image: string) => string | undefined;
  readonly now: () => Date;
  /** Told of faults of the program. */
  readonly onFault: (error: unknown) => void;
}

/**
 * The two webhooks of a cluster: `/v1/admission` writes digests beside tags, and `/v1/admission/validate` sees what every other webhook
 * made of it and writes nothing. Both deny. What can't be read as a review is a problem, which is no permission.
 */
export function admissionRoutes(ports: AdmissionPorts): readonly Route[] {
  const route = (path: string, mayPin: boolean): Route => ({
    method: "POST",
    match: pathForm(path),
    maxBody: MAX_REVIEW_BYTES,
    handle: async (request) => {
      const review = reviewIn(request);
      const waiting = startWaiting(request.query.get("timeout"));
      try {
        const { judge, onFault, settings, now } = ports;
        const door = { mayPin, settings, now: now() };
        const decision = await decide({ judge, deadline: waiting.isOver, onFault }, review, door);
        const answer = answerReview(review, decision, { policy: ports.policy(), settings, pageOf: ports.pageOf });
        return {
          status: 200,
          headers: { "content-type": "application/json", "cache-control": "no-store" },
          body: printableJson(answer),
        };
      } finally {
        waiting.end();
      }
    },
  });
  return [route("/v1/admission", true), route("/v1/admission/validate", false)];
}

/** @throws {Problem} */
function reviewIn({ headers, body }: ApiRequest): Review {
  const [type = ""] = (headers["content-type"] ?? "").split(";");
  if (type.trim().toLowerCase() !== "application/json") throw new Problem("unsupported-media-type");
  try {
    return readReview(body);
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause;
    throw new Problem("malformed-request", cause.message, { cause });
  }
}

/** @param timeout - As the API server says it: `10s`. */
function startWaiting(timeout: string | null): { readonly isOver: Promise<unknown>; end(): void } {
  const [, seconds] = /^(\d{1,3})s$/.exec(timeout ?? "") ?? [];
  const ms = seconds === undefined ? DEFAULT_WAIT_MS : Math.min(Number(seconds) * 1000, MAX_WAIT_MS);
  let timer: NodeJS.Timeout | undefined;
  const isOver = new Promise((resolve) => {
    timer = setTimeout(resolve, Math.max(ms - MARGIN_MS, 0));
  });
  return { isOver, end: () => clearTimeout(timer) };
}
