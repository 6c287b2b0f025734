import { z } from "zod";
import type { DigestAlgorithm } from "../image/digest.ts";
import { isDigest, isDigestAlgorithm } from "../image/digest.ts";
import type { JsonErrorCode } from "../image/json.ts";
import { JsonError, readDocument } from "../image/json.ts";

/** Largest statement that is read, in bytes: BuildKit caps its own at 40 MiB. */
const MAX_STATEMENT_BYTES = 48 * 1024 * 1024;

/** Most parts of its JSON: lists of packages with every file of a large image have some hundred thousand. */
export const MAX_STATEMENT_PARTS = 1_000_000;

/** Most subjects of a statement; release attestations name some hundreds. */
const MAX_SUBJECTS = 10_000;

/** The two spellings of the type. BuildKit wrote v0.1 around SLSA v1 predicates for years, so the type tells nothing of them. */
const STATEMENT_TYPES = ["https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1"] as const;

/** An in-toto statement: someone says something about these subjects. */
export interface Statement {
  readonly type: (typeof STATEMENT_TYPES)[number];
  readonly subject: readonly Subject[];
  readonly predicateType: string;
  /** As it was, unknown fields and all; undefined if absent (cosign's sign statement has none). */
  readonly predicate: unknown;
}

/** What a statement is about. Its name proves nothing, and is free text. */
export interface Subject {
  readonly name?: string;
  /** Every digest as written; algorithms that we don't compute included. */
  readonly digest: Readonly<Record<string, string>>;
}

/** Why bytes are no statement. */
export type StatementErrorCode =
  | JsonErrorCode
  /** `_type` is neither of the two. */
  | "statement-type"
  /** It is about nothing. */
  | "no-subject"
  /** Larger than any honest statement. */
  | "too-large";

/** The bytes are no statement that could be read in one way only. */
export class StatementError extends Error {
  readonly code: StatementErrorCode;
  /** Where, `subject[0].digest`; "" for the whole. */
  readonly path: string;
  constructor(code: StatementErrorCode, path: string, reason: string, options?: ErrorOptions) {
    super(`read an in-toto statement${path === "" ? "" : ` at ${path}`}: ${reason}`, options);
    this.name = "StatementError";
    this.code = code;
    this.path = path;
  }
}

const statementSchema = z.object({
  _type: z.string(),
  subject: z
    .array(
      z.object({
        name: z.string().nullish(),
        digest: z
          .record(z.string(), z.string())
          .refine((digest) => Object.keys(digest).length > 0, { error: "a subject has no digest" }),
      }),
    )
    .max(MAX_SUBJECTS)
    .nullish(),
  predicateType: z.string().min(1),
  predicate: z.unknown().optional(),
});

/**
 * Reads the payload of an envelope. Unknown fields are ignored, as in-toto asks for; the predicate is kept as it is, for whoever
 * knows its type.
 *
 * @throws {StatementError} and nothing else.
 * @see in-toto attestation spec v1, statement.md
 */
export function parseStatement(bytes: Uint8Array): Statement {
  if (bytes.length > MAX_STATEMENT_BYTES) {
    throw new StatementError("too-large", "", `it has ${bytes.length} bytes, and ${MAX_STATEMENT_BYTES} are read`);
  }
  const document = readStatementDocument(bytes);
  const type = STATEMENT_TYPES.find((known) => known === document._type);
  if (type === undefined) {
    throw new StatementError("statement-type", "_type", `${JSON.stringify(document._type.slice(0, 100))} is not known`);
  }
  const subjects = document.subject ?? [];
  if (subjects.length === 0) throw new StatementError("no-subject", "subject", "it is about nothing");
  return {
    type,
    subject: subjects.map(({ name, digest }) => ({ ...(typeof name === "string" && { name }), digest })),
    predicateType: document.predicateType,
    predicate: document.predicate ?? undefined,
  };
}

function readStatementDocument(bytes: Uint8Array): z.infer<typeof statementSchema> {
  try {
    return readDocument(statementSchema, bytes, MAX_STATEMENT_PARTS);
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause;
    throw new StatementError(cause.code, cause.path, cause.message, { cause });
  }
}

/**
 * Whether the statement is about an artifact (RULES R13): some subject lists an algorithm that we compute, and every such
 * algorithm that it lists matches. A subject with a right SHA-256 beside a wrong SHA-512 is about two artifacts, and so about none.
 *
 * @param hexOf - The artifact's hash under an algorithm, lower-case hexadecimal. Called only for what a subject lists.
 */
export function subjectCovers(statement: Statement, hexOf: (algorithm: DigestAlgorithm) => string): boolean {
  return statement.subject.some(({ digest }) => {
    let compared = 0;
    for (const [algorithm, hex] of Object.entries(digest)) {
      if (!isDigestAlgorithm(algorithm)) continue;
      if (!isDigest(`${algorithm}:${hex}`) || hex !== hexOf(algorithm)) return false;
      compared++;
    }
    return compared > 0;
  });
}
