import { open } from "node:fs/promises";
import { MAX_DOCKERFILE_BYTES } from "../image/dockerfile/read.ts";
import type { DockerfileRequest } from "../image/dockerfile/reading.ts";
import { type Platform, PlatformError, parsePlatform } from "../image/platform.ts";
import { UsageError, usage } from "./exit-code.ts";
import type { Surroundings } from "./walk.ts";

/** For what is built, and on what, where nobody says: as most builders are. */
const USUAL_PLATFORM = "linux/amd64";

/** The choices of a build that are given as options. */
export interface RequestArguments {
  readonly target?: string;
  /** Each may name several, with commas. */
  readonly platform: readonly string[];
  readonly buildPlatform?: string;
  /** `NAME=VALUE`, or `NAME` for the environment's value. */
  readonly buildArg: readonly string[];
  /** `NAME=VALUE` */
  readonly buildContext: readonly string[];
}

/** A build whose Dockerfile is at hand. */
export interface AskedBuild {
  /** What a bake file calls it. */
  readonly bakeTarget: string | undefined;
  /** What the Dockerfile is called where people are told of it. */
  readonly file: string;
  /** Where it can be written; undefined where it is no file. */
  readonly path: string | undefined;
  readonly text: Uint8Array;
  readonly platforms: readonly Platform[];
  readonly request: Omit<DockerfileRequest, "platform" | "triggers">;
}

/** Where a Dockerfile is read beside files. */
export type DockerfileSurroundings = Surroundings & { readonly stdin: NodeJS.ReadableStream };

/** Reads the Dockerfile that the person named, `-` from standard input. @throws {UsageError} */
export async function askedBuild(
  file: string,
  args: RequestArguments,
  surroundings: DockerfileSurroundings,
): Promise<AskedBuild> {
  const request = {
    ...(args.target !== undefined && { target: args.target }),
    buildPlatform: platformOf(args.buildPlatform ?? USUAL_PLATFORM),
    buildArgs: Object.fromEntries(args.buildArg.flatMap((each) => buildArgOf(each, surroundings.env))),
    contexts: Object.fromEntries(args.buildContext.map(contextOf)),
  };
  const platforms = platformsOf(args.platform);
  if (file !== "-")
    return { bakeTarget: undefined, file, path: file, text: await readDockerfileAt(file), platforms, request };
  const text = await bounded(surroundings.stdin as AsyncIterable<Uint8Array | string>);
  return { bakeTarget: undefined, file: "<stdin>", path: undefined, text, platforms, request };
}

/** Reads a file as far as a Dockerfile may go, and a little further, so that a larger one is refused. @throws {UsageError} */
export async function readDockerfileAt(path: string): Promise<Uint8Array> {
  try {
    const file = await open(path);
    try {
      return await bounded(file.createReadStream({ autoClose: false }));
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new UsageError(`read Dockerfile ${path}: ${(error as Error).message}; give a file that can be read`, {
      cause: error,
    });
  }
}

/** The platforms that are named, each once. @throws {UsageError} */
export function platformsOf(texts: readonly string[]): readonly Platform[] {
  const named = texts.flatMap((text) => text.split(",")).map((text) => text.trim());
  const platforms = (named.length === 0 ? [USUAL_PLATFORM] : named).map(platformOf);
  return [...new Map(platforms.map((platform) => [JSON.stringify(platform), platform])).values()];
}

/** @throws {UsageError} */
export function platformOf(text: string): Platform {
  return usage(PlatformError, () => parsePlatform(text), "write it as linux/arm64");
}

/** Of an argument without value that the environment hasn't either, nothing is given, as docker does. */
function buildArgOf(text: string, env: Surroundings["env"]): readonly (readonly [string, string])[] {
  const equals = text.indexOf("=");
  const name = equals < 0 ? text : text.slice(0, equals);
  if (name === "") throw new UsageError(`--build-arg ${text}: write NAME=VALUE, or NAME for the environment's value`);
  const value = equals < 0 ? env[name] : text.slice(equals + 1);
  return value === undefined ? [] : [[name, value]];
}

function contextOf(text: string): readonly [string, string] {
  const equals = text.indexOf("=");
  if (equals < 1 || equals === text.length - 1)
    throw new UsageError(`--build-context ${text}: write NAME=VALUE, as alpine=docker-image://alpine:3.19`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}

async function bounded(stream: AsyncIterable<Uint8Array | string>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    chunks.push(bytes);
    size += bytes.length;
    if (size > MAX_DOCKERFILE_BYTES) break;
  }
  return Buffer.concat(chunks);
}
