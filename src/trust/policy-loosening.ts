import type { SignerKey } from "../attestation/public-key.ts";
import { digestOf } from "../image/digest.ts";
import { formatPlatform, type Platform } from "../image/platform.ts";
import type { AllowedInputs, Policy, RoleRule } from "./policy.ts";
import type { Loosenable } from "./policy-schema.ts";

/**
 * The organisation's policy as it holds for one repository (RULES R2): in the keys that it lists in `loosen`, and in no other, what the
 * repository's policy takes is taken too. Everything else stays the organisation's: what it revokes, above all.
 */
export function loosenedFor(organisation: Policy, repository: Policy): Policy {
  const loosened = organisation.loosen.reduce((policy, key) => LOOSENINGS[key](policy, repository), organisation);
  if (loosened === organisation) return organisation;
  // Judged by both texts, and named so: whoever takes the organisation's word for its own text doesn't take this one for it.
  const digest = digestOf(new TextEncoder().encode(`${organisation.digest}\n${repository.digest}\n`));
  return { ...loosened, digest };
}

type Loosening = (organisation: Policy, repository: Policy) => Policy;

const LOOSENINGS: Readonly<Record<Loosenable, Loosening>> = {
  enforce: (policy, repository) => ({ ...policy, enforce: looser(ENFORCEMENTS, policy.enforce, repository.enforce) }),
  "trust.builders": (policy, repository) => withBuilders(policy, repository, "trust.builders["),
  "trust.publishers": (policy, repository) => ({
    ...withBuilders(policy, repository, "trust.publishers["),
    publishers: [...policy.publishers, ...repository.publishers.map((each) => of(repository, each))],
  }),
  "trust.roots": (policy, repository) => ({
    ...policy,
    roots: [...policy.roots, ...repository.roots.map((root) => of(repository, root))],
  }),
  "trust.roles.inputs": (policy, repository) => withRole(policy, repository, "input"),
  "trust.roles.frontends": (policy, repository) => withRole(policy, repository, "frontend"),
  "trust.roles.tools": (policy, repository) => withRole(policy, repository, "tool"),
  "trust.platforms": (policy, { platforms }) => ({ ...policy, platforms: fewer(policy.platforms, platforms) }),
  "trust.allow.network": (policy, { allow }) => allowing(policy, { network: allow.network }),
  "trust.allow.local-context": (policy, { allow }) => allowing(policy, { localContext: allow.localContext }),
  "trust.allow.cache": (policy, { allow }) => allowing(policy, { cache: allow.cache }),
  "trust.allow.privileged": (policy, { allow }) => allowing(policy, { privileged: allow.privileged }),
  "trust.allow.http-without-checksum": (policy, { allow }) => ({
    ...policy,
    allow: {
      ...policy.allow,
      httpWithoutChecksum: [...policy.allow.httpWithoutChecksum, ...allow.httpWithoutChecksum],
    },
  }),
  "trust.allow.layouts": (policy, { allow }) => ({
    ...policy,
    allow: { ...policy.allow, layouts: [...policy.allow.layouts, ...allow.layouts] },
  }),
};

/** Told with whose it is: both files have a `trust.roots[0]`. */
function of<T extends { readonly path: string }>({ name }: Policy, entry: T): T {
  return { ...entry, path: `${entry.path} of ${name}` };
}

function withBuilders(policy: Policy, repository: Policy, path: string): Policy {
  const added = repository.builders.filter(
    (builder) => builder.path.startsWith(path) && (builder.kind !== "key" || !isOtherwiseLogged(policy, builder.key)),
  );
  const known = new Set(policy.keys.map(({ fingerprint }) => fingerprint));
  const keys = added.flatMap((builder) => (builder.kind === "key" ? [builder.key] : []));
  const newKeys = new Map(
    keys.filter(({ fingerprint }) => !known.has(fingerprint)).map((key) => [key.fingerprint, key]),
  );
  return {
    ...policy,
    builders: [...policy.builders, ...added.map((builder) => of(repository, builder))],
    keys: [...policy.keys, ...newKeys.values()],
  };
}

/** The verifier is asked about a key once: the repository's answer must not hold for the organisation's own entries. */
function isOtherwiseLogged({ keys }: Policy, { fingerprint, log }: SignerKey): boolean {
  return keys.some((key) => key.fingerprint === fingerprint && key.log !== log);
}

/** The loosest first. */
const STRICTNESS: readonly RoleRule[] = ["allow", "pinned", "attested"];
const ENFORCEMENTS: readonly Policy["enforce"][] = ["report", "ratchet", "strict"];

function looser<Word>(words: readonly Word[], a: Word, b: Word): Word {
  return words.indexOf(a) <= words.indexOf(b) ? a : b;
}

function withRole(policy: Policy, repository: Policy, role: keyof Policy["roles"]): Policy {
  const word = looser(STRICTNESS, policy.roles[role], repository.roles[role]);
  return { ...policy, roles: { ...policy.roles, [role]: word } };
}

function allowing(
  policy: Policy,
  more: Partial<Record<"network" | "localContext" | "cache" | "privileged", boolean>>,
): Policy {
  const { network, localContext, cache, privileged } = policy.allow;
  const allow: AllowedInputs = {
    ...policy.allow,
    network: network || more.network === true,
    localContext: localContext || more.localContext === true,
    cache: cache || more.cache === true,
    privileged: privileged || more.privileged === true,
  };
  return { ...policy, allow };
}

/** Those that count for both; the organisation's where none does, for then nothing would be judged. */
function fewer(
  organisation: readonly Platform[] | undefined,
  repository: readonly Platform[] | undefined,
): readonly Platform[] | undefined {
  if (organisation === undefined || repository === undefined) return organisation ?? repository;
  const wanted = new Set(repository.map(formatPlatform));
  const both = organisation.filter((platform) => wanted.has(formatPlatform(platform)));
  return both.length === 0 ? organisation : both;
}
