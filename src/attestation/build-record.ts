import type { Digest } from "../image/digest.ts";
import type { Platform } from "../image/platform.ts";
import type { ImageReference } from "../image/reference.ts";
import type { GitUrl } from "./git-url.ts";
import type { BuildInput } from "./inputs.ts";
import type { Disagreement, ParentClaim, Unresolved } from "./parents.ts";
import type { BuildRequest } from "./request.ts";

/** What went into an image, as its builder recorded it: a claim, worth what its signer is worth. */
export interface BuildRecord {
  /** Every image of the dependency list, of the LLB and among the frontends, once per role (RULES R16). */
  readonly parents: readonly ParentClaim[];
  readonly base: Base;
  /** Whether the steps are recorded. Without them no input has a proven role, and nothing is known to rest on scratch. */
  readonly llb: boolean;
  /** Whether the builder says that it recorded all it fetched. */
  readonly complete: boolean;
  /** Whether the builder says that no step had the network. */
  readonly hermetic: boolean;
  /** The layers that the builder gave the result, base first; one chain, or several of the same content. */
  readonly layerMap?: readonly (readonly Digest[])[];
  /** How many steps above the base changed the file system: more layers than that nobody explained. Absent: no bound. */
  readonly steps?: number;
  /** What went in and isn't an image, and how open the steps were (RULES R20). */
  readonly otherInputs: readonly BuildInput[];
  /** The git source of the build itself; undefined if it was local content or a file (RULES R10). */
  readonly source?: GitSource;
  readonly request: BuildRequest;
  /** What went in and can't be told what. Each is a fault. */
  readonly unresolved: readonly Unresolved[];
  /** Names that stood for several images. Each is a fault. */
  readonly disagreements: readonly Disagreement[];
}

/** What the result rests on, by its steps. */
export type Base =
  | {
      readonly kind: "image";
      readonly reference: ImageReference;
      readonly digest: Digest;
      readonly platform?: Platform;
    }
  /** Nothing: every layer was made by the steps. */
  | { readonly kind: "scratch" }
  /** No steps, or steps whose ground isn't known; never the same as nothing. */
  | { readonly kind: "unknown"; readonly why: string };

/** A commit of a repository. */
export interface GitSource extends GitUrl {
  /** Absent if none was recorded, or if the records contradict each other. */
  readonly commit?: string;
  /** Of the file of instructions. */
  readonly path?: string;
}
