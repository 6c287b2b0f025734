import { parseArgs } from "node:util";
import { type Platform, parsePlatform } from "../../../src/image/platform.ts";
import { type ImageReference, parseReference, withDefaultTag } from "../../../src/image/reference.ts";
import { AssemblyFailed } from "./failure.ts";

/** The commit that is built. */
export interface GitContext {
  /** With `.git`. */
  readonly url: string;
  readonly commit: string;
  /** Below the repository's root; its root if undefined. */
  readonly directory: string | undefined;
  /** What the server is shown, if it wants to know who asks. */
  readonly token: string | undefined;
}

/** What `docker buildx build` was asked for, of what can be assembled. */
export interface AssemblyOptions {
  readonly context: GitContext;
  /** Below the context. */
  readonly dockerfile: string;
  readonly target: string | undefined;
  readonly buildArgs: ReadonlyMap<string, string>;
  readonly platforms: readonly [Platform, ...Platform[]];
  /** The platform of this machine. */
  readonly builderPlatform: Platform;
  readonly tags: readonly [ImageReference, ...ImageReference[]];
  readonly builderId: string;
  /** Whether bases are always asked for anew: only the provenance tells the difference, for nothing is kept here. */
  readonly pull: boolean;
  /** The directory that becomes an OCI image layout. */
  readonly layout: string;
  readonly metadataFile: string | undefined;
  readonly iidFile: string | undefined;
}

const GIT_CONTEXT = /^(https?:\/\/[^\s#?@]+\.git)#([0-9a-f]{40})(?::([A-Za-z0-9_][^:]*))?$/;
/** These change the result or the frontend, in ways that the assembler doesn't follow. */
const SPECIAL_BUILD_ARG = /^(?:BUILDKIT_.*|SOURCE_DATE_EPOCH|.*_proxy)$/i;

/**
 * Reads the arguments behind `docker buildx build`.
 *
 * @throws {AssemblyFailed} for whatever isn't known: an option that is overlooked would be one that the provenance lies about.
 */
export function parseBuildOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): AssemblyOptions {
  const { values, positionals } = readArguments(args);
  const [context, ...more] = positionals;
  if (context === undefined || more.length > 0) throw unknown("its contexts", positionals.join(" ") || "none");
  if ((values.sbom ?? "false") !== "false") throw unknown("--sbom", values.sbom);
  const builderPlatform = parsePlatform(`linux/${process.arch === "x64" ? "amd64" : process.arch}`);
  const [platform = builderPlatform, ...platforms] = (values.platform ?? []).flatMap((list) =>
    list.split(",").map(parsePlatform),
  );
  const [tag, ...tags] = (values.tag ?? []).map((text) => withDefaultTag(parseReference(text)));
  if (tag === undefined)
    throw new AssemblyFailed("docker buildx build: no --tag; without one the provenance has no name");
  return {
    context: gitContext(context, values.secret ?? [], env),
    dockerfile: insideContext("--file", values.file ?? "Dockerfile"),
    target: values.target,
    buildArgs: new Map((values["build-arg"] ?? []).map(buildArgument)),
    platforms: [platform, ...platforms],
    builderPlatform,
    tags: [tag, ...tags],
    builderId: builderIdOf(values.attest ?? []),
    pull: values.pull ?? false,
    layout: layoutOf(values.output ?? []),
    metadataFile: values["metadata-file"],
    iidFile: values.iidfile,
  };
}

function readArguments(args: readonly string[]) {
  const once = { type: "string" } as const;
  const often = { type: "string", multiple: true } as const;
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        file: { ...once, short: "f" },
        tag: { ...often, short: "t" },
        output: { ...often, short: "o" },
        pull: { type: "boolean" },
        attest: often,
        "build-arg": often,
        platform: often,
        secret: often,
        iidfile: once,
        "metadata-file": once,
        progress: once,
        sbom: once,
        target: once,
      },
    });
  } catch (cause) {
    throw new AssemblyFailed(
      `docker buildx build: ${(cause as Error).message}; the assembler knows no more than it needs`,
      {
        cause,
      },
    );
  }
}

function gitContext(
  text: string,
  secrets: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): GitContext {
  const [, url, commit, directory] = GIT_CONTEXT.exec(text) ?? [];
  if (url === undefined || commit === undefined) throw unknown("the context (it must be URL.git#COMMIT[:DIR])", text);
  const ids = ["GIT_AUTH_TOKEN", `GIT_AUTH_TOKEN.${new URL(url).host}`];
  let token: string | undefined;
  for (const secret of secrets) {
    const { id = "", env: variable = "", ...others } = fieldsOf(secret);
    if (id === "" || variable === "" || Object.keys(others).length > 0) throw unknown("--secret", secret);
    if (id.startsWith("GIT_AUTH_HEADER")) throw unknown("--secret", secret);
    // No step can mount a secret here, so that those of other names are nobody's business.
    if (ids.includes(id)) token = env[variable];
  }
  return { url, commit, directory: directory && insideContext("the context", directory), token };
}

function buildArgument(text: string): readonly [string, string] {
  const [, name, value] = /^([A-Za-z_][A-Za-z0-9_.-]*)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined || SPECIAL_BUILD_ARG.test(name)) throw unknown("--build-arg", text);
  return [name, value];
}

function builderIdOf(attests: readonly string[]): string {
  const [attest = "", ...more] = attests;
  const { type, mode, version, "builder-id": builderId = "", ...others } = fieldsOf(attest);
  const isKnown = type === "provenance" && mode === "max" && version === "v1" && Object.keys(others).length === 0;
  if (!isKnown || more.length > 0) throw unknown("--attest (it must be type=provenance,mode=max,version=v1)", attests);
  return builderId;
}

function layoutOf(outputs: readonly string[]): string {
  const [output = "", ...more] = outputs;
  const { type, tar, dest = "", ...others } = fieldsOf(output);
  const isKnown = type === "oci" && tar === "false" && dest !== "" && Object.keys(others).length === 0;
  if (!isKnown || more.length > 0) throw unknown("--output (it must be type=oci,tar=false,dest=DIR)", outputs);
  return dest;
}

/** The fields of one line of CSV, each `key=value`, quoted as a whole where it has a comma. */
function fieldsOf(line: string): Partial<Record<string, string>> {
  const fields = line.match(/"(?:[^"]|"")*"|[^",]+/g) ?? [];
  if (fields.join(",") !== line) throw unknown("a value", line);
  return Object.fromEntries(
    fields.map((field) => {
      const text = field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field;
      const at = text.indexOf("=");
      if (at < 0) throw unknown("a value", line);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

function insideContext(what: string, path: string): string {
  const isPlain = path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
  if (!isPlain) throw unknown(what, path);
  return path;
}

function unknown(what: string, value: string | readonly string[] | undefined): AssemblyFailed {
  const given = typeof value === "object" ? value.join(" ") : (value ?? "");
  return new AssemblyFailed(`docker buildx build: ${what} is "${given}", which the assembler doesn't know`);
}
