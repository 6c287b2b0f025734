/** Most packages of one SBOM that are kept; a large distribution's image has some thousands. */
export const MAX_PACKAGES = 5_000;

/** Most licences of one package that are kept; an expression is one. */
const MAX_LICENCES = 20;

/** Longest words of an SBOM that are kept, in characters: purls and addresses are the longest that honest ones have. */
const MAX_WORDS = 2_000;

/** A package in the words of whoever made the SBOM: where it came from, and what it is, nobody has compared with the image. */
export interface AttestedPackage {
  readonly name: string;
  readonly version: string | null;
  /** SPDX expressions, or names, as they are written. */
  readonly licences: readonly string[];
  readonly purl: string | null;
  /** Where its source is to be had: an address of the author's choice, of any scheme. */
  readonly source: string | null;
}

/** The packages of one SBOM. */
export interface AttestedPackages {
  readonly format: "spdx" | "cyclonedx";
  readonly packages: readonly AttestedPackage[];
  /** How many more it lists. */
  readonly omitted: number;
}

/** What an SBOM says of a package, in any of its places; the first word that says something counts. */
export interface PackageWords {
  readonly name: string;
  readonly version: string | null | undefined;
  readonly licences: readonly (string | null | undefined)[];
  readonly purls: readonly (string | null | undefined)[];
  readonly sources: readonly (string | null | undefined)[];
}

/** Takes what fits into a list that nobody can make longer than {@link MAX_PACKAGES}. */
export function packagesOf(format: AttestedPackages["format"], words: readonly PackageWords[]): AttestedPackages {
  const kept = words.slice(0, MAX_PACKAGES).map(({ name, version, licences, purls, sources }): AttestedPackage => {
    return {
      name: clipped(name),
      version: told(version),
      licences: [...new Set(licences.flatMap((licence) => told(licence) ?? []))].slice(0, MAX_LICENCES),
      purl: firstOf(purls),
      source: firstOf(sources),
    };
  });
  return { format, packages: kept, omitted: words.length - kept.length };
}

function firstOf(words: readonly (string | null | undefined)[]): string | null {
  return words.map(told).find((word) => word !== null) ?? null;
}

/** SPDX has words for knowing nothing, and for there being nothing; tools write them into CycloneDX too. */
function told(word: string | null | undefined): string | null {
  return word === null || word === undefined || ["", "NOASSERTION", "NONE"].includes(word.trim())
    ? null
    : clipped(word);
}

/** Fit to be kept as JSON anywhere: databases refuse half a surrogate pair, and the character zero. */
function clipped(word: string): string {
  const whole = word.length > MAX_WORDS ? `${word.slice(0, MAX_WORDS)}…` : word;
  return whole.toWellFormed().replaceAll("\0", "\ufffd");
}
