import { readFile, writeFile } from "node:fs/promises";
import { printable } from "../report/printable.ts";
import { signFeed } from "../signer/feed-signer.ts";
import { keptSigningKey, parseSigningKey, type SigningKey, SigningKeyError } from "../signer/signing-key.ts";
import { MAX_FEED_BYTES } from "../trust/feed-reading.ts";
import { parseFeedDraft, type RootsFeedDocument, RootsFeedError } from "../trust/roots-feed.ts";
import { ageOf, maxAge } from "../trust/verifier-entry.ts";
import { EXIT, type ExitCode, UsageError, usage } from "./exit-code.ts";
import type { Surroundings } from "./walk.ts";

/** What `roots publish` was asked. */
export interface RootsPublishArguments {
  /** Path of the draft. */
  readonly feed: string;
  /** Path of the private key. */
  readonly key: string;
  /** `30d`, `12h` */
  readonly expires: string;
  readonly issuer?: string;
  readonly output: string;
}

/**
 * Dates and signs a draft, and prints what a policy needs to take it up.
 *
 * @throws {UsageError}
 */
export async function rootsPublishCommand(
  args: RootsPublishArguments,
  { stdout, now }: Pick<Surroundings, "stdout" | "now">,
): Promise<ExitCode> {
  if (!maxAge.safeParse(args.expires).success)
    throw new UsageError(`--expires ${args.expires}: days or hours, as 30d or 12h`);
  const draft = await readDraft(args.feed);
  const issuer = args.issuer ?? draft.issuer;
  if (issuer === undefined)
    throw new UsageError('--issuer "NAME": say who publishes it; roots add --issuer keeps the name in the draft');
  const key = await readKey(args.key);
  // Whole seconds, which is what the feed says.
  const issued = new Date(Math.floor(now().getTime() / 1000) * 1000);
  const expires = new Date(issued.getTime() + ageOf(args.expires));
  const document: RootsFeedDocument = { issuer, issued, expires, roots: draft.roots };
  const text = usage(RootsFeedError, () => `${JSON.stringify(signFeed(document, key))}\n`);
  if (Buffer.byteLength(text) > MAX_FEED_BYTES)
    throw new UsageError(`publish ${args.feed}: it is larger than ${MAX_FEED_BYTES} bytes, and nobody would read it`);
  try {
    await writeFile(args.output, text);
  } catch (error) {
    throw new UsageError(`write ${args.output}: ${(error as Error).message}`, { cause: error });
  }
  stdout.write(printed(document, key, args.output));
  return EXIT.trusted;
}

/**
 * Makes a key where there is none, and prints its public half.
 *
 * @throws {UsageError}
 */
export async function rootsKeyCommand(
  { output }: { readonly output: string },
  { stdout }: Pick<Surroundings, "stdout">,
): Promise<ExitCode> {
  try {
    const { publicKey } = await keptSigningKey(output);
    await writeFile(`${output}.pub`, publicKey.pem);
    stdout.write(publicKey.pem);
    return EXIT.trusted;
  } catch (error) {
    if (error instanceof SigningKeyError) throw new UsageError(error.message, { cause: error });
    throw new UsageError(`make the key ${output}: ${(error as Error).message}`, { cause: error });
  }
}

function printed({ issued, expires, roots }: RootsFeedDocument, { publicKey }: SigningKey, output: string): string {
  const names = [...new Set(roots.map(({ image }) => image))];
  const others = names.filter((name) => !/^docker\.io\/library\/[^/]+$/.test(name));
  const time = (date: Date) => date.toISOString().slice(0, 19).replace("T", " ");
  return [
    `${printable(output)}: ${roots.length === 1 ? "1 root" : `${roots.length} roots`}, issued ${time(issued)}, good until ${time(expires)} UTC.`,
    "Serve it over https, and publish it anew before it lapses. A policy takes it up with:",
    "",
    "trust:",
    "  roots-from:",
    "    - url: https://HOST/PATH",
    "      key:",
    "        pem: |",
    ...publicKey.pem
      .trim()
      .split("\n")
      .map((line) => `          ${line}`),
    // Without them it could speak for Docker's official images alone.
    ...(others.length === 0 ? [] : [`      images: ${JSON.stringify(names)}`]),
    "",
  ].join("\n");
}

async function readDraft(path: string) {
  const bytes = await read("draft", path);
  return usage(RootsFeedError, () => parseFeedDraft(bytes), `make ${path} with: trusted-builds roots add`);
}

async function readKey(path: string): Promise<SigningKey> {
  const bytes = await read("signing key", path);
  return usage(SigningKeyError, () => parseSigningKey(Buffer.from(bytes).toString("utf8"), path));
}

async function read(what: string, path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new UsageError(`read the ${what} ${path}: ${(error as Error).message}; give a file that can be read`, {
      cause: error,
    });
  }
}
