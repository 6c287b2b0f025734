import { formatPlatform, type Platform } from "../image/platform.ts";
import { formatReference } from "../image/reference.ts";
import { portsOf } from "./dockerfile.ts";
import { type BuildReading, readBuilds } from "./dockerfile-readings.ts";
import { askedBuild, type DockerfileSurroundings, platformsOf, type RequestArguments } from "./dockerfile-request.ts";
import { EXIT, type ExitCode, UsageError } from "./exit-code.ts";
import { type ImageListArguments, imagesAsked } from "./image-list.ts";
import { type AskedImage, parseAsked } from "./subject.ts";
import type { Connected } from "./walk.ts";

/** What names the images that builds are to be allowed. */
export interface WantedArguments extends ImageListArguments, RequestArguments {
  /** A Dockerfile whose images are taken; `-` is standard input. */
  readonly dockerfile?: string;
  /** Whether git, http and the like will be refused. */
  readonly denyOtherSources: boolean;
}

/** An image that builds name. */
export interface WantedImage {
  readonly asked: AskedImage & { readonly kind: "registry" };
  /** The platform that it is used for; undefined where it is several, or nobody said. */
  readonly only: Platform | undefined;
}

/** All that was named. */
export interface Wanted {
  /** Each reference once. */
  readonly images: readonly WantedImage[];
  /** What the Dockerfile needs beside them, or may need, for people: its lines, and why builds are or may be refused. */
  readonly notes: readonly string[];
  /** What these notes make of the exit code. */
  readonly exits: readonly ExitCode[];
}

/**
 * The images of the command line, of the list and of the Dockerfile with what its bases add to it.
 *
 * @param connect - Called where bases are to be asked.
 * @throws {UsageError} @throws {RefusedDockerfile}
 */
export async function imagesWanted(
  args: WantedArguments,
  connect: () => Connected,
  surroundings: DockerfileSurroundings,
): Promise<Wanted> {
  const { dockerfile, imagesFrom } = args;
  if (dockerfile === "-" && imagesFrom === "-")
    throw new UsageError("--dockerfile - and --images-from -: standard input is one or the other");
  if (dockerfile === undefined && hasBuildOptions(args))
    throw new UsageError("--target, --build-platform, --build-arg and --build-context say something of --dockerfile");
  const platforms = args.platform.length === 0 ? [] : platformsOf(args.platform);
  const isNamed = dockerfile === undefined || args.images.length > 0 || imagesFrom !== undefined;
  const named = isNamed ? await imagesAsked(args, surroundings.stdin) : [];
  const all = collecting();
  for (const text of named) {
    const asked = parseAsked(text, undefined);
    if (asked.kind === "disk") throw new UsageError(`${text}: builds are given images of registries; name one`);
    all.add(asked, platforms);
  }
  if (dockerfile === undefined) return { images: all.images(), notes: [], exits: [] };

  const connected = connect();
  try {
    const builds = [await askedBuild(dockerfile, args, surroundings)];
    const readings = (await readBuilds(builds, portsOf(connected))).flatMap((read) => read.readings);
    // Where nobody said what is built for, whoever has the policy may build for any platform.
    for (const use of readings.flatMap(({ reading }) => reading.images.filter(({ isReached }) => isReached)))
      all.add({ kind: "registry", reference: use.reference, namedBy: "file" }, platforms.length ? [use.platform] : []);
    return { images: all.images(), ...remarksOn(readings, args.denyOtherSources) };
  } finally {
    await connected.close();
  }
}

function hasBuildOptions({ target, buildPlatform, buildArg, buildContext }: WantedArguments): boolean {
  return target !== undefined || buildPlatform !== undefined || buildArg.length > 0 || buildContext.length > 0;
}

/** What the file names; a person's word for the same image counts for more. */
function collecting() {
  const found = new Map<string, { asked: WantedImage["asked"]; platforms: Map<string, Platform>; isForAny: boolean }>();
  return {
    add(asked: WantedImage["asked"], platforms: readonly Platform[]): void {
      const key = formatReference(asked.reference);
      const entry = found.get(key) ?? { asked, platforms: new Map(), isForAny: false };
      for (const platform of platforms) entry.platforms.set(formatPlatform(platform), platform);
      entry.isForAny ||= platforms.length === 0;
      found.set(key, entry);
    },
    images: (): readonly WantedImage[] =>
      [...found.values()].map(({ asked, platforms, isForAny }) => {
        const [only, ...more] = platforms.values();
        return { asked, only: isForAny || more.length > 0 ? undefined : only };
      }),
  };
}

/** What builds need that no image of this policy is. */
function remarksOn(readings: readonly BuildReading[], denyOthers: boolean): Pick<Wanted, "notes" | "exits"> {
  const notes: string[] = [];
  const exits: ExitCode[] = [];
  const note = (line: number, text: string, exit: ExitCode) => {
    notes.push(`line ${line}: ${text}`);
    exits.push(exit);
  };
  for (const { reading, unknown } of readings) {
    for (const { line, written, why, isReached } of reading.unresolved)
      if (isReached) note(line, `${written} can't be made out: ${why}; what isn't named is refused`, EXIT.untrusted);
    for (const { kind, text, line, isReached } of reading.others)
      if (isReached && (kind === "oci-layout" || (denyOthers && (kind === "git" || kind === "http"))))
        note(line, `${text} is refused: it is no image of a registry that could have been judged`, EXIT.untrusted);
    for (const { use, reason } of unknown)
      note(use.line, `what ${use.key} adds to builds on it isn't known: ${reason}`, EXIT.undetermined);
  }
  return { notes: [...new Set(notes)], exits };
}
