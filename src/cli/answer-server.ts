import { z } from "zod";
import type { MalformedAttestation } from "../attestation/artifact.ts";
import { parseBundle, type UnverifiedBundle } from "../attestation/bundle.ts";
import { quote } from "../image/quote.ts";
import { imageName, type PinnedImage } from "../image/reference.ts";
import { type AttestationCandidate, CouldNotLook, type CouldNotLookCode } from "../trust/ports.ts";
import { UsageError } from "./exit-code.ts";

/** How long one answer may take, in milliseconds. */
const ANSWER_MS = 30_000;
/** Largest answer that is read, in bytes: 256 platforms' summaries. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
/** Most summaries of one answer; an index has no more images that are judged. */
const MAX_SUMMARIES = 1024;
/** Most faults that are told of what nobody signed, and longest of its sentences, in UTF-16 units. */
const MAX_TOLD = 10;
const MAX_WORDS = 300;

/** Server of answers, asked over HTTP. Nothing that it says is believed here. */
export interface AnswerServer {
  /** As it was named, without a slash at the end. */
  readonly address: string;
  /** @throws {CouldNotLook} also where it has none. */
  readSummaries(image: PinnedImage): Promise<AttestationCandidate>;
  /** What it says is wrong, which nobody signed; nothing where it can't be had. Never throws. */
  readWords(image: PinnedImage): Promise<readonly string[]>;
  /** The keys that it publishes, in PEM: whose they are, nothing here says. @throws {CouldNotLook} */
  readKeys(): Promise<readonly string[]>;
}

/**
 * The server at an address that the person named: over TLS, or on this machine. What it says is proven by signatures, but whoever could
 * choose which of its answers arrives could bring one of yesterday.
 *
 * @param token - Sent to it and nowhere else, where the person gave one for it.
 * @throws {UsageError}
 */
export function openAnswerServer(text: string, token: string | undefined): AnswerServer {
  const url = URL.parse(text);
  if (
    url === null ||
    !/^https?:$/.test(url.protocol) ||
    url.search !== "" ||
    url.hash !== "" ||
    url.username !== "" ||
    url.password !== ""
  )
    throw new UsageError(`--server ${text}: the address of a server, as https://builds.example`);
  if (url.protocol === "http:" && !/^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname))
    throw new UsageError(`--server ${text}: over https, or who is between could bring an older answer`);
  const address = url.href.replace(/\/+$/, "");
  const ask = (image: PinnedImage, part: "" | "/vsa", accept: string) =>
    get(`${address}/v1/verdicts/${image.digest}${part}?image=${encodeURIComponent(nameOf(image))}`, accept, token);
  return {
    address,
    async readSummaries(image) {
      const where = `${address}/v1/verdicts/${image.digest}/vsa`;
      const bytes = await ask(image, "/vsa", "application/jsonl");
      const lines = linesOf(bytes);
      if (lines.length === 0) throw new CouldNotLook("no-answer", `ask ${where}: it holds no summary`);
      if (lines.length > MAX_SUMMARIES)
        throw new CouldNotLook("server-error", `ask ${where}: more than ${MAX_SUMMARIES} summaries`);
      return { where, read: async () => lines.map(readLine) };
    },
    async readWords(image) {
      try {
        return wordsOf(await ask(image, "", "application/json"));
      } catch (error) {
        if (error instanceof CouldNotLook) return [];
        throw error;
      }
    },
    async readKeys() {
      const bytes = await get(`${address}/.well-known/trusted-builds/keys.json`, "application/json", undefined);
      const read = keysSchema.safeParse(documentOf(bytes));
      if (!read.success) throw new CouldNotLook("server-error", `read the keys of ${address}: they have another form`);
      return read.data.keys.map(({ pem }) => pem);
    },
  };
}

/** The name under which an answer was judged: with the tag that was asked about, where there was one. */
function nameOf(image: PinnedImage): string {
  return image.tag === undefined ? imageName(image) : `${imageName(image)}:${image.tag}`;
}

function linesOf(bytes: Buffer): readonly string[] {
  return bytes
    .toString("utf8")
    .split("\n")
    .filter((line) => line.trim() !== "");
}

function documentOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}

function readLine(line: string): UnverifiedBundle | MalformedAttestation {
  try {
    return parseBundle(Buffer.from(line));
  } catch (error) {
    return { kind: "malformed", reason: quote(error instanceof Error ? error.message : String(error)) };
  }
}

const word = z.string().transform((text) => text.slice(0, MAX_WORDS));
const keysSchema = z.object({ keys: z.array(z.object({ pem: z.string() })).max(MAX_SUMMARIES) });
const faultsSchema = z.object({ faults: z.array(z.object({ code: word, reason: word })) });

function wordsOf(bytes: Buffer): readonly string[] {
  const read = faultsSchema.safeParse(documentOf(bytes));
  if (!read.success) return [];
  const { faults } = read.data;
  const told = faults
    .slice(0, MAX_TOLD)
    .map(({ code, reason }) => `the server says, and nobody signed it: ${code}: ${reason}`);
  return faults.length > MAX_TOLD
    ? [...told, `the server says, and nobody signed it: ${faults.length - MAX_TOLD} more`]
    : told;
}

const problemSchema = z.object({ title: word.optional(), detail: word.optional() });

/** @throws {CouldNotLook} */
async function get(url: string, accept: string, token: string | undefined): Promise<Buffer> {
  const what = `ask ${url}`;
  try {
    const response = await fetch(url, {
      headers: { accept, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      // An answer is where it was asked for; and a token would go along.
      redirect: "error",
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    const bytes = await readBody(response, what);
    if (response.status === 200) return bytes;
    throw new CouldNotLook(codeOf(response.status), `${what}: status ${response.status}${problemOf(bytes)}`);
  } catch (cause) {
    if (cause instanceof CouldNotLook) throw cause;
    const code = cause instanceof Error && cause.name === "TimeoutError" ? "timeout" : "network";
    const reason =
      cause instanceof Error ? ((cause.cause as Error | undefined)?.message ?? cause.message) : "no answer";
    throw new CouldNotLook(code, `${what}: ${reason}`, { cause });
  }
}

function codeOf(status: number): CouldNotLookCode {
  if (status === 429) return "rate-limited";
  // Not as a registry's refusal, which says that the image itself may not be seen.
  return status === 401 || status === 403 || status === 404 ? "no-answer" : "server-error";
}

async function readBody(response: Response, what: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > MAX_ANSWER_BYTES) throw new CouldNotLook("server-error", `${what}: more than ${MAX_ANSWER_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function problemOf(bytes: Buffer): string {
  const { title, detail } = problemSchema.safeParse(documentOf(bytes)).data ?? {};
  const told = [title, detail].filter((each) => each !== undefined);
  return told.length === 0 ? "" : `: ${quote(told.join(": "))}`;
}
