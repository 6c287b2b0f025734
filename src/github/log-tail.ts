import { stripVTControlCharacters } from "node:util";

/** What is read of a log, in bytes. */
const MAX_LOG_BYTES = 8 * 1024 * 1024;
/** What is kept while reading: enough for the tail, however much of it is colour. */
const WINDOW_BYTES = 256 * 1024;
const MAX_TAIL_LINES = 60;
const MAX_TAIL_BYTES = 16 * 1024;

/** The end of a log as plain text: at most 60 lines and 16 KiB, without times, colours and control characters, and saying where it is cut. */
export async function readTail(body: ReadableStream<Uint8Array> | null): Promise<string> {
  return tailOf(await lastBytes(body));
}

/** The last part of a body. */
interface End {
  readonly bytes: Uint8Array;
  /** Reading stopped before the body's end. */
  readonly isCut: boolean;
  /** It begins where the body begins. */
  readonly isWhole: boolean;
}

async function lastBytes(body: ReadableStream<Uint8Array> | null): Promise<End> {
  let kept: Buffer = Buffer.alloc(0);
  let read = 0;
  for await (const chunk of body ?? []) {
    const room = chunk.subarray(0, MAX_LOG_BYTES - read);
    kept = Buffer.concat([kept, room]);
    kept = kept.subarray(Math.max(0, kept.length - WINDOW_BYTES));
    read += room.length;
    if (room.length < chunk.length) return { bytes: kept, isCut: true, isWhole: false };
  }
  return { bytes: kept, isCut: false, isWhole: kept.length === read };
}

function tailOf({ bytes, isCut, isWhole }: End): string {
  const lines = new TextDecoder().decode(bytes).split(/\r?\n/).map(plain).flatMap(asRead);
  if (lines.at(-1) === "") lines.pop();
  // The first line may have begun before the window.
  const whole = isWhole || lines.length === 1 ? lines : lines.slice(1);
  const tail = isCut ? [...whole, `… the log goes on; ${MAX_LOG_BYTES >> 20} MiB of it were read`] : whole;
  const kept: string[] = [];
  let room = MAX_TAIL_BYTES;
  for (const line of tail.slice(-MAX_TAIL_LINES).reverse()) {
    const size = Buffer.byteLength(line) + 1;
    if (size > room) {
      if (kept.length === 0) kept.unshift(`…${endOf(line, room - 4)}`);
      break;
    }
    kept.unshift(line);
    room -= size;
  }
  return kept.join("\n");
}

/** At most so many bytes from the end of a text, and no part of a character. */
function endOf(text: string, bytes: number): string {
  const end = Buffer.from(text).subarray(-bytes);
  let start = 0;
  while (start < end.length && ((end[start] ?? 0) & 0xc0) === 0x80) start++;
  return end.subarray(start).toString();
}

/** What GitHub's page makes of the runner's marks: headings, words, and nothing of what is for the runner alone. */
function asRead(line: string): readonly string[] {
  const [, command, rest = ""] = /^##\[(\w+)\](.*)$/.exec(line) ?? [];
  switch (command) {
    case undefined:
      return [line];
    case "endgroup":
    case "debug":
      return [];
    case "error":
    case "warning":
    case "notice":
      return [`${command}: ${rest}`];
    default:
      return [rest];
  }
}

const TIME = /^\uFEFF?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z ?/;

function plain(line: string): string {
  return stripVTControlCharacters(line.replace(TIME, ""))
    .replaceAll("\t", "  ")
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "");
}
