import type { Answer, AnswerHead, Audience } from "../../src/answer/answer.ts";
import type { Digest } from "../../src/image/digest.ts";
import { type PinnedImage, parseReference } from "../../src/image/reference.ts";
import { verdictDocument } from "../../src/report/json.ts";
import { resultDigest } from "../../src/report/result-digest.ts";
import type { Verdict } from "../../src/trust/verdict.ts";
import { digest, node, verdict as verdictOf } from "../report/verdicts.ts";

/** The policy that is published. */
export const PUBLISHED: Digest = digest("published policy");

/** What everything here happens at. */
export const NOW = new Date("2026-03-01T12:00:00Z");

/** An answer to be found. */
export interface Given {
  /** `ghcr.io/acme/app:1.0.0`; the digest is made of it unless it has one. */
  readonly image: string;
  readonly verdict?: Verdict;
  readonly audience?: Audience;
  readonly validUntil?: Date;
  readonly asOf?: Date;
  readonly policy?: Digest;
}

/** An answer by the published policy. */
export function answerOn({ image, verdict = verdictOf([node("app")]), ...given }: Given): Answer {
  const named = parseReference(image);
  const pinned: PinnedImage = { ...named, digest: named.digest ?? digest(image) };
  const policy = { name: "published.yml", digest: given.policy ?? PUBLISHED };
  const asOf = given.asOf ?? new Date("2026-03-01T11:00:00Z");
  const document = verdictDocument({ ...verdict, image: pinned, policy, asOf });
  return {
    id: `answer on ${image}`,
    image: pinned,
    policy,
    outcome: verdict.outcome,
    level: verdict.level,
    asOf,
    validUntil: given.validUntil,
    result: resultDigest(document),
    audience: given.audience ?? { kind: "everyone" },
    source: { repository: "https://github.com/acme/app", commit: "a".repeat(40), ref: "refs/tags/v1.0.0" },
    document,
    facts: { sources: [], dockerfiles: [], packages: [] },
  };
}

/** The line of an answer. */
export function headOf({ document: _, facts: __, ...head }: Answer): AnswerHead {
  return head;
}
