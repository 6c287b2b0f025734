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
  close(): Promise<void>;
}
