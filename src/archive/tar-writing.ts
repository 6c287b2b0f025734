/** What a tar archive is made of, in bytes. @see POSIX.1-2017, pax, "ustar Interchange Format" */
const BLOCK = 512;
/** Longest name that a plain header holds, in bytes. */
const MAX_NAME_BYTES = 100;

/** A file for an archive. */
export interface TarFile {
  /** Relative, in ASCII. */
  readonly path: string;
  readonly content: Uint8Array;
}

/** A tar archive (ustar) of files in this order, and of nothing else: the same files make the same bytes, whoever writes them and when. */
export function writeTar(files: readonly TarFile[]): Uint8Array {
  const parts = files.flatMap(({ path, content }) => [
    headerOf(path, content.length),
    content,
    Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK),
  ]);
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

function headerOf(path: string, size: number): Buffer {
  if (Buffer.byteLength(path) > MAX_NAME_BYTES) throw new Error(`write a tar archive: the name ${path} is too long`);
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, length: number) => `${value.toString(8).padStart(length - 1, "0")}\0`;
  header.write(path, 0, "latin1");
  header.write(octal(0o644, 8), 100, "latin1");
  header.write(octal(0, 8), 108, "latin1");
  header.write(octal(0, 8), 116, "latin1");
  header.write(octal(size, 12), 124, "latin1");
  header.write(octal(0, 12), 136, "latin1");
  header.write("        0", 148, "latin1");
  header.write("ustar\u000000", 257, "latin1");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}
