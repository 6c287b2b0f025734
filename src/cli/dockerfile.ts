import { readDockerfile } from "../image/dockerfile/read.ts";
import { DockerfileError } from "../image/dockerfile/reading.ts";
import { type DockerfileDocument, dockerfileDocument } from "../report/dockerfile-json.ts";
import { dockerfileText } from "../report/dockerfile-text.ts";
import { printable, printableJson } from "../report/printable.ts";
import type { PlatformReading } from "../trust/forecast-parents.ts";
import {
  type AskedBuild,
  askedBuild,
  type DockerfileSurroundings,
  type RequestArguments,
} from "./dockerfile-request.ts";
import { EXIT, type ExitCode, UsageError } from "./exit-code.ts";
import { wantsColour } from "./walk.ts";

/** What `dockerfile` was asked. */
export interface DockerfileArguments extends RequestArguments {
  /** `-` is standard input. */
  readonly file: string | undefined;
  readonly allStages: boolean;
  readonly output: "text" | "json";
}

/**
 * Says which images builds of Dockerfiles would use: exit code 2 for a file that BuildKit refuses, 1 where an image can't be made out.
 *
 * @throws {UsageError}
 */
export async function dockerfileCommand(
  args: DockerfileArguments,
  surroundings: DockerfileSurroundings,
): Promise<ExitCode> {
  const { stdout, stderr, env } = surroundings;
  const { file } = args;
  if (file === undefined) throw new UsageError("name a Dockerfile; - is standard input");
  const build = await askedBuild(file, args, surroundings);
  try {
    const document = dockerfileDocument(build.file, readingsOf(build), args.allStages);
    stdout.write(
      args.output === "json" ? printableJson(document) : dockerfileText(document, { colour: wantsColour(stdout, env) }),
    );
    return exitCodeOfReading([document]);
  } catch (error) {
    if (!(error instanceof DockerfileError)) throw error;
    stderr.write(`${refusalLine(build.file, error)}\n`);
    return EXIT.usage;
  }
}

function readingsOf(build: AskedBuild): readonly PlatformReading[] {
  return build.platforms.map((platform) => ({ platform, reading: readAsked(build, { ...build.request, platform }) }));
}

/** @throws {DockerfileError} @throws {UsageError} for a build context that none can be. */
function readAsked({ text }: AskedBuild, request: Parameters<typeof readDockerfile>[1]) {
  try {
    return readDockerfile(text, request);
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

function exitCodeOfReading(documents: readonly DockerfileDocument[]): ExitCode {
  return documents.some(({ unresolved }) => unresolved.length > 0) ? EXIT.untrusted : EXIT.trusted;
}

/** As compilers tell it, so that editors find the place. */
function refusalLine(file: string, { line, column, message }: DockerfileError): string {
  return printable(`${file}:${line}:${column}: ${message}`);
}
