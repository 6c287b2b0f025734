import type { ColumnType, Generated } from "kysely";

type Json<T = unknown> = ColumnType<T, string, string>;

/** What is told of an answer in one line. What an answer hasn't is "" in the key, and null elsewhere. */
export interface AnswerRow {
  id: string;
  policy_digest: string;
  policy_name: string;
  /** registry/repository */
  name: string;
  tag: string;
  digest: string;
  outcome: "trusted" | "untrusted" | "undetermined";
  level: number;
  as_of: Date;
  valid_until: Date | null;
  result: string;
  /** Whether everyone may be told; if not, whoever can read all of `readers`, repositories by number. */
  is_public: boolean;
  readers: Json<readonly string[]>;
  source_repository: string | null;
  source_commit: string | null;
  source_ref: string | null;
  /** In lower case, as the three after it. */
  search_name: string;
  /** The whole address. */
  search_source: string | null;
  /** `acme/app` */
  search_path: string | null;
  search_owner: string | null;
  /** Whether it is about what the tag named last; of those by digest alone each is. */
  is_newest: boolean;
  asked_at: Date;
  document: Json;
  facts: Json;
}

interface AnswerHistoryRow {
  id: Generated<number>;
  name: string;
  tag: string;
  digest: string;
  policy_digest: string;
  outcome: "trusted" | "untrusted" | "undetermined";
  level: number;
  as_of: Date;
  result: string;
  faults: Json<readonly string[]>;
  is_public: boolean;
  /** The repositories that accepted statements named then, by number; null of verdicts from before they were kept. */
  sources: Json<readonly string[] | null>;
}

interface AnswerSummaryRow {
  /** In base64. */
  signature: string;
  answer_id: string;
  image: string;
  platform: string | null;
  result: "PASSED" | "FAILED";
  /** JSON, to the byte as it is attached. */
  bundle: string;
  is_timestamped: Generated<boolean>;
  attached: Generated<string | null>;
  tries: Generated<number>;
  due_at: Date;
}

/** Where a summary hangs, of a build or of an answer. */
interface SummaryPlaceRow {
  image: string;
  /** The digest of the manifest by which it hangs there. */
  manifest: string;
  /** Whose word it is; "" if that is forgotten. */
  scope: string;
  /** Whether it was said anew since, and is to be taken away. */
  is_superseded: boolean;
  tries: Generated<number>;
  due_at: Generated<Date>;
}

/** An image of a trusted ancestry of which everyone may know (RULES R22). */
interface PublishedImageRow {
  policy_digest: string;
  name: string;
  digest: string;
  index_digest: string | null;
  chain_id: string;
  layers: number;
  origins: Json<readonly string[]>;
  signed_at: Date | null;
}

/** An inquiry. What its image hasn't is "". */
export interface InquiryRow {
  id: string;
  name: string;
  tag: string;
  digest: string;
  repository_id: number | null;
  asked_at: Date;
  failures: number;
  waiting_reason: string | null;
  waiting_until: Date | null;
  ended_at: Date | null;
  /** Null where it ended with nothing. */
  answer: string | null;
}

/** The tables of answers. */
export interface AnswerTables {
  answers: AnswerRow;
  /** The digests of an answer's ancestry, its own left out. */
  answer_images: { answer_id: string; digest: string };
  answer_history: AnswerHistoryRow;
  answer_tags: { name: string; tag: string; digest: string; seen_at: Date };
  /** `entry` is JSON, to the byte as it was exported; `size` of all its bytes. */
  answer_evidence: { answer_id: string; entry: string; size: number };
  evidence_blobs: { digest: string; bytes: Uint8Array; kept_at: Generated<Date> };
  answer_blobs: { answer_id: string; digest: string };
  answer_summaries: AnswerSummaryRow;
  summary_places: SummaryPlaceRow;
  published_images: PublishedImageRow;
  inquiries: InquiryRow;
}
