import { formatPlatform, normalizePlatform, type Platform } from "../platform.ts";
import { type Budget, expand } from "./expansion.ts";
import type { Instruction } from "./instructions.ts";
import type { DockerfileRequest } from "./reading.ts";
import { type Place, placeOf } from "./source.ts";

/** A name that is written out where it is used: `alpine:3.19`, in quotes or not. */
export interface Literal {
  readonly text: string;
  readonly place: Place | undefined;
}

/** The variables that hold for `FROM`: predefined ones and the `ARG`s above the first stage. */
export interface GlobalVariables {
  readonly values: ReadonlyMap<string, string>;
  /** Where the value of an `ARG` is written out as its default. */
  readonly literals: ReadonlyMap<string, Literal>;
  /** Those that go into another's default. */
  readonly mixed: ReadonlySet<string>;
}

/**
 * What BuildKit knows of the platforms and the target. Build arguments override it, and stages see it only once they declare it.
 *
 * @see https://docs.docker.com/reference/dockerfile/#automatic-platform-args-in-the-global-scope
 */
function predefined(request: DockerfileRequest, target: string): ReadonlyMap<string, string> {
  const build = normalizePlatform(request.buildPlatform ?? request.platform);
  const wanted = normalizePlatform(request.platform);
  const of = (prefix: string, { os, osVersion, architecture, variant, ...rest }: Platform): [string, string][] => [
    [
      `${prefix}PLATFORM`,
      formatPlatform({ os, architecture, ...rest, ...(variant && { variant }), ...(osVersion && { osVersion }) }),
    ],
    [`${prefix}OS`, os],
    [`${prefix}OSVERSION`, osVersion ?? ""],
    [`${prefix}ARCH`, architecture],
    [`${prefix}VARIANT`, variant ?? ""],
  ];
  const stage: [string, string] = ["TARGETSTAGE", target === "" ? "default" : target];
  return new Map(
    [...of("BUILD", build), ...of("TARGET", wanted), stage].map(([name, value]) => [
      name,
      buildArg(request, name) ?? value,
    ]),
  );
}

/** A build argument, if it was given. */
export function buildArg({ buildArgs = {} }: DockerfileRequest, name: string): string | undefined {
  return Object.hasOwn(buildArgs, name) ? buildArgs[name] : undefined;
}

/**
 * Reads the `ARG`s above the first `FROM`, each with those before it.
 *
 * @param target - The name of the stage that is built, for `TARGETSTAGE`.
 * @throws {ExpansionError}
 */
export function readGlobalVariables(
  instructions: readonly Instruction[],
  request: DockerfileRequest,
  target: string,
  escapeCharacter: string,
  budget: Budget,
  run: <T>(instruction: Instruction, work: () => T) => T,
): GlobalVariables {
  const values = new Map(predefined(request, target));
  const literals = new Map<string, Literal>();
  const mixed = new Set<string>();
  for (const instruction of instructions) {
    for (const { name, value, valueAt } of readArgs(instruction)) {
      const given = buildArg(request, name);
      if (given === undefined && value === undefined) continue;
      literals.delete(name);
      if (given !== undefined || value === undefined) {
        values.set(name, given ?? "");
        continue;
      }
      const expansion = run(instruction, () => expand(value, values, { escape: escapeCharacter }, budget));
      for (const used of [...expansion.used, ...expansion.unset]) mixed.add(used);
      values.set(name, expansion.value);
      const literal = readLiteral(instruction, value, valueAt, expansion.value);
      if (literal !== undefined) literals.set(name, literal);
    }
  }
  return { values, literals, mixed };
}

/** The names of an `ARG`, with their defaults as they are written. */
export function readArgs({
  words,
}: Instruction): readonly { readonly name: string; readonly value: string | undefined; readonly valueAt: number }[] {
  return words.map(({ text, at }) => {
    const equals = text.indexOf("=");
    if (equals < 0) return { name: text, value: undefined, valueAt: at };
    return { name: text.slice(0, equals), value: text.slice(equals + 1), valueAt: at + equals + 1 };
  });
}

/**
 * Where a reference stands, if the word is nothing but it, in quotes or not.
 *
 * @param at - Where the word begins in the instruction's text.
 */
export function readLiteral(instruction: Instruction, word: string, at: number, value: string): Literal | undefined {
  const quote = /^(["'])[\s\S]*\1$/.test(word) && word.length > 1 ? 1 : 0;
  const text = word.slice(quote, word.length - quote);
  if (text !== value || !/^[A-Za-z0-9._/:@[\]-]+$/.test(text)) return undefined;
  return { text, place: placeOf(instruction.located, at + quote, at + quote + text.length) };
}
