import type { BuildRecord } from "../attestation/buildkit.ts";
import type { Provenance } from "../attestation/provenance.ts";
import { formatPlatform, type Platform, samePlatform } from "../image/platform.ts";
import type { RefusalCode } from "./finding.ts";
import type { ExpectedBuild } from "./policy.ts";

/** Arguments of BuildKit's request that say how the source is reached or the result labelled, not what is built. */
const NEUTRAL_ARGUMENTS = new Set([
  "source",
  "cmdline",
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

  const { args, secrets, ssh, nested } = record.request;
  if (nested.length > 0) return unknown("another request as its input");
  const dockerfile = args.filename ?? record.source?.path ?? "Dockerfile";
  if (dockerfile !== expected.dockerfile) return differs("dockerfile", dockerfile, expected.dockerfile);
  if (args.target !== expected.target) return differs("target", args.target, expected.target);
  const context = args.contextsubdir ?? record.source?.subdirectory;
  if (context !== expected.context) return differs("context", context, expected.context);
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
