import { open } from "node:fs/promises";
import { UsageError } from "./exit-code.ts";

/** Largest list of images, in bytes. */
const MAX_LIST_BYTES = 1024 * 1024;
/** How many images one command judges. */
const MAX_IMAGES = 1000;

/** Where images are named, beside the command line. */
export interface ImageListArguments {
  readonly images: readonly string[];
  /** A file with one a line; `-` is standard input. */
  readonly imagesFrom?: string;
}

/**
 * All images that are asked about, in order: those of the command line, then those of the list. Empty lines and those that begin with
 * `#` are none.
 *
 * @throws {UsageError} also where there is none: a list that came out empty must not pass for images that are all trusted.
 */
export async function imagesAsked(
  { images, imagesFrom }: ImageListArguments,
  stdin: AsyncIterable<Uint8Array | string>,
): Promise<readonly string[]> {
  const listed = imagesFrom === undefined ? [] : linesOf(await readList(imagesFrom, stdin));
  const all = [...images, ...listed];
  if (all.length === 0)
    throw new UsageError(
      imagesFrom === undefined
        ? "name an image, as ghcr.io/acme/app:1.4.0, or several; or --images-from FILE"
        : `${nameOf(imagesFrom)} names no image: write one a line`,
    );
  if (all.length > MAX_IMAGES) throw new UsageError(`${all.length} images: one command judges at most ${MAX_IMAGES}`);
  return all;
}

function linesOf(text: string): readonly string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

async function readList(path: string, stdin: AsyncIterable<Uint8Array | string>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const take = async (source: AsyncIterable<Uint8Array | string>) => {
    for await (const chunk of source) {
      const bytes = Buffer.from(chunk);
      size += bytes.length;
      if (size > MAX_LIST_BYTES)
        throw new UsageError(`${nameOf(path)}: a list of images has at most ${MAX_LIST_BYTES} bytes`);
      chunks.push(bytes);
    }
  };
  if (path === "-") await take(stdin);
  else {
    try {
      const file = await open(path);
      await take(file.createReadStream());
    } catch (error) {
      if (error instanceof UsageError) throw error;
      throw new UsageError(`read images ${path}: ${(error as Error).message}; give a file that can be read`, {
        cause: error,
      });
    }
  }
  return Buffer.concat(chunks).toString("utf8");
}

function nameOf(path: string): string {
  return path === "-" ? "standard input" : path;
}
