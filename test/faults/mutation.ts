import type { RegistryOptions } from "../../src/registry/client.ts";
import type { OwnBuild } from "../../src/trust/own-build.ts";
import type { Name, Spoil } from "./ancestry.ts";
import type { Document } from "./document.ts";
import type { Trial } from "./trial.ts";

/** An answer of GitHub's to whoever asks for attestations. */
export interface GithubReply {
  readonly status?: number;
  /** The answer; `{ attestations }` where GitHub answers as it should. */
  readonly body: unknown;
}

/** One thing that differs from the good ancestry. */
export interface Mutation {
  /** The rule that the mutation tries, `R23`. */
  readonly rule: string;
  /** What is different, as the end of "doesn't trust an ancestry where …". */
  readonly what: string;
  readonly spoil?: Readonly<Partial<Record<Name, Spoil>>>;
  /** From which image on nothing is shared with other mutations; by default from the first that is spoilt, or all if there is `after`. */
  readonly fresh?: Name;
  /** In the registry, once everything stands there. */
  readonly after?: (trial: Trial) => void | Promise<void>;
  /** How the registry answers, while the image is judged. */
  readonly replies?: (trial: Trial) => void;
  /** What kind of registry it is. */
  readonly registry?: "without-referrers" | "paged";
  /** What GitHub answers about the base, which is asked at its source repository as for a build of the asker's; by default it isn't asked. */
  readonly github?: (trial: Trial) => GithubReply;
  readonly policy?: (text: string, trial: Trial) => string;
  /** The build that the asker started, and that the app must be of; by default it is asked for by somebody else. */
  readonly own?: OwnBuild;
  readonly trustedRoot?: (root: Document, trial: Trial) => Document;
  /** What is served as the feed of roots that policy takes up, wherever it is; by default nothing is. */
  readonly feed?: (trial: Trial) => Uint8Array | Promise<Uint8Array>;
  readonly client?: () => Partial<RegistryOptions>;
}

/** A mutation that must not be trusted. */
export interface Fault extends Mutation {
  /** What whoever does it would gain if nobody looked. */
  readonly gain: string;
  /** What is wrong, in a word: rows of one cause may share a code, others may not (see `shared-codes.ts`). */
  readonly cause: string;
  /** The image at which it is told, or the text by which the report knows what stands in an image's place. */
  readonly node: Name | "other" | "dependency";
  readonly kind: string;
  readonly code: string;
  /** What cannot but be told beside it. */
  readonly also?: readonly { readonly node: Fault["node"]; readonly kind: string; readonly code: string }[];
  /** `untrusted` if left out. */
  readonly outcome?: "undetermined";
}

/** A mutation that must change nothing. */
export interface Harmless extends Mutation {
  /** Why an image with it is as good as before. */
  readonly why: string;
  /** The level of the verdict where it isn't the good one's: less is proven, and nothing is wrong. */
  readonly level?: number;
  /** What is found of the base where that isn't `attested`. */
  readonly base?: "root" | "summarised";
}
