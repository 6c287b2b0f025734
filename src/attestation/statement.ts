import type { DigestAlgorithm } from "../image/digest.ts";

/** An in-toto statement: someone says something about these subjects. */
export interface Statement {
  readonly type: "https://in-toto.io/Statement/v0.1" | "https://in-toto.io/Statement/v1";
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

export type { DigestAlgorithm };
