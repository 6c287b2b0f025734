import type { Digest } from "../image/digest.ts";
import { isDigest } from "../image/digest.ts";
import { commitOf, parseGitUrl } from "./git-url.ts";
import type { Step } from "./llb.ts";
import type { Unresolved } from "./parents.ts";
import type { Dependency, ProvenanceSource } from "./provenance.ts";
import type { BuildRequest } from "./request.ts";
import type { LlbSource } from "./source-identifier.ts";

/** Something that went into a build and is no image (RULES R20). */
export type BuildInput =
  | {
      readonly kind: "git";
      /** Without fragment. */
      readonly uri: string;
      readonly ref?: string;
      readonly subdirectory?: string;
      readonly commit?: string;
    }
  | {
      readonly kind: "http";
      readonly uri: string;
      /** What was found. */
      readonly digest?: Digest;
      /** What the build demanded beforehand. Without LLB it can't be told, and is absent. */
      readonly checksum?: Digest;
    }
  | { readonly kind: "local"; readonly name: string }
  /** So many commands had this network; `sandbox` is the ordinary one, with the way out open. Only an LLB tells. */
  | { readonly kind: "network"; readonly mode: "sandbox" | "host" | "none" | "unknown"; readonly steps: number }
  /** A cache that commands kept between builds: its content is recorded nowhere. */
  | { readonly kind: "cache"; readonly id: string }
  /** Results of steps that were taken from somewhere instead of being made. BuildKit itself leaves them out of its records. */
  | { readonly kind: "imported-cache"; readonly from: string }
  /** So many commands ran without a sandbox. */
  | { readonly kind: "privileged"; readonly steps: number };

/** A step, and what it fetched if it is a source that can be understood. */
export interface LlbStep {
  readonly step: Step;
  readonly source?: LlbSource;
}

const NETWORK_MODES = ["sandbox", "host", "none"] as const;

const CACHE_MOUNT = 3;

/** Arguments of a request that name caches to import: BuildKit's own, and those of older clients. */
const CACHE_IMPORTS = ["cache-imports", "cache-from"];

/**
 * The inputs that aren't images, of the list and the LLB together, each once. The build's own git source is left out: it is
 * judged as the source (RULES R10).
 */
export function inputsOf(
  others: readonly Dependency[],
  steps: readonly LlbStep[],
  request: BuildRequest,
  config: ProvenanceSource | undefined,
): { readonly inputs: readonly BuildInput[]; readonly unresolved: readonly Unresolved[] } {
  const inputs = new Map<string, BuildInput>();
  const unresolved: Unresolved[] = [];
  const add = (input: BuildInput) => inputs.set(JSON.stringify(input), input);

  const sources = steps.flatMap(({ source }) => source ?? []);
  const demanded = checksumsOf(sources);
  for (const dependency of others) {
    if (isConfigSource(dependency, config)) continue;
    const input = listedInput(dependency, demanded);
    if ("why" in input) unresolved.push(input);
    else add(input);
  }

  const known = [...inputs.values()];
  const knownFiles = new Set(known.flatMap((input) => (input.kind === "http" ? [input.uri] : [])));
  const repositories = repositoriesOf(known, config);
  for (const source of sources) {
    if (source.kind === "git") {
      const { kind, uri, ref, subdirectory, commit } = source;
      if (repositories.get(uri)?.some((candidate) => isSamePlace(source, candidate))) continue;
      add({ kind, uri, ...(ref && { ref }), ...(subdirectory && { subdirectory }), ...(commit && { commit }) });
    } else if (source.kind === "http") {
      if (!knownFiles.has(source.uri)) add(source);
    } else if (source.kind === "local") add(source);
  }
  if (config !== undefined && config.uri !== "" && parseGitUrl(config.uri) === undefined) {
    // The context was an archive or something else; where the list has it, it stands there with its digest.
    const listed = known.some((input) => "uri" in input && input.uri === config.uri);
    if (!listed && /^https?:\/\//.test(config.uri)) add({ kind: "http", uri: config.uri });
    else if (!listed)
      unresolved.push({ uri: config.uri.slice(0, 500), why: "the source of the build is of no known kind" });
  }
  for (const { locals, args } of [request, ...request.nested]) {
    for (const name of locals) add({ kind: "local", name });
    for (const argument of CACHE_IMPORTS) {
      const from = Object.hasOwn(args, argument) ? (args[argument] ?? "") : "";
      // An empty list is how clients say that there is none.
      if (from !== "" && from !== "[]") add({ kind: "imported-cache", from: from.slice(0, 500) });
    }
  }
  for (const input of openings(steps)) add(input);
  return { inputs: [...inputs.values()], unresolved };
}

function isConfigSource({ uri, digest }: Dependency, config: ProvenanceSource | undefined): boolean {
  if (config === undefined || config.uri !== uri || parseGitUrl(uri) === undefined) return false;
  const commit = commitOf(digest);
  return commit !== undefined && commit === commitOf(config.digest);
}

function listedInput(
  { uri, digest }: Dependency,
  demanded: ReadonlyMap<string, ReadonlySet<Digest>>,
): BuildInput | Unresolved {
  const shown = uri.slice(0, 500);
  const url = parseGitUrl(uri);
  if (url !== undefined) {
    const commit = commitOf(digest);
    return commit === undefined ? { uri: shown, why: "it has no commit" } : { kind: "git", ...url, commit };
  }
  if (!/^https?:\/\//.test(uri)) return { uri: shown, why: "a dependency of a kind that is not known" };
  const found = Object.entries(digest)
    .map(([algorithm, hex]) => `${algorithm}:${hex}`)
    .find(isDigest);
  if (found === undefined) return { uri: shown, why: "it has no sha256, sha384 or sha512 digest" };
  const checksums = [...(demanded.get(uri) ?? [])];
  if (checksums.some((checksum) => checksum.split(":")[0] === found.split(":")[0] && checksum !== found)) {
    return { uri: shown, why: "the checksum that was demanded and the digest that was found disagree" };
  }
  const [checksum] = checksums;
  return { kind: "http", uri, digest: found, ...(checksum !== undefined && { checksum }) };
}

/** Only URLs of which every fetch demanded a checksum: one that didn't would hide behind one that did. */
function checksumsOf(sources: readonly LlbSource[]): ReadonlyMap<string, ReadonlySet<Digest>> {
  const demanded = new Map<string, Set<Digest>>();
  const free = new Set<string>();
  for (const source of sources) {
    if (source.kind !== "http") continue;
    if (source.checksum === undefined) free.add(source.uri);
    else demanded.set(source.uri, (demanded.get(source.uri) ?? new Set()).add(source.checksum));
  }
  for (const uri of free) demanded.delete(uri);
  return demanded;
}

type Place = Pick<BuildInput & { readonly kind: "git" }, "uri" | "ref" | "subdirectory" | "commit">;

/** The repositories that the list or the build's own source has, by URL. */
function repositoriesOf(
  known: readonly BuildInput[],
  config: ProvenanceSource | undefined,
): ReadonlyMap<string, readonly Place[]> {
  const own = config && parseGitUrl(config.uri);
  const commit = config && commitOf(config.digest);
  const places: readonly Place[] = [
    ...known.filter((input) => input.kind === "git"),
    ...(own ? [{ ...own, ...(commit !== undefined && { commit }) }] : []),
  ];
  return Map.groupBy(places, ({ uri }) => uri);
}

function isSamePlace({ ref, subdirectory, commit }: Place, other: Place): boolean {
  const sameCommit = commit === undefined || commit === other.commit;
  return ref === other.ref && subdirectory === other.subdirectory && sameCommit;
}

/** What the commands could reach. */
function openings(steps: readonly LlbStep[]): readonly BuildInput[] {
  const modes = new Map<(typeof NETWORK_MODES)[number] | "unknown", number>();
  const caches = new Set<string>();
  let privileged = 0;
  for (const { step } of steps) {
    const { operation } = step;
    if (operation.kind !== "exec") continue;
    const mode = NETWORK_MODES[operation.network] ?? "unknown";
    modes.set(mode, (modes.get(mode) ?? 0) + 1);
    if (operation.security !== 0) privileged++;
    for (const mount of operation.mounts) if (mount.type === CACHE_MOUNT) caches.add(mount.cacheId || mount.dest);
  }
  return [
    ...[...modes].map(([mode, count]) => ({ kind: "network" as const, mode, steps: count })),
    ...[...caches].map((id) => ({ kind: "cache" as const, id })),
    ...(privileged > 0 ? [{ kind: "privileged" as const, steps: privileged }] : []),
  ];
}
