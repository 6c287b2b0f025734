/** Why nothing could be read from a file or folder that was named as an image. */
export type ArchiveErrorCode =
  /** It isn't there, may not be read, or is no archive or layout of the form that was named. */
  | "unreadable"
  /** It holds several images, or several names, or none, or not the one asked for. */
  | "ambiguous"
  /** It can be read in two ways, or lies about itself: whoever unpacks it may see another image than we do. */
  | "malformed-archive";

/** What was named is no image on disk that can be read in one way. */
export class ArchiveError extends Error {
  readonly code: ArchiveErrorCode;
  constructor(code: ArchiveErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ArchiveError";
    this.code = code;
  }
}
