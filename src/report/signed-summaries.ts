/** The signed summaries (SLSA VSAs) of a build's verdicts, and where they are. */
export interface SignedSummaries {
  /** Their address: a whole one where a reader elsewhere is to follow it. */
  readonly address: string;
  /** Those that hang on their images by now; the others are served all the same. */
  readonly attached: readonly AttachedSummary[];
}

/** A summary that hangs on its image. */
export interface AttachedSummary {
  /** The platform's manifest, `registry/repository[:tag]@sha256:…`. */
  readonly image: string;
  /** Digest of the manifest that refers to it. */
  readonly manifest: string;
}
