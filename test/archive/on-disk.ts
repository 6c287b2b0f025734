import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Receiver, sha256 } from "../faults/ancestry.ts";

const INDEX = "application/vnd.oci.image.index.v1+json";

/** Files by their path. */
export type FilesByPath = ReadonlyMap<string, Uint8Array>;

/** Takes images as a registry does, and keeps them for a layout. */
export interface Shelf extends Receiver {
  /** Everything that was put there, by digest. */
  readonly blobs: Map<string, Uint8Array>;
  /** The descriptor of a manifest that was put there. */
  entry(digest: string, annotations?: Readonly<Record<string, string>>): Entry;
}

/** A descriptor in `index.json`. */
export interface Entry {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An empty shelf. Names of its images begin with `host`. */
export function shelf(host: string): Shelf {
  const blobs = new Map<string, Uint8Array>();
  const mediaTypes = new Map<string, string>();
  const put = (bytes: Uint8Array) => {
    const digest = sha256(bytes);
    blobs.set(digest, bytes);
    return digest;
  };
  return {
    host,
    blobs,
    putBlob: (_, bytes) => put(bytes),
    putManifest: (_, bytes, mediaType) => {
      const digest = put(bytes);
      mediaTypes.set(digest, mediaType);
      return digest;
    },
    entry: (digest, annotations) => ({
      mediaType: mediaTypes.get(digest) ?? INDEX,
      digest,
      size: blobs.get(digest)?.length ?? 0,
      ...(annotations && { annotations }),
    }),
  };
}

/** The files of an image layout. */
export function layoutFiles({ blobs }: Shelf, entries: readonly Entry[]): Map<string, Uint8Array> {
  return new Map<string, Uint8Array>([
    ...[...blobs].map(([digest, bytes]) => [`blobs/${digest.replace(":", "/")}`, bytes] as const),
    ["index.json", Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: entries }))],
    ["oci-layout", Buffer.from('{"imageLayoutVersion":"1.0.0"}')],
  ]);
}

/** Writes files below a folder, and answers the folder. */
export function writeFiles(directory: string, files: FilesByPath): string {
  for (const [path, bytes] of files) {
    mkdirSync(join(directory, dirname(path)), { recursive: true });
    writeFileSync(join(directory, path), bytes);
  }
  return directory;
}

/** One entry of a tar archive as tests want it, honest or not. */
export interface TarPart {
  readonly name: string;
  readonly content?: Uint8Array;
  /** `0` for a file, if absent. */
  readonly type?: string;
  /** What the header says; that of the content, if absent. */
  readonly size?: number | string;
  readonly magic?: string;
}

/** A tar archive of these files, in this order, with an end mark. */
export function tarOf(files: FilesByPath): Buffer {
  return tarOfParts([...files].map(([name, content]) => ({ name, content })));
}

/** A tar archive of whatever parts. */
export function tarOfParts(parts: readonly TarPart[]): Buffer {
  return Buffer.concat([...parts.map(tarPart), Buffer.alloc(1024)]);
}

/** Header and content of one part, padded. */
export function tarPart({ name, content = Buffer.alloc(0), type = "0", size, magic = "ustar\x0000" }: TarPart): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0, 100);
  header.write("0000644\0", 100);
  header.write(
    typeof size === "string" ? size : `${(size ?? content.length).toString(8).padStart(11, "0")}\0`,
    124,
    "latin1",
  );
  header.write("00000000000\0", 136);
  header.write("        ", 148);
  header.write(type, 156);
  header.write(magic, 257);
  header.write(
    `${header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, "0")}\0 `,
    148,
  );
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

/** A record of an extended header. */
export function paxRecord(key: string, value: string): Buffer {
  const rest = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(rest) + 1;
  while (String(length).length + Buffer.byteLength(rest) !== length) length += 1;
  return Buffer.from(`${length}${rest}`);
}
