import type { BuildRecord } from "../attestation/build-record.ts";
import type { Provenance } from "../attestation/provenance.ts";
import { formatPlatform, type Platform, samePlatform } from "../image/platform.ts";
import type { RefusalCode } from "./finding.ts";
import type { ExpectedBuild } from "./policy.ts";

/** The frontends that BuildKit has built in; the second runs an image, which is a parent of its own (RULES R19). */
const FRONTENDS = new Set(["dockerfile.v0", "gateway.v0"]);
/** Arguments of BuildKit's request that say how the source is reached or the result labelled, not what is built. */
const NEUTRAL_ARGUMENTS = new Set([
  "source",
  "cmdline",
  "frontend.caps",
  "image-resolve-mode",
  "multi-platform",
  "no-cache",
  "platform",
]);
const NEUTRAL_PREFIXES = ["attest:", "vcs:", "label:"];
/** The secrets that BuildKit itself asks for when it fetches the source. */
const GIT_SECRETS = new Set(["GIT_AUTH_TOKEN", "GIT_AUTH_HEADER"]);

/**
 * Compares the signed request of a build with policy's (RULES R9): a workflow that builds another Dockerfile, target or set of
 * arguments under the same identity made another image. A parameter that isn't known here could do the same, and refuses.
 */
export function requestFailure(
  expected: ExpectedBuild,
  provenance: Provenance,
  record: BuildRecord,
  platform: Platform,
): { readonly code: RefusalCode; readonly reason: string } | undefined {
  const differs = (what: string, got: string | undefined, wanted: string | undefined) => ({
    code: "parameters" as const,
    reason: `${what} is ${got === undefined ? "not set" : `"${got}"`}, ${expected.path} says ${wanted === undefined ? "none" : `"${wanted}"`}`,
  });
  const unknown = (what: string) => ({
    code: "unknown-parameter" as const,
    reason: `the build was asked for with ${what}, which this version doesn't know`,
  });

  const [parameter] = provenance.unknownParameters;
  if (parameter !== undefined) return unknown(`the external parameter "${parameter}"`);
  // mode=min leaves out arguments, secrets and ssh: what isn't recorded can't be compared.
  if (!provenance.completeness.parameters) {
    return { code: "parameters", reason: "the request isn't recorded whole (mode=min?), so it can't be compared" };
  }

  const { args, secrets, ssh, nested, frontend } = record.request;
  if (nested.length > 0) return unknown("another request as its input");
  if (frontend === undefined || !FRONTENDS.has(frontend)) return unknown(`the frontend "${frontend ?? ""}"`);
  // BuildKit moves the argument into the source's path, also where the source is local and has no URL.
  for (const dockerfile of eachOr([args.filename, provenance.source?.path], "Dockerfile")) {
    if (pathOf(dockerfile) !== pathOf(expected.dockerfile))
      return differs("dockerfile", dockerfile, expected.dockerfile);
  }
  if (args.target !== expected.target) return differs("target", args.target, expected.target);
  const { uri = "" } = provenance.source ?? {};
  if (uri !== "" && record.source === undefined) return differs("context", uri, expected.context);
  for (const context of eachOr([args.contextsubdir, record.source?.subdirectory, ...contextsOf(record)], undefined)) {
    if (pathOf(context) !== pathOf(expected.context)) return differs("context", context, expected.context);
  }
  if (expected.platforms !== undefined && !expected.platforms.some((wanted) => samePlatform(wanted, platform))) {
    return differs("platform", formatPlatform(platform), expected.platforms.map(formatPlatform).join(", "));
  }

  const got = { arguments: new Map<string, string>(), contexts: new Map<string, string>() };
  for (const [name, value] of Object.entries(args)) {
    if (name.startsWith("build-arg:")) got.arguments.set(name.slice("build-arg:".length), value);
    else if (name.startsWith("context:")) got.contexts.set(name.slice("context:".length), value);
    else if (
      !["filename", "target", "contextsubdir"].includes(name) &&
      !NEUTRAL_ARGUMENTS.has(name) &&
      !NEUTRAL_PREFIXES.some((prefix) => name.startsWith(prefix))
    ) {
      return unknown(`the argument "${name}"`);
    }
  }
  for (const [what, signed, wanted] of [
    ["build argument", got.arguments, expected.buildArgs],
    ["context", got.contexts, expected.contexts],
  ] as const) {
    for (const name of new Set([...signed.keys(), ...Object.keys(wanted)])) {
      const value = Object.hasOwn(wanted, name) ? wanted[name] : undefined;
      if (signed.get(name) !== value) return differs(`${what} ${name}`, signed.get(name), value);
    }
  }
  const secret = secrets.find(({ id }) => !expected.secrets.includes(id) && !GIT_SECRETS.has(id));
  if (secret !== undefined) return differs("a secret", secret.id, expected.secrets.join(", ") || undefined);
  if (ssh.length > 0) return unknown("an ssh agent");
  return undefined;
}

/** Directories of a git context: BuildKit names them in the steps that copy from it, and nowhere else; the root is undefined there. */
export function contextsOf({ source, otherInputs }: BuildRecord): readonly (string | undefined)[] {
  return otherInputs.flatMap((input) =>
    input.kind === "git" && input.uri === source?.uri && (input.commit ?? input.ref) === source.commit
      ? [input.subdirectory]
      : [],
  );
}

/** All that are there, or else what holds where none is: where two places say something, both must be right. */
function eachOr<T>(said: readonly (string | undefined)[], absent: T): readonly (string | T)[] {
  const there = said.filter((value) => value !== undefined);
  return there.length > 0 ? there : [absent];
}

/** A path in the source as git writes it; `.`, `./` and nothing are its root. */
export function pathOf(path: string | undefined): string {
  return (path ?? "")
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
}
