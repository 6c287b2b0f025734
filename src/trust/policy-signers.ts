import type { SignerKey } from "../attestation/public-key.ts";
import { type Builder, buildersOf } from "./builder.ts";
import type { AcceptedVerifier } from "./policy.ts";
import type { PolicyFile } from "./policy-schema.ts";
import { builderPresetsOf, GITHUB, type Publisher, publisherOf } from "./preset-entry.ts";
import { verifierOf } from "./verifier-entry.ts";

/** Something wrong with what several keys say together. */
export interface Inconsistency {
  readonly place: readonly PropertyKey[];
  readonly message: string;
  /** What it doesn't agree with: told behind the message. */
  readonly other?: readonly PropertyKey[];
}

/** Whose word a policy takes: its own entries, and those that its presets stand for. */
interface Signers {
  readonly builders: readonly Builder[];
  readonly publishers: readonly Publisher[];
  readonly faults: readonly Inconsistency[];
}

/** @param server - The GitHub server that is meant where an entry names none (RULES R10). */
export function signersOf({ trust }: PolicyFile, server: string): Signers {
  const presets = builderPresetsOf(trust["builder-presets"]);
  const faults: Inconsistency[] = [];
  const keys: { readonly key: SignerKey; readonly place: readonly PropertyKey[] }[] = [];

  const own = trust.builders.map((entry, i) => {
    const place = ["trust", "builders", i];
    const { github } = entry;
    if (github !== undefined && github.workflow === undefined) {
      const at = [...place, "github", "workflow"];
      if (presets.length === 0)
        faults.push({ place: at, message: "says who builds; only with trust.builder-presets it may be left out" });
      // The names of the presets are those of accounts on github.com: elsewhere somebody else may have them.
      else if ((github.server ?? server) !== GITHUB || github.issuer !== undefined)
        faults.push({ place: at, message: `says who builds: trust.builder-presets are of ${GITHUB}` });
    }
    const builders = buildersOf(entry, `trust.builders[${i}]`, server, presets);
    for (const builder of builders)
      if (builder.kind === "key") keys.push({ key: builder.key, place: [...place, "key", "log"] });
    return builders;
  });
  const published = trust.publishers.map((entry, i) => {
    const place = ["trust", "publishers", i];
    if (typeof entry === "string" && trust.publishers.indexOf(entry) < i)
      faults.push({ place, message: `${entry} stands twice in this list` });
    const { builders, publisher } = publisherOf(entry, `trust.publishers[${i}]`, server, presets);
    for (const builder of builders) if (builder.kind === "key") keys.push({ key: builder.key, place });
    return { builders, publisher };
  });
  trust.verifiers.forEach((entry, i) => {
    const key = keyOf(verifierOf(entry, `trust.verifiers[${i}]`));
    if (key !== undefined) keys.push({ key, place: ["trust", "verifiers", i, "key", "log"] });
  });
  // The verifier is asked about a key once: of two answers the weaker one would hold for both.
  for (const { key, place } of keys) {
    const other = keys.find((each) => each.key.fingerprint === key.fingerprint && each.key.log !== key.log);
    if (other === undefined) continue;
    faults.push({ place, message: `log: ${other.key.log} is said of the same key by`, other: other.place });
  }
  return {
    builders: [...own.flat(), ...published.flatMap(({ builders }) => builders)],
    publishers: published.flatMap(({ publisher }) => publisher ?? []),
    faults,
  };
}

/** Each once: the verifier tries them one by one. */
export function keysOf(builders: readonly Builder[], verifiers: readonly AcceptedVerifier[]): readonly SignerKey[] {
  const keys = [
    ...builders.flatMap((builder) => (builder.kind === "key" ? [builder.key] : [])),
    ...verifiers.flatMap((verifier) => keyOf(verifier) ?? []),
  ];
  return [...new Map(keys.map((key) => [key.fingerprint, key])).values()];
}

function keyOf({ signer }: AcceptedVerifier): SignerKey | undefined {
  return signer.kind === "key" ? signer.key : undefined;
}
