import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { Exec } from "@docker/actions-toolkit/lib/exec.js";
import { z } from "zod";
import { digestSchema } from "../../src/image/descriptor.ts";
import type { Digest } from "../../src/image/digest.ts";
import { type BuildPlan, buildxArguments, pruneArguments } from "./buildx-arguments.ts";

/** BuildKit's words when a git tag that it fetched once has moved since. */
const MOVED_TAG = "would clobber existing tag";

/** How much of buildx's words goes into the error, in characters; the log has them all. */
const MAX_REASON_LENGTH = 1000;

/**
 * What docker, buildx and git may know of the environment. Anything else could change the build without the provenance saying so
 * (`SOURCE_DATE_EPOCH`, `EXPERIMENTAL_BUILDKIT_SOURCE_POLICY`, `BUILDX_…`), or is none of their business: the tokens of the job.
 */
const PASSED_VARIABLES =
  /^(?:PATH|HOME|USER|TMPDIR|LANG|XDG_RUNTIME_DIR|XDG_CONFIG_HOME|SSL_CERT_(?:FILE|DIR)|DOCKER_(?:HOST|CONFIG|CONTEXT|CERT_PATH|TLS|TLS_VERIFY|API_VERSION)|BUILDX_(?:BUILDER|CONFIG)|(?:https?|all|no)_proxy)$/i;

/** The build ended otherwise than with an image. */
export class BuildFailed extends Error {
  readonly code = "build-failed";
  constructor(message: string) {
    super(message);
    this.name = "BuildFailed";
  }
}

/** How the output of strangers' programs gets into the log: as text, none of it a command to the runner. */
export type Muted = <T>(run: () => Promise<T>) => Promise<T>;

const metadata = z.object({ "containerimage.digest": digestSchema });

/**
 * Builds with BuildKit into an OCI image layout.
 *
 * @param secrets - Values by the variable that the plan names.
 * @returns the digest of what was built, an entry of the layout.
 * @throws {BuildFailed}
 */
export async function build(
  plan: BuildPlan,
  secrets: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string | undefined>>,
  muted: Muted,
): Promise<Digest> {
  const environment = { ...passedOn(env), BUILDX_METADATA_PROVENANCE: "disabled" };
  const run = async (args: readonly string[], more: Readonly<Record<string, string>> = {}) => {
    const options = { ignoreReturnCode: true, env: { ...environment, ...more } };
    // Of the toolkit no more than this: its Buildx brings the clients of caches and artifacts into a job that can sign.
    return await muted(() => Exec.getExecOutput("docker", ["buildx", ...args], options));
  };
  let ended = await run(buildxArguments(plan), secrets);
  if (ended.exitCode !== 0 && ended.stderr.includes(MOVED_TAG)) {
    await run(pruneArguments(plan.gitUrl));
    ended = await run(buildxArguments(plan), secrets);
  }
  if (ended.exitCode !== 0) {
    const reason = reasonIn(ended.stderr);
    throw new BuildFailed(
      `docker buildx build of ${plan.gitUrl} at ${plan.commit} ended with ${ended.exitCode}: ${reason}${adviceOn(reason)}`,
    );
  }
  const written: unknown = JSON.parse(await readFile(plan.metadataFile, "utf8"));
  const outcome = metadata.safeParse(written);
  if (!outcome.success)
    throw new BuildFailed(`${plan.metadataFile} of buildx names no digest; buildx 0.13 or newer does`);
  return outcome.data["containerimage.digest"];
}

/** Where a build keeps its files below a directory that is the action's alone. */
export function buildFiles(directory: string): Pick<BuildPlan, "layout" | "metadataFile"> {
  return { layout: join(directory, "layout"), metadataFile: join(directory, "metadata.json") };
}

function passedOn(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]): [string, string][] =>
      value !== undefined && PASSED_VARIABLES.test(name) ? [[name, value]] : [],
    ),
  );
}

/** What buildx says went wrong: the last line that is marked as an error, and what follows it, such as git's own words. */
function reasonIn(stderr: string): string {
  const lines = stripVTControlCharacters(stderr)
    .split(/[\r\n]+/)
    .flatMap((line) => line.trim() || []);
  const at = lines.findLastIndex((line) => line.startsWith("ERROR:"));
  const reason = lines.slice(at < 0 ? -1 : at).join(" ");
  return reason.replace(/^ERROR:\s*/, "").slice(0, MAX_REASON_LENGTH) || "it said nothing";
}

function adviceOn(reason: string): string {
  if (/attestation is not supported/i.test(reason)) return "; run docker/setup-buildx-action before this action";
  if (/authentication|could not read Username|terminal prompts disabled/i.test(reason)) {
    return "; a private repository needs `contents: read` and the input github-token";
  }
  if (/exec format error/i.test(reason))
    return "; run docker/setup-qemu-action before, or build for the runner's platform";
  return "";
}
