import { type Located, refusal, type Source } from "./source.ts";
import { isSpace } from "./white-space.ts";

/** `--name=value` behind an instruction's name. */
export interface Flag {
  readonly name: string;
  /** Without quotes and escapes; undefined where there is no `=`. */
  readonly value: string | undefined;
  /** Where the flag begins in the instruction's text. */
  readonly at: number;
  /** Where the value stands there, character for character; undefined where quotes or escapes are in it. */
  readonly valueAt: number | undefined;
}

type Kind = "text" | "yes-no" | "texts";

const KNOWN: Readonly<Record<string, Readonly<Record<string, Kind>>>> = {
  FROM: { platform: "text" },
  ADD: {
    checksum: "text",
    chmod: "text",
    chown: "text",
    exclude: "texts",
    "keep-git-dir": "yes-no",
    link: "yes-no",
    unpack: "yes-no",
  },
  COPY: { chmod: "text", chown: "text", exclude: "texts", from: "text", link: "yes-no", parents: "yes-no" },
  RUN: { device: "texts", mount: "texts", network: "text", security: "text" },
  HEALTHCHECK: { interval: "text", retries: "text", "start-interval": "text", "start-period": "text", timeout: "text" },
};

/** What stands for bytes that aren't UTF-8. */
const REPLACEMENT = 0xfffd;

/** Of these instructions BuildKit drops whatever flags there are. */
const FLAGLESS = new Set(["ARG", "STOPSIGNAL"]);

/**
 * Takes the flags off the front of an instruction's arguments, in whichever order they are: an `--from` that is overlooked is an image
 * that nobody judges. Some of BuildKit's versions escape by `\` here whatever the file's escape character is, and some by that one: where it
 * makes a difference nobody knows what is built.
 *
 * @returns the flags, and where the arguments begin.
 */
export function readFlags(
  source: Source,
  located: Located,
  start: number,
  end: number,
  escapeCharacter: string,
): [readonly Flag[], number] {
  const read = scanFlags(source, located, start, end, "\\");
  if (escapeCharacter === "\\") return read;
  const other = scanFlags(source, located, start, end, escapeCharacter);
  if (formOf(read) !== formOf(other))
    throw refusal(source, located, start, "its flags are others to some of BuildKit's versions than to others");
  return read;
}

/** In values escapes may differ, as in paths of Windows; but not where flags begin and end. */
function formOf([flags, end]: [readonly Flag[], number]): string {
  return JSON.stringify([end, flags.map(({ name, value, at }) => [name, value?.replace(/[\\`]/g, ""), at])]);
}

function scanFlags(
  source: Source,
  located: Located,
  start: number,
  end: number,
  escapeCharacter: string,
): [readonly Flag[], number] {
  const { text } = located;
  const flags: Flag[] = [];
  let at = start;
  for (;;) {
    while (at < end && isFlagSpace(text.charCodeAt(at))) at++;
    // To BuildKit the flags end here, though it cuts off what looks like a space later: nobody writes that for anybody's good.
    if (at < end && isSpace(text.charCodeAt(at))) throw cutInPieces(source, located, at);
    if (!text.startsWith("--", at) || at + 2 > end) return [flags, at];
    const from = at;
    const [word, indexes] = [[] as string[], [] as number[]];
    let quote = "";
    for (; at < end && (quote !== "" || !isFlagSpace(text.charCodeAt(at))); at++) {
      const character = text.charAt(at);
      refuseMultibyte(source, located, at);
      if (quote === "" ? character === "'" || character === '"' : character === quote) {
        quote = quote === "" ? character : "";
        continue;
      }
      if (character === escapeCharacter) {
        if (at + 1 === end) continue;
        at++;
        refuseMultibyte(source, located, at);
      }
      word.push(text.charAt(at));
      indexes.push(at);
    }
    const whole = word.join("");
    if (whole === "--") return [flags, at];
    flags.push(toFlag(whole, indexes, from));
  }
}

function toFlag(word: string, indexes: readonly number[], at: number): Flag {
  const equals = word.indexOf("=");
  if (equals < 0) return { name: word.slice(2), value: undefined, at, valueAt: undefined };
  const first = indexes[equals + 1];
  const last = indexes.at(-1);
  const isWhole = first !== undefined && last !== undefined && last - first === word.length - equals - 2;
  return { name: word.slice(2, equals), value: word.slice(equals + 1), at, valueAt: isWhole ? first : undefined };
}

/** What ends a flag to BuildKit, which goes by bytes there: no white space of more than one byte, such as U+2003. */
function isFlagSpace(code: number): boolean {
  return code < 0x80 && isSpace(code);
}

/**
 * BuildKit goes through flags byte by byte, and takes the byte A0 in `à`, or 85, for white space. What is written behind it would be a
 * flag there and part of a value for whoever goes through characters, so such a file isn't read at all. Nor is one with U+FFFD: it may
 * stand for such a byte of a file that isn't UTF-8.
 */
function refuseMultibyte(source: Source, located: Located, at: number): void {
  const code = located.text.codePointAt(at) ?? 0;
  const bytes = code < 0x80 ? [] : [...new TextEncoder().encode(String.fromCodePoint(code))];
  if (code !== REPLACEMENT && !bytes.some((byte) => byte === 0x85 || byte === 0xa0)) return;
  throw cutInPieces(source, located, at);
}

function cutInPieces(source: Source, located: Located, at: number): Error {
  return refusal(source, located, at, "a flag has a character in it that BuildKit would cut in pieces");
}

/** Refuses flags that BuildKit doesn't know, has twice, or has with a value that isn't one. */
export function checkFlags(source: Source, located: Located, instruction: string, flags: readonly Flag[]): void {
  if (FLAGLESS.has(instruction)) return;
  const seen = new Set<string>();
  for (const { name, value, at } of flags) {
    const known = KNOWN[instruction] ?? {};
    const kind = Object.hasOwn(known, name) ? known[name] : undefined;
    if (kind === undefined) throw refusal(source, located, at, `${instruction} has no flag --${name}`);
    if (seen.has(name) && kind !== "texts") throw refusal(source, located, at, `the flag --${name} is there twice`);
    seen.add(name);
    const fits = kind === "yes-no" ? /^(true|false)$/i.test(value ?? "true") : value !== undefined;
    if (!fits) throw refusal(source, located, at, `the flag --${name} has no value, or none that it can have`);
  }
}
