import { spawn } from "node:child_process";
import { z } from "zod";
import { UsageError } from "./exit-code.ts";
import type { Surroundings } from "./walk.ts";

/** How long buildx may take to read bake files, in milliseconds: it connects to nothing for that. */
const BAKE_MS = 30_000;
/** Most that it may print, in bytes. */
const MAX_PRINTED_BYTES = 4 * 1024 * 1024;
/** How much of what it says of an error is told, in characters. */
const MAX_TOLD = 2000;
/** Most targets of one run. */
const MAX_TARGETS = 200;

const INSTALL =
  "reading bake files takes docker with its plugin buildx (https://github.com/docker/buildx#installing); without it, name the Dockerfile and give its options";

const strings = z.record(z.string(), z.string());

const targetSchema = z.looseObject({
  context: z.string().default("."),
  dockerfile: z.string().default("Dockerfile"),
  "dockerfile-inline": z.string().optional(),
  // What has no value here, and none in the environment, isn't given.
  args: z.record(z.string(), z.string().nullable()).nullish(),
  contexts: strings.nullish(),
  target: z.string().optional(),
  platforms: z.array(z.string()).nullish(),
});

const printedSchema = z.looseObject({
  group: z.record(z.string(), z.looseObject({ targets: z.array(z.string()).nullish() })).nullish(),
  target: z.record(z.string(), targetSchema),
});

/** A target of bake files, as buildx understands them. */
export type BakeTarget = z.output<typeof targetSchema>;

/**
 * Has buildx say what targets of bake files are: variables, inheritance and overrides are its language. It builds nothing. No shell
 * reads what is passed, and a name that buildx could take for an option or for an address to fetch is refused.
 *
 * @param targets - Of the bake files; its default group where there is none.
 * @returns those targets, and every other that one of them has as a context.
 * @throws {UsageError} also where there is no buildx.
 */
export async function bakeTargets(
  files: readonly string[],
  targets: readonly string[],
  { env }: Pick<Surroundings, "env">,
): Promise<ReadonlyMap<string, BakeTarget>> {
  const odd = targets.find((name) => !/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(name));
  if (odd !== undefined) throw new UsageError(`--bake-target ${odd}: the name of a target or group of the bake file`);
  // Given with "=", a name that begins with a dash is no option.
  const args = ["buildx", "bake", "--print", "--progress=quiet", ...files.map((file) => `--file=${file}`), ...targets];
  const printed = await run("docker", args, env);
  const parsed = printedSchema.safeParse(documentOf(printed));
  if (!parsed.success)
    throw new UsageError(
      `buildx printed something else than the targets of ${files.join(", ")}: ${z.prettifyError(parsed.error)}`,
    );
  const found = Object.entries(parsed.data.target);
  if (found.length === 0) throw new UsageError(`${files.join(", ")}: it has no targets`);
  if (found.length > MAX_TARGETS)
    throw new UsageError(`${files.join(", ")}: more than ${MAX_TARGETS} targets; name some with --bake-target`);
  return new Map(found);
}

function documentOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Runs a program to its end, its output bounded in bytes and time. @throws {UsageError} */
function run(program: string, args: readonly string[], env: Surroundings["env"]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { ...env }, stdio: ["ignore", "pipe", "pipe"] });
    const printed: Buffer[] = [];
    const said: Buffer[] = [];
    const sizes = { printed: 0, said: 0 };
    // Its plugin, a process of its own, may hold the pipes open: nobody waits for it.
    const stop = (why: string) => {
      child.kill("SIGKILL");
      child.stdout.destroy();
      child.stderr.destroy();
      fail(why);
    };
    // Not by an option of spawn, whose clock goes on where the program isn't there.
    const timer = setTimeout(() => stop(`buildx was stopped after ${BAKE_MS} ms`), BAKE_MS);
    const fail = (why: string, cause?: unknown) => {
      clearTimeout(timer);
      reject(new UsageError(why, { cause }));
    };
    child.stdout.on("data", (chunk: Buffer) => {
      sizes.printed += chunk.length;
      if (sizes.printed > MAX_PRINTED_BYTES) stop(`buildx printed more than ${MAX_PRINTED_BYTES} bytes`);
      else printed.push(chunk);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      if (sizes.said < MAX_TOLD) said.push(chunk);
      sizes.said += chunk.length;
    });
    child.on("error", (error: NodeJS.ErrnoException) => {
      const why = error.code === "ENOENT" ? `there is no ${program} on the PATH` : error.message;
      fail(`${why}: ${INSTALL}`, error);
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      if (code === 0) return resolve(Buffer.concat(printed).toString("utf8"));
      const words = Buffer.concat(said).toString("utf8").trim().slice(0, MAX_TOLD);
      // An older docker, and one without the plugin, know neither the command nor its options.
      const isWithout = /unknown command|is not a docker command|unknown (?:shorthand )?flag/.test(words);
      fail(`docker buildx bake --print: ${words || `exit code ${code}`}${isWithout ? `: ${INSTALL}` : ""}`);
    });
  });
}
