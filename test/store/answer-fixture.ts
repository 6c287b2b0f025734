import { randomUUID } from "node:crypto";
import type { Answer } from "../../src/answer/answer.ts";
import type { AnswerEvidence, AnswerSummary, JudgedAnswer } from "../../src/answer/ports.ts";
import { type Digest, digestOf } from "../../src/image/digest.ts";
import { formatReference, type PinnedImage, parseReference, pin } from "../../src/image/reference.ts";

export const digest = (text: string): Digest => digestOf(Buffer.from(text));

/** The policy that everything here is published by, unless a test says otherwise. */
export const PUBLISHED = digest("published policy");

export const NOON = new Date("2026-11-27T12:00:00.123Z");

export function later(hours: number, than = NOON): Date {
  return new Date(than.getTime() + hours * 3_600_000);
}

let names = 0;

/** An image that no other test has. */
export function newImage(tag?: string, content = "content"): PinnedImage {
  names++;
  const name = `ghcr.io/acme/answers-${names}`;
  return pin(parseReference(tag === undefined ? name : `${name}:${tag}`), digest(content));
}

export function answerOf(image: PinnedImage, given: Partial<Answer> = {}): Answer {
  return {
    id: randomUUID(),
    image,
    policy: { name: "policy.yml", digest: PUBLISHED },
    outcome: "trusted",
    level: 3,
    asOf: NOON,
    validUntil: undefined,
    result: digest("trusted, level 3"),
    audience: { kind: "everyone" },
    source: { repository: "https://github.com/Acme/App", commit: "c".repeat(40), ref: "refs/tags/v1" },
    document: { outcome: "trusted" },
    facts: { sources: [], dockerfiles: [], packages: [] },
    ...given,
  };
}

export function judged(answer: Answer, given: Partial<JudgedAnswer> = {}): JudgedAnswer {
  return { answer, doneAt: later(1e6), ancestors: [], faults: [], summaries: [], evidence: undefined, ...given };
}

export function summaryOf(answer: Answer, result: AnswerSummary["result"] = "PASSED"): AnswerSummary {
  return {
    signature: `${answer.id} ${result}`,
    image: formatReference(answer.image),
    platform: "linux/amd64",
    result,
    bundle: '{"z":1,"a":2}',
  };
}

/** Evidence whose bytes are these texts. */
export function evidenceOf(image: PinnedImage, ...texts: readonly (string | Uint8Array)[]): AnswerEvidence {
  const blobs = texts.map((text) => Buffer.from(text));
  return {
    image: {
      reference: formatReference(image),
      platform: null,
      asOf: NOON.toISOString(),
      policy: { name: "policy.yml", blob: PUBLISHED, server: "https://github.com", isDefault: false },
      trustedRoots: [],
      outcome: "trusted",
      result: digest("trusted, level 3"),
      record: {
        resolutions: [],
        manifests: [],
        blobs: [],
        attestations: [],
        defaultBranches: null,
        layers: null,
        known: { description: "what was \0 known \ud800", answers: [] },
        feeds: null,
      },
    },
    bytes: new Map(blobs.map((bytes) => [digestOf(bytes), new Uint8Array(bytes)])),
  };
}
