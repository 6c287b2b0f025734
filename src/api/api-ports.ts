import type { Inquiry } from "../answer/inquiry.ts";
import type { AnswerEvidence, AnswerReader, LookUp, OwnerVerdicts, PrivateSources } from "../answer/ports.ts";
import type { Digest } from "../image/digest.ts";
import type { ImageReference } from "../image/reference.ts";

/** What the API stands on. */
export interface ApiPorts {
  readonly lookUp: LookUp;
  readonly answers: AnswerReader;
  /** The digest of the policy that the operator publishes now. */
  readonly published: Digest;
  readonly privates: PrivateSources;
  readonly owners: Pick<OwnerVerdicts, "listOwnerVerdicts">;
  /** Undefined where the operator has nobody's images judged but his own. */
  readonly asking?: Asking;
  /** A published policy's bytes: the present one's, or an older one's that is still known. */
  readPolicy(digest: Digest): Promise<{ readonly bytes: Uint8Array; readonly type: string } | undefined>;
  /** All that an answer rests on as one file, as the command line reads it. */
  packEvidence(evidence: AnswerEvidence): Uint8Array;
  /** With which keys summaries are signed, and in whose name. */
  readonly keys: readonly object[];
  /** Of this program. */
  readonly version: string;
  /** The GitHub server whose repositories have builds here; no slash at its end. */
  readonly server: string;
  /** Where people reach this server; no slash at its end. */
  readonly publicUrl: string | undefined;
  now(): Date;
}

/** Has images judged that nobody asked about yet. */
export interface Asking {
  /** @returns `busy` where too many are waiting already. */
  ask(image: ImageReference): Promise<Inquiry | "busy">;
  readInquiry(id: string): Promise<Inquiry | undefined>;
}
