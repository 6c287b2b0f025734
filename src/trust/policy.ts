import type { SignerKey } from "../attestation/public-key.ts";
import { type Digest, digestOf } from "../image/digest.ts";
import { type Platform, parsePlatform } from "../image/platform.ts";
import { imageName, type PinnedImage, parseReference } from "../image/reference.ts";
import { type Builder, defaultBuilderOf } from "./builder.ts";
import { type ExternalReferrers, referrersOf } from "./external-referrers.ts";
import { feedOf } from "./feed-entry.ts";
import { compileGlob, type Glob } from "./glob.ts";
import { mirrorOf } from "./mirror.ts";
import { inconsistenciesOf } from "./policy-consistency.ts";
import { formatPath, PolicyError, type PolicyLine } from "./policy-fault.ts";
import { byPlace, readPolicyForm } from "./policy-reading.ts";
import {
  type DefaultPolicyFile,
  defaultPolicySchema,
  type Loosenable,
  type PolicyFile,
  policySchema,
} from "./policy-schema.ts";
import { keysOf, signersOf } from "./policy-signers.ts";
import type { Publisher } from "./preset-entry.ts";
import { foldCase } from "./repository-uri.ts";
import { verifierOf } from "./verifier-entry.ts";

/** What whoever asks accepts. A verdict never exists without one (RULES R1). */
export interface Policy {
  /** A file's name, or `default policy`. */
  readonly name: string;
  /** SHA-256 of the policy's text. */
  readonly digest: Digest;
  readonly builders: readonly Builder[];
  /** Publishers named by a preset: their entries are among `builders`. */
  readonly publishers: readonly Publisher[];
  /** Every key that this policy names, for the verifier. Which of them may speak for what, the entries say. */
  readonly keys: readonly SignerKey[];
  readonly roots: readonly TrustRoot[];
  readonly roles: Readonly<Record<"input" | "frontend" | "tool", RoleRule>>;
  /** Which platforms of an index count; all of them if undefined. */
  readonly platforms: readonly Platform[] | undefined;
  readonly revoked: readonly Revocation[];
  /** Since when the newest of these is known; undefined without any, `undated` where one doesn't say (RULES R28). */
  readonly newestRevocation: Date | "undated" | undefined;
  /** How images of the asker's own are built (RULES R9). */
  readonly builds: readonly ExpectedBuild[];
  /** Whose summaries may stand for a walk (RULES R28). */
  readonly verifiers: readonly AcceptedVerifier[];
  /** What may go in beside images (RULES R20). */
  readonly allow: AllowedInputs;
  /** Names that stand for other names. */
  readonly mirrors: readonly Mirror[];
  /** Where else to look for what refers to an image. */
  readonly referrers: readonly ExternalReferrers[];
  /** Files of roots that somebody publishes and this policy takes up. */
  readonly rootsFrom: readonly RootsFeed[];
  /** Which faults turn a check red (RULES R35). No verdict rests on it. */
  readonly enforce: "report" | "ratchet" | "strict";
  /** Of an organisation: the keys that a repository's policy may loosen (RULES R2). */
  readonly loosen: readonly Loosenable[];
  /** Where something of this policy stands in its file, by its path (`trust.roots[0]`); undefined for what isn't written there. */
  readonly lineOf: (path: string) => PolicyLine | undefined;
}

/** Whose VSA ends a walk (RULES R28): signer, verifier and policy together. */
export interface AcceptedVerifier {
  /** `trust.verifiers[0]` */
  readonly path: string;
  /** `verifier.id` in the VSA. */
  readonly id: string;
  readonly signer:
    | { readonly kind: "key"; readonly key: SignerKey }
    /** `identity` matches the certificate's name as a whole; `source` is the repository in its extension .12, and undefined where it must name none. */
    | {
        readonly kind: "certificate";
        readonly issuer: string;
        readonly identity: Glob;
        readonly source: string | undefined;
        readonly repositoryId: string | undefined;
        readonly ownerId: string | undefined;
      };
  /** `policy.digest` in the VSA. */
  readonly policy: Digest;
  /** In milliseconds, from the trusted timestamp. */
  readonly maxAgeMs: number;
  /** The least SLSA build level, of the image and of everything below it. */
  readonly minimum: number;
}

/** What may go in beside images (RULES R20). */
export interface AllowedInputs {
  /** Whether commands may have the network; shown in any case. */
  readonly network: boolean;
  /** Whether content of the builder's own, that isn't the signed commit, may go in. */
  readonly localContext: boolean;
  /** Addresses that may be fetched without a checksum. */
  readonly httpWithoutChecksum: readonly Glob[];
  /** Whether what earlier builds left may go in: cache mounts and imported caches. */
  readonly cache: boolean;
  /** Whether commands may run without a sandbox. */
  readonly privileged: boolean;
  /** Images of local layouts, which nobody else can look at, by digest. */
  readonly layouts: readonly Digest[];
}

/** `mirror.example/library/{name}` stands for `docker.io/library/{name}`: what policy says of the one holds for the other. */
export interface Mirror {
  readonly path: string;
  readonly images: Glob;
  /** With the captures of `images` in it. */
  readonly of: string;
}

/** A signed file of roots (docs/roots.md). */
export interface RootsFeed {
  readonly path: string;
  readonly url: string;
  readonly signer: AcceptedVerifier["signer"];
  /** The names that it may speak for; what else it names is nothing here. */
  readonly images: readonly Glob[];
  /** From its issue, in milliseconds; undefined: as long as the feed itself says. */
  readonly maxAgeMs: number | undefined;
}

/** How strictly parents of a role are judged (RULES R19). */
export type RoleRule = "attested" | "pinned" | "allow";

/** An image at which the walk may end although it can't be walked further (RULES R27). */
export interface TrustRoot {
  readonly path: string;
  readonly image: PinnedImage;
  readonly reason: string;
  /** The last day on which it holds, as YYYY-MM-DD in UTC. */
  readonly expires: string;
}

/** What is no longer believed, and why. */
export type Revocation =
  | { readonly kind: "digest"; readonly digest: Digest; readonly reason: string }
  | { readonly kind: "commit"; readonly commit: string; readonly reason: string }
  | (RevokedTime & {
      readonly kind: "identity";
      /** In lower case, as what is compared with it. */
      readonly identity: Glob;
    })
  | (RevokedTime & {
      readonly kind: "builder";
      /** The building workflow with its ref, without the server; in lower case, as what is compared with it. */
      readonly builder: Glob;
      /** The commit of that workflow; any if undefined. */
      readonly workflowDigest: string | undefined;
    });

/** A window of signing times, open where an end is undefined. */
export interface RevokedTime {
  readonly from: Date | undefined;
  readonly until: Date | undefined;
  readonly reason: string;
}

/** The parameters with which an image must have been built (RULES R9). */
export interface ExpectedBuild {
  readonly path: string;
  /** registry/repository */
  readonly image: string;
  readonly dockerfile: string;
  readonly context: string | undefined;
  readonly target: string | undefined;
  readonly platforms: readonly Platform[] | undefined;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly contexts: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  readonly tags: readonly Glob[] | undefined;
  /** Templates of the image's tags (RULES R26); the first names the build for good, others may move. */
  readonly imageTags: readonly string[];
  /** The caller's workflow file below `.github/workflows/`. */
  readonly workflow: string;
}

/** What a policy file takes for granted where it runs. */
export interface PolicySurroundings {
  /** The GitHub server that is meant where `server` is left out (RULES R10). */
  readonly server: string;
}

/** Where a policy file runs that nobody says anything else of. */
export const GITHUB_COM: PolicySurroundings = { server: "https://github.com" };

/**
 * Reads a policy file.
 *
 * @param name - For messages: the path as the person gave it.
 * @throws {PolicyError} with every fault that could be found, each with line and column.
 */
export function parsePolicy(bytes: Uint8Array, name: string, surroundings: PolicySurroundings = GITHUB_COM): Policy {
  const { whole, sound, faults, positions, placeOf } = readPolicyForm(policySchema, bytes, name);
  const inconsistencies = sound === undefined ? [] : inconsistenciesOf(sound, surroundings.server);
  const further = inconsistencies.map(({ place, message, other }) =>
    positions.at(placeOf(place), other === undefined ? message : `${message} ${formatPath(placeOf(other))}`),
  );
  if (whole === undefined || further.length > 0) throw new PolicyError(name, byPlace([...faults, ...further]));
  const { builders, publishers } = signersOf(whole, surroundings.server);
  const mirrors = whole.trust.mirrors.map((entry, i) => mirrorOf(entry, `trust.mirrors[${i}]`));
  return policyOf(whole, { builders, publishers, mirrors, lineOf: positions.lineOf }, bytes, name);
}

/** Reads the default policy's own form, in which a source is an owner (RULES R5). For the built-in text only. */
export function parseDefaultPolicy(bytes: Uint8Array, name: string): Policy {
  const { whole, faults, positions } = readPolicyForm(defaultPolicySchema, bytes, name);
  if (whole === undefined) throw new PolicyError(name, faults);
  const builders = whole.trust.builders.map((builder, i) =>
    defaultBuilderOf(builder, `trust.builders[${i}]`, GITHUB_COM.server),
  );
  return policyOf(whole, { builders, publishers: [], mirrors: [], lineOf: positions.lineOf }, bytes, name);
}

function policyOf(
  value: PolicyFile | DefaultPolicyFile,
  { builders, publishers, mirrors, lineOf }: Pick<Policy, "builders" | "publishers" | "mirrors" | "lineOf">,
  bytes: Uint8Array,
  name: string,
): Policy {
  const { trust } = value;
  const verifiers = trust.verifiers.map((entry, i) => verifierOf(entry, `trust.verifiers[${i}]`));
  return {
    name,
    digest: digestOf(bytes),
    builders,
    publishers,
    keys: keysOf(builders, verifiers),
    roots: trust.roots.map((root, i) => ({ ...root, path: `trust.roots[${i}]`, image: pinned(root.image) })),
    roles: { input: trust.roles.inputs, frontend: trust.roles.frontends, tool: trust.roles.tools },
    platforms: trust.platforms?.map((platform) => parsePlatform(platform)),
    revoked: trust.revoked.map(revocationOf),
    newestRevocation: newestOf(trust.revoked.map((entry) => ("made" in entry ? entry.made : undefined))),
    verifiers: verifiers,
    referrers: trust.referrers.map((entry, i) => referrersOf(entry, `trust.referrers[${i}]`)),
    allow: {
      network: trust.allow.network,
      localContext: trust.allow["local-context"],
      httpWithoutChecksum: trust.allow["http-without-checksum"].map(compileGlob),
      cache: trust.allow.cache,
      privileged: trust.allow.privileged,
      layouts: trust.allow.layouts as readonly Digest[],
    },
    mirrors,
    rootsFrom: trust["roots-from"].map((entry, i) => feedOf(entry, `trust.roots-from[${i}]`)),
    enforce: value.enforce,
    loosen: value.loosen,
    lineOf,
    builds: value.builds.map((build, i) => ({
      path: `builds[${i}]`,
      image: imageName(parseReference(build.image)),
      dockerfile: build.dockerfile,
      context: build.context,
      target: build.target,
      platforms: build.platforms?.map((platform) => parsePlatform(platform)),
      buildArgs: build["build-args"],
      contexts: build.contexts,
      secrets: build.secrets,
      tags: build.tags?.map(compileGlob),
      imageTags: build["image-tags"],
      workflow: build.workflow,
    })),
  };
}

function pinned(text: string): PinnedImage {
  return parseReference(text) as PinnedImage;
}

/** A day counts to its end: what was made on it may have been made before. */
function newestOf(made: readonly (string | undefined)[]): Policy["newestRevocation"] {
  if (made.length === 0) return undefined;
  if (made.some((text) => text === undefined)) return "undated";
  const times = made.map((text = "") => Date.parse(text.includes("T") ? text : `${text}T23:59:59.999Z`));
  return new Date(Math.max(...times));
}

function revocationOf(entry: PolicyFile["trust"]["revoked"][number]): Revocation {
  if ("digest" in entry) return { kind: "digest", digest: entry.digest as Digest, reason: entry.reason };
  if ("commit" in entry) return { kind: "commit", commit: entry.commit, reason: entry.reason };
  const { from, until, reason } = entry;
  const time = (text: string | undefined, end: string) =>
    text === undefined ? undefined : new Date(text.includes("T") ? text : `${text}T${end}Z`);
  const window: RevokedTime = { from: time(from, "00:00:00"), until: time(until, "23:59:59.999"), reason };
  if ("identity" in entry) return { kind: "identity", identity: compileGlob(foldCase(entry.identity)), ...window };
  const { builder, "workflow-digest": workflowDigest } = entry;
  return { kind: "builder", builder: compileGlob(foldCase(builder)), workflowDigest, ...window };
}
