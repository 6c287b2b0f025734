import type { AttestedPackage } from "./packages.ts";

/** A package as two lists know it again, in all versions that a list has of it. */
export interface ListedPackage {
  /** Its package URL without version, qualifiers and percent-encoding; undefined where it has none and its name is all that is known. */
  readonly purl: string | undefined;
  readonly name: string;
  /** Each once, in order; none where the list tells none. */
  readonly versions: readonly string[];
  /** The same, over all versions. */
  readonly licences: readonly string[];
}

/** What became of one package. */
export interface ChangedPackage {
  readonly from: ListedPackage;
  readonly to: ListedPackage;
}

/** What differs between two lists of packages; a package may be among `versions` and among `licences`. */
export interface PackageChange {
  readonly gained: readonly ListedPackage[];
  readonly lost: readonly ListedPackage[];
  readonly versions: readonly ChangedPackage[];
  readonly licences: readonly ChangedPackage[];
  /** How many packages are in both with the same versions and licences. */
  readonly same: number;
}

/**
 * Compares what two lists say. Qualifiers of package URLs don't count: they name the distribution's release and the architecture, and
 * would make another package of everything when the base moves. Several versions of one package are compared as sets.
 */
export function packageChange(before: readonly AttestedPackage[], after: readonly AttestedPackage[]): PackageChange {
  const [earlier, later] = [listed(before), listed(after)];
  const both = [...later].flatMap(([key, to]) => {
    const from = earlier.get(key);
    return from === undefined ? [] : [{ from, to }];
  });
  const versions = both.filter(({ from, to }) => !areSame(from.versions, to.versions));
  const licences = both.filter(({ from, to }) => !areSame(from.licences, to.licences));
  return {
    gained: [...later].flatMap(([key, each]) => (earlier.has(key) ? [] : [each])),
    lost: [...earlier].flatMap(([key, each]) => (later.has(key) ? [] : [each])),
    versions,
    licences,
    same: both.length - new Set([...versions, ...licences]).size,
  };
}

/** Each package once, under its key, in the order of the keys. */
function listed(packages: readonly AttestedPackage[]): ReadonlyMap<string, ListedPackage> {
  const groups = Map.groupBy(packages.map(known), ({ key }) => key);
  return new Map(
    [...groups].sort(byKey).map(([key, all]) => [
      key,
      {
        purl: all[0]?.purl,
        name: all[0]?.name ?? "",
        versions: inOrder(all.flatMap(({ version }) => version ?? [])),
        licences: inOrder(all.flatMap(({ licences }) => licences)),
      },
    ]),
  );
}

interface KnownPackage extends Pick<AttestedPackage, "name" | "licences"> {
  readonly key: string;
  readonly purl: string | undefined;
  readonly version: string | undefined;
}

function known({ name, version, licences, purl }: AttestedPackage): KnownPackage {
  const read = purl === null ? undefined : readPurl(purl);
  const key = read === undefined ? `name ${name}` : `purl ${read.purl}`;
  return { key, name, licences, purl: read?.purl, version: version ?? read?.version };
}

/**
 * Splits a package URL, well-formed or not. A version begins behind the last part of the name: `pkg:npm/@acme/app`, as some write it, has
 * none. Whether `+` and `@` are percent-encoded differs from one release of a scanner to the next.
 *
 * @returns undefined for what is no package URL.
 */
function readPurl(text: string): { readonly purl: string; readonly version: string | undefined } | undefined {
  if (!/^pkg:/i.test(text)) return undefined;
  const subpath = text.indexOf("#");
  const [whole = ""] = (subpath < 0 ? text : text.slice(0, subpath)).split("?", 1);
  const at = whole.lastIndexOf("@");
  const hasVersion = at > whole.lastIndexOf("/") + 1;
  const named = `pkg:${(hasVersion ? whole.slice(0, at) : whole).slice("pkg:".length)}`;
  return {
    purl: `${decoded(named)}${subpath < 0 ? "" : decoded(text.slice(subpath))}`,
    version: hasVersion ? decoded(whole.slice(at + 1)) : undefined,
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function inOrder(words: readonly string[]): readonly string[] {
  return [...new Set(words)].sort();
}

function areSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((each, i) => each === other[i]);
}

function byKey([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : 1;
}
