import { createHash } from "node:crypto";
import { createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from "node:zlib";
import type { Digest, DigestAlgorithm } from "../image/digest.ts";
import type { UnpackedLayer } from "../trust/ports.ts";

/** Pieces in which content comes out of a decompressor, in bytes. */
const CHUNK_BYTES = 256 * 1024;
/** How many of the first bytes tell the form: the longest signature, xz's. */
const SIGNATURE_BYTES = 6;

type Form = "gzip" | "zstd" | "plain" | "another";

/** By the first bytes, as containerd, Docker and Podman tell it. Zstandard's skippable frames may come first. */
function formOf(head: Uint8Array): Form {
  const [a, b, c, d] = head;
  if (a === 0x1f && b === 0x8b && c === 0x08) return "gzip";
  if (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd) return "zstd";
  if (a !== undefined && a >> 4 === 5 && b === 0x2a && c === 0x4d && d === 0x18) return "zstd";
  const text = Buffer.from(head).toString("latin1");
  return text.startsWith("BZh") || text.startsWith("\xfd7zXZ\0") ? "another" : "plain";
}

/** What a media type says of the form; undefined where it may be any, and `another` where it is none that we unpack. */
function formSaidBy(mediaType: string): Form | undefined {
  if (/^application\/vnd\.docker\.image\.rootfs\.(?:foreign\.)?diff\.tar$/.test(mediaType)) return undefined;
  const [, suffix] = /\.tar(.*)$/.exec(mediaType) ?? [];
  if (suffix === "") return "plain";
  if (suffix === ".gzip" || suffix === "+gzip") return "gzip";
  return suffix === ".zstd" || suffix === "+zstd" ? "zstd" : "another";
}

/** Takes a layer's stored bytes, and says what is in them. */
export interface Unpacking {
  write(chunk: Uint8Array): Promise<void>;
  /**
   * @returns `beyond` if there is more in it than the limit, however little was stored: the rest was not unpacked. Whoever asks
   * compares the stored bytes' own digest first, since what stands here is only then about the layer.
   */
  end(): Promise<UnpackedLayer | "beyond">;
}

/** @param limit - Of the content, in bytes; a few bytes can be packed gigabytes. */
export function unpacking(mediaType: string, algorithm: DigestAlgorithm, limit: number): Unpacking {
  const hash = createHash(algorithm);
  const said = formSaidBy(mediaType);
  let size = 0;
  let ended: UnpackedLayer | "beyond" | undefined;
  let head: Buffer | undefined = Buffer.alloc(0);
  let unpacker: Decompressor | undefined;

  const content = (bytes: Uint8Array) => {
    size += bytes.length;
    if (size <= limit) return void hash.update(bytes);
    ended ??= "beyond";
    // At once: what is left of one piece could be gigabytes more.
    unpacker?.destroy();
  };
  const open = (first: Buffer): void => {
    const form = formOf(first);
    if (form === "another" || said === "another") {
      ended = { kind: "unknown", reason: `its form (${mediaType}) is none that is unpacked here` };
    } else if (said !== undefined && said !== form) {
      // What such a layer holds is up to who reads it: some go by the bytes and some by the media type.
      ended = { kind: "unknown", reason: `its media type says ${said}, and its bytes are ${form}` };
    } else if (form !== "plain") {
      unpacker = new Decompressor(form === "gzip" ? gunzip : zstd, content);
    }
  };
  const feed = async (chunk: Uint8Array): Promise<void> => {
    if (ended !== undefined) return;
    if (unpacker === undefined) return content(chunk);
    const reason = await unpacker.write(chunk);
    if (reason !== undefined) ended ??= { kind: "broken", reason };
  };

  return {
    write: async (chunk) => {
      if (head === undefined) return feed(chunk);
      head = Buffer.concat([head, chunk]);
      if (head.length < SIGNATURE_BYTES) return;
      const first = head;
      head = undefined;
      open(first);
      await feed(first);
    },
    end: async () => {
      if (head !== undefined) {
        open(head);
        await feed(head);
      }
      const reason = await unpacker?.end();
      if (reason !== undefined) ended ??= { kind: "broken", reason };
      return ended ?? { kind: "unpacked", contentDigest: `${algorithm}:${hash.digest("hex")}` as Digest, size };
    },
  };
}

const gunzip = () => createGunzip({ chunkSize: CHUNK_BYTES });
const zstd = () => createZstdDecompress({ chunkSize: CHUNK_BYTES });

/**
 * A run of gzip members or Zstandard frames, to the last byte. Node's decompressors stop in silence at the end of a frame, or before
 * what they take for padding: whatever they leave over is given to another one, and has to be something they can read.
 */
class Decompressor {
  readonly #make: () => Gunzip | ZstdDecompress;
  readonly #content: (bytes: Uint8Array) => void;
  #stream: Gunzip | ZstdDecompress;
  #fed = 0;
  #failure: string | undefined;
  /** Ends the wait of the moment: a stream that failed, ended or was destroyed may call nobody back. */
  #wake: () => void = () => {};

  constructor(make: () => Gunzip | ZstdDecompress, content: (bytes: Uint8Array) => void) {
    this.#make = make;
    this.#content = content;
    this.#stream = this.#open();
  }

  /** @returns why it can't be unpacked, if it can't. */
  async write(chunk: Uint8Array): Promise<string | undefined> {
    for (let rest = chunk; rest.length > 0 && this.#isOpen(); ) {
      if (this.#stream.readableEnded) this.#renew();
      this.#fed += rest.length;
      await this.#settled((done) => void this.#stream.write(rest, done));
      const left = this.#fed - this.#stream.bytesWritten;
      if (left === 0 || !this.#isOpen()) break;
      rest = rest.subarray(rest.length - left);
      this.#renew();
    }
    return this.#failure;
  }

  /** @returns why it can't be unpacked, if it can't: it may be cut off. */
  async end(): Promise<string | undefined> {
    if (this.#isOpen() && !this.#stream.readableEnded) {
      await this.#settled((done) => {
        this.#stream.once("end", done);
        this.#stream.end();
      });
    }
    this.destroy();
    return this.#failure;
  }

  /** Nothing more is wanted of it. */
  destroy(): void {
    this.#stream.destroy();
    this.#wake();
  }

  #isOpen(): boolean {
    return this.#failure === undefined && !this.#stream.destroyed;
  }

  #renew(): void {
    this.#stream.destroy();
    this.#stream = this.#open();
  }

  #open(): Gunzip | ZstdDecompress {
    const stream = this.#make();
    this.#fed = 0;
    stream.on("data", this.#content);
    stream.on("end", () => this.#wake());
    stream.on("error", (error: NodeJS.ErrnoException) => {
      this.#failure ??= error.code ?? error.message;
      this.#wake();
    });
    return stream;
  }

  #settled(run: (done: () => void) => void): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      run(resolve);
    });
  }
}
