import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { rankOf } from "../attestation/artifact.ts";
import { parseBundle, type UnverifiedBundle } from "../attestation/bundle.ts";
import type { Digest } from "../image/digest.ts";
import { algorithmOf } from "../image/digest.ts";
import { quote } from "../image/quote.ts";
import type { AttestationSource } from "../trust/ports.ts";
import { ArchiveError } from "./error.ts";

/** Largest file of bundles, in bytes: all of it is kept in memory. */
const MAX_FILE_BYTES = 256 * 1024 * 1024;
/** Lines of one file. */
const MAX_LINES = 10_000;
/** Candidates per digest (RULES R15). */
const MAX_CANDIDATES = 200;

/** What a file of bundles holds. */
export interface BundleFile {
  readonly source: AttestationSource;
  /** Lines that are no bundle, and why. They hide no other. */
  readonly faults: readonly string[];
}

interface Line {
  readonly where: string;
  readonly bundle: UnverifiedBundle;
  /** What it says that it is about; undefined if it doesn't say so in a way that could be understood. */
  readonly subjects: readonly Digest[] | undefined;
  readonly rank: number;
}

/**
 * Reads a file of Sigstore bundles, one a line, as `gh attestation download` writes them; or with one bundle in all of it.
 *
 * @throws {ArchiveError} `unreadable` if it can't be read, is too large, or holds no bundle.
 */
export async function readBundleFile(path: string): Promise<BundleFile> {
  const bytes = await readAll(path);
  const lines = splitLines(bytes);
  if (lines.length > MAX_LINES) {
    throw unreadable(path, `it has more than ${MAX_LINES} lines`);
  }
  const read = lines.map(({ number, content }) => readLine(`${path}, line ${number}`, content));
  const bundles = read.flatMap((line) => (typeof line === "string" ? [] : [line]));
  const faults = read.flatMap((line) => (typeof line === "string" ? [line] : []));
  if (bundles.length > 0) return { source: sourceOf(bundles), faults };
  const whole = readLine(path, bytes);
  if (typeof whole === "string") throw unreadable(path, `no bundle is in it: ${faults[0] ?? "it is empty"}`);
  return { source: sourceOf([whole]), faults: [] };
}

function sourceOf(lines: readonly Line[]): AttestationSource {
  return {
    listAttestations: async ({ digest }) => {
      const about = lines
        .filter(({ subjects }) => mayBeAbout(subjects, digest))
        .sort((one, other) => one.rank - other.rank)
        .map(({ where, bundle }) => ({ where, read: async () => [bundle] }));
      return {
        candidates: about.slice(0, MAX_CANDIDATES),
        omitted: Math.max(0, about.length - MAX_CANDIDATES),
        failures: [],
      };
    },
  };
}

/** A hint, and no more: the statement's subject is compared once it is verified. */
function mayBeAbout(subjects: readonly Digest[] | undefined, digest: Digest): boolean {
  if (subjects === undefined || subjects.includes(digest)) return true;
  return !subjects.some((subject) => algorithmOf(subject) === algorithmOf(digest));
}

/** @returns what is wrong, if it is no bundle. */
function readLine(where: string, content: Uint8Array): Line | string {
  try {
    const bundle = parseBundle(content);
    return { where, bundle, ...hintsOf(bundle) };
  } catch (error) {
    return `${where}: ${quote(error instanceof Error ? error.message : String(error))}`;
  }
}

function hintsOf({ json }: UnverifiedBundle): Pick<Line, "subjects" | "rank"> {
  try {
    const payload = (json as { dsseEnvelope?: { payload?: string } }).dsseEnvelope?.payload ?? "";
    const { subject, predicateType } = JSON.parse(Buffer.from(payload, "base64").toString("utf8"));
    const subjects = (subject as { digest: Record<string, string> }[]).flatMap(({ digest }) =>
      Object.entries(digest).map(([algorithm, hex]) => `${algorithm}:${hex}` as Digest),
    );
    return { subjects, rank: rankOf({ predicateType: String(predicateType) }) };
  } catch {
    return { subjects: undefined, rank: 2 };
  }
}

function splitLines(bytes: Uint8Array): readonly { readonly number: number; readonly content: Uint8Array }[] {
  const lines: { number: number; content: Uint8Array }[] = [];
  for (let at = 0, number = 1; at < bytes.length; number++) {
    const newline = bytes.indexOf(0x0a, at);
    const end = newline < 0 ? bytes.length : newline;
    const content = bytes.subarray(at, end);
    if (content.some((byte) => byte > 0x20)) lines.push({ number, content });
    at = end + 1;
  }
  return lines;
}

async function readAll(path: string): Promise<Uint8Array> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const found = await file.stat();
      if (!found.isFile()) throw new Error("it is no file");
      if (found.size > MAX_FILE_BYTES) throw new Error(`it has more than ${MAX_FILE_BYTES} bytes`);
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw unreadable(path, (cause as Error).message, cause);
  }
}

function unreadable(path: string, reason: string, cause?: unknown): ArchiveError {
  const advice = "give a file with a Sigstore bundle on each line, as gh attestation download writes it";
  return new ArchiveError("unreadable", `read bundles ${path}: ${reason}; ${advice}`, { cause });
}
