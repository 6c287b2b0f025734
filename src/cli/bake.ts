import { resolve } from "node:path";
import { readRemote } from "../image/dockerfile/remote.ts";
import { type BakeTarget, bakeTargets } from "./bake-print.ts";
import {
  type AskedBuild,
  type DockerfileSurroundings,
  platformOf,
  platformsOf,
  type RequestArguments,
  readDockerfileAt,
} from "./dockerfile-request.ts";
import { UsageError } from "./exit-code.ts";

/** What is asked of bake files. */
export interface BakeArguments extends RequestArguments {
  readonly bake: readonly string[];
  readonly bakeTarget: readonly string[];
}

/**
 * The builds that bake files describe, in the order in which each stands behind those that it needs as contexts.
 *
 * @throws {UsageError} also where a Dockerfile isn't on this machine.
 */
export async function bakeBuilds(
  args: BakeArguments,
  surroundings: DockerfileSurroundings,
): Promise<readonly AskedBuild[]> {
  const { target, platform, buildArg, buildContext } = args;
  if (target !== undefined || [platform, buildArg, buildContext].some(({ length }) => length > 0))
    throw new UsageError(
      "--target, --platform, --build-arg and --build-context are what a bake file says: leave them out",
    );
  const targets = await bakeTargets(args.bake, args.bakeTarget, surroundings);
  const buildPlatform = platformOf(args.buildPlatform ?? "linux/amd64");
  const builds: AskedBuild[] = [];
  for (const [name, given] of targets) {
    const { file, path, text } = await dockerfileOf(name, given);
    builds.push({
      ...{ bakeTarget: name, file, path, text },
      platforms: platformsOf(given.platforms ?? []),
      request: {
        ...(given.target !== undefined && { target: given.target }),
        buildPlatform,
        buildArgs: Object.fromEntries(
          Object.entries(given.args ?? {}).flatMap(([key, value]) => (value === null ? [] : [[key, value]])),
        ),
        contexts: given.contexts ?? {},
      },
    });
  }
  return builds;
}

/** A Dockerfile below a local context, as buildx looks for it. */
async function dockerfileOf(name: string, { context, dockerfile, "dockerfile-inline": inline }: BakeTarget) {
  if (inline !== undefined)
    return { file: `<dockerfile-inline of ${name}>`, path: undefined, text: new TextEncoder().encode(inline) };
  const directory = context.replace(/^cwd:\/\//, "");
  for (const place of [directory, dockerfile]) {
    if (isElsewhere(place))
      throw new UsageError(`target ${name}: its Dockerfile is at ${place}, which isn't on this machine`);
  }
  const isHere = dockerfile.startsWith("cwd://");
  const path = isHere ? resolve(dockerfile.slice("cwd://".length)) : resolve(directory, dockerfile);
  const relative = path.startsWith(`${process.cwd()}/`) ? path.slice(process.cwd().length + 1) : path;
  return { file: relative, path, text: await readDockerfileAt(path) };
}

function isElsewhere(place: string): boolean {
  if (place === "-" || place.startsWith("target:")) return true;
  return !place.startsWith("cwd://") && (place.includes("://") || readRemote(place) !== undefined);
}
