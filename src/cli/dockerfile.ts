import { type DockerfileDocument, dockerfileDocument } from "../report/dockerfile-json.ts";
import { dockerfileText } from "../report/dockerfile-text.ts";
import { forecastDocument } from "../report/forecast-json.ts";
import { forecastText } from "../report/forecast-text.ts";
import { printable, printableJson } from "../report/printable.ts";
import type { Forecast, ForecastPorts } from "../trust/forecast.ts";
import { steady } from "../trust/steady-world.ts";
import { type BakeArguments, bakeBuilds } from "./bake.ts";
import { exitCodeOfForecasts, forecastBuild } from "./dockerfile-judge.ts";
import { byForecast, byTag, type Pinned, pinFile } from "./dockerfile-pin.ts";
import { type BuildReading, RefusedDockerfile, readBuilds } from "./dockerfile-readings.ts";
import { type AskedBuild, askedBuild, type DockerfileSurroundings } from "./dockerfile-request.ts";
import { EXIT, type ExitCode, UsageError } from "./exit-code.ts";
import { type Connected, type JudgeSettings, type Judging, openJudging, wantsColour } from "./walk.ts";

/** What `dockerfile` was asked. */
export interface DockerfileArguments extends BakeArguments, JudgeSettings {
  /** `-` is standard input; undefined with bake files. */
  readonly file: string | undefined;
  readonly allStages: boolean;
  /** Ask registries what bases add. */
  readonly onbuild: boolean;
  readonly judge: boolean;
  /** Write digests into the file. */
  readonly pin: boolean;
  readonly output: "text" | "json";
}

/**
 * Says which images builds of Dockerfiles would use; with `judge` what they would make by the caller's policy; with `pin` it writes
 * their digests into the file.
 *
 * @throws {UsageError} @throws {PolicyError} for what the person has to mend before anything can be read or judged.
 */
export async function dockerfileCommand(
  args: DockerfileArguments,
  surroundings: DockerfileSurroundings,
): Promise<ExitCode> {
  refuseContradictions(args);
  const builds =
    args.file === undefined ? await bakeBuilds(args, surroundings) : [await askedBuild(args.file, args, surroundings)];
  const isConnected = args.judge || args.pin || args.onbuild;
  const judging = isConnected ? await openJudging(args, surroundings) : undefined;
  // Whatever a Dockerfile names is a stranger's word: no address is reached for it but public ones and those that are allowed.
  const connected = judging?.connect([]);
  let told: readonly Told[];
  try {
    told = await look(args, builds, judging, connected, surroundings.now());
  } catch (error) {
    if (!(error instanceof RefusedDockerfile)) throw error;
    const { line, column } = error.fault;
    // As compilers tell it, so that editors find the place.
    surroundings.stderr.write(`${printable(`${error.file}:${line}:${column}: ${error.message}`)}\n`);
    return EXIT.usage;
  } finally {
    // Takes the line of progress away, before anything is written.
    await connected?.close();
  }
  tell(args, told, surroundings);
  return exitCodeOf(args, told);
}

async function look(
  args: DockerfileArguments,
  builds: readonly AskedBuild[],
  judging: Judging | undefined,
  connected: Connected | undefined,
  now: Date,
): Promise<readonly Told[]> {
  const ports = connected && portsOf(connected);
  const told: Told[] = [];
  for (const { build, readings } of await readBuilds(builds, args.onbuild || args.judge ? ports : undefined)) {
    const forecast =
      args.judge && judging !== undefined && ports !== undefined
        ? await forecastBuild(ports, judging.policy, readings, now)
        : undefined;
    const choose = forecast === undefined ? ports && byTag(ports) : byForecast(forecast);
    const pinned =
      args.pin && choose !== undefined ? await pinFile(build, readings, args.allStages, choose) : undefined;
    const document = {
      ...dockerfileDocument(build.file, readings, args.allStages),
      ...(build.bakeTarget !== undefined && { bakeTarget: build.bakeTarget }),
      ...(forecast && { forecast: forecastDocument(forecast) }),
      ...(pinned && { pins: pinned.pins }),
    };
    told.push({ readings, document, forecast, pinned });
  }
  return told;
}

function tell(args: DockerfileArguments, told: readonly Told[], { stdout, stderr, env }: DockerfileSurroundings): void {
  const documents = told.map(({ document }) => document);
  if (args.output === "json") {
    const [only] = documents;
    stdout.write(printableJson(args.file === undefined ? { version: 1, targets: documents } : only));
  } else {
    const style = { colour: wantsColour(stdout, env) };
    stdout.write(documents.map((document) => textOf(document, style)).join("\n"));
  }
  // A forecast has it among what could not be looked at.
  if (args.judge) return;
  for (const { use, reason } of told.flatMap(({ readings }) => readings.flatMap(({ unknown }) => unknown)))
    stderr.write(`trusted-builds: ${printable(`what ${use.key} adds to builds on it isn't known: ${reason}`)}\n`);
}

/** What came of one build. */
interface Told {
  readonly readings: readonly BuildReading[];
  readonly document: DockerfileDocument;
  readonly forecast: Forecast | undefined;
  readonly pinned: Pinned | undefined;
}

function textOf(document: DockerfileDocument, style: { readonly colour: boolean }): string {
  const { forecast, pins, file } = document;
  const pinned = [
    ...(pins?.written ?? []).map(({ line, from, to }) => `pinned   line ${line}: ${from} → ${to}`),
    ...(pins?.left ?? []).map(({ line, written, why }) => `left     line ${line}: ${written}: ${why}`),
  ].map((line) => `${printable(line)}\n`);
  return [
    dockerfileText(document, style),
    ...(forecast === undefined ? [] : ["\n", forecastText(forecast, style, file)]),
    ...(pins === undefined ? [] : ["\n", ...(pinned.length === 0 ? ["nothing to pin\n"] : pinned)]),
  ].join("");
}

function exitCodeOf({ judge }: DockerfileArguments, told: readonly Told[]): ExitCode {
  if (judge) return exitCodeOfForecasts(told.flatMap(({ forecast }) => forecast ?? []));
  const isUnresolved = told.some(({ document }) => document.unresolved.length > 0);
  if (isUnresolved || told.some(({ pinned }) => pinned?.isAbsent === true)) return EXIT.untrusted;
  const isUnknown = told.some(
    ({ readings, pinned }) => pinned?.isUnreachable === true || readings.some(({ unknown }) => unknown.length > 0),
  );
  return isUnknown ? EXIT.undetermined : EXIT.trusted;
}

/** A tag leads to one image throughout: what is read, judged and written is the same. */
export function portsOf({ ports, elsewhere }: Connected): ForecastPorts {
  return steady({ ...ports, resolve: async (reference) => (await elsewhere.resolve(reference))?.pinned });
}

/** Who gives a policy and doesn't ask for a judgement would take what follows for one. */
function refuseContradictions(args: DockerfileArguments): void {
  const { file, bake, bakeTarget, pin, judge, policy } = args;
  if (file === undefined && bake.length === 0)
    throw new UsageError("name a Dockerfile, - for standard input, or bake files with --bake");
  if (file !== undefined && bake.length > 0)
    throw new UsageError("a Dockerfile, or bake files with --bake: one or the other");
  if (bake.length === 0 && bakeTarget.length > 0) throw new UsageError("--bake-target names a target of --bake FILE");
  if (pin && (file === undefined || file === "-")) throw new UsageError("--pin writes into a Dockerfile: name it");
  if (policy !== undefined && !judge) throw new UsageError("--policy judges nothing by itself: give --judge too");
}
