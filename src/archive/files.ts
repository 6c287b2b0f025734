/** In such pieces large files are read, in bytes. */
export const PIECE_BYTES = 256 * 1024;

/** Named files under one root: a folder, or an archive that is never unpacked. */
export interface Files {
  /** As it was named, for people: `oci:DIR`. */
  readonly place: string;
  /**
   * @param path - Relative, of plain parts with `/` between them.
   * @param limit - In bytes.
   * @returns undefined if there is no such file, or it is none that lies in here.
   * @throws {BeyondLimit} @throws {CouldNotLook} `unreadable-file`
   */
  read(path: string, limit: number): Promise<Uint8Array | undefined>;
  /**
   * Like {@link read}, of what is too large to be held: piece by piece, in order.
   *
   * @param size - In bytes; a file of any other size isn't read.
   * @throws {BeyondLimit} where it can't be read without decompressing too much again. @throws {CouldNotLook} `unreadable-file`
   */
  pour(
    path: string,
    size: number,
    take: (piece: Uint8Array) => Promise<void>,
  ): Promise<"poured" | "absent" | "another-size">;
  close(): Promise<void>;
}
