import type { Platform } from "../platform.ts";
import type { ImageReference } from "../reference.ts";

/** What is asked of a Dockerfile: the choices that `docker buildx build` takes as flags. */
export interface DockerfileRequest {
  /** A stage's name or number; the last one if undefined. */
  readonly target?: string;
  /** The platform that is built for. */
  readonly platform: Platform;
  /** The builder's own; as `platform` if undefined. */
  readonly buildPlatform?: Platform;
  /** `--build-arg`, predefined ones (`BUILDKIT_SYNTAX`, `http_proxy`) among them. */
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** `--build-context NAME=VALUE`: the value as it is written (`docker-image://…`, `oci-layout://…`, `target:…`, a git URL, a path). */
  readonly contexts?: Readonly<Record<string, string>>;
  /**
   * The `ONBUILD` instructions in the configs of base images, by {@link ImageUse.key}. A base that isn't among them is taken for one
   * without: {@link DockerfileReading.bases} says whose are to be looked up.
   */
  readonly triggers?: ReadonlyMap<string, readonly string[]>;
}

/** What an image is used for (RULES R19). */
export type UseRole = "base" | "input" | "frontend";

/** Where something stands in the text. Lines count from 1, as people and GitHub do. */
export interface Lines {
  readonly line: number;
  /** Of the last line of the instruction. */
  readonly endLine: number;
}

/** An image that a build uses, as the Dockerfile names it. */
export interface ImageUse extends Lines {
  /** Normalised as Docker does: `docker.io/library/alpine:3.19` for `alpine:3.19`; with `latest` where there is neither tag nor digest. */
  readonly reference: ImageReference;
  /** `formatReference` of it, and the platform: what is one image to the build. */
  readonly key: string;
  /** As it is written in the file, variables and all; in an `ARG`'s default where it comes from there; the context's value where one stands in. */
  readonly written: string;
  /** For which platform the build takes it: `--platform`, or the one that is built for. */
  readonly platform: Platform;
  readonly role: UseRole;
  /** The instruction that names it. */
  readonly by: "FROM" | "COPY" | "RUN" | "syntax" | "context" | "ONBUILD";
  /** The stage's name, or its number where it has none; undefined for a frontend. */
  readonly stage: string | undefined;
  /** Whether what is built needs it: of what the target doesn't reach, BuildKit reads nothing. */
  readonly isReached: boolean;
  /** Where the reference alone stands, without quotes, as offsets of UTF-16 units; undefined where it isn't written out in one piece there. */
  readonly place: { readonly start: number; readonly end: number } | undefined;
}

/** An image that can't be made out: a fault with its line, never left out. */
export interface UnresolvedUse extends Lines {
  readonly written: string;
  readonly role: UseRole;
  readonly by: ImageUse["by"];
  readonly stage: string | undefined;
  readonly isReached: boolean;
  /** Why, in words for people. */
  readonly why: string;
}

/** What goes in beside images (RULES R20). */
export interface OtherUse extends Lines {
  /** `local-context` is a named one that is a folder: the build's own context isn't told. `network` is each `RUN` that has one. */
  readonly kind: "http" | "git" | "local-context" | "oci-layout" | "network" | "cache" | "privileged";
  /** The address or name as it is after expansion; the command's first words for those of `RUN`. */
  readonly text: string;
  /** Of `http` and `git`: whether a checksum, or a whole commit, says which bytes it is. */
  readonly isPinned: boolean;
  readonly stage: string | undefined;
  readonly isReached: boolean;
}

/** What a Dockerfile says that a build will use. */
export interface DockerfileReading {
  /** In the order of the file; every stage's, so that `isReached` has to be looked at. One image used twice is two uses. */
  readonly images: readonly ImageUse[];
  readonly unresolved: readonly UnresolvedUse[];
  readonly others: readonly OtherUse[];
  readonly stages: readonly Stage[];
  /** The stage that is built. */
  readonly target: string;
  /** The uses whose configs may have `ONBUILD` instructions that change this reading: reached bases that aren't among `triggers`. */
  readonly bases: readonly ImageUse[];
}

/** One `FROM` and what follows it. */
export interface Stage extends Lines {
  readonly index: number;
  readonly name: string | undefined;
  readonly isReached: boolean;
  /** Whether its own `FROM` is nothing. */
  readonly isScratch: boolean;
  /** The index of the earlier stage that it stands on; undefined where it stands on an image or on nothing. */
  readonly from?: number | undefined;
}

/** A Dockerfile that BuildKit refuses. */
export class DockerfileError extends Error {
  readonly code = "dockerfile";
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  constructor(message: string, line: number, column: number, options?: ErrorOptions) {
    super(message, options);
    this.name = "DockerfileError";
    this.line = line;
    this.column = column;
  }
}
