import { type PackageChange, packageChange } from "../attestation/package-change.ts";
import type { AttestedPackages } from "../attestation/packages.ts";
import type { Digest } from "../image/digest.ts";
import type { PlatformPackages } from "./image-packages.ts";
import type { AcceptedSbom } from "./read-sbom.ts";

/** Most lists of one image for one platform that are compared; honest ones have a few. */
const MAX_LISTS = 64;

/** Largest lists of one image together that are compared, in characters: all that differs is written as one document. */
const MAX_CHARACTERS = 16 * 1024 * 1024;

/** A format of lists of packages. */
export type ListFormat = AttestedPackages["format"];

/** What one image has of one kind of list. */
export type ListedPackages =
  /** In the word of these bundles, by their SHA-256; `unread` says why there may be more. */
  | {
      readonly kind: "listed";
      readonly bundles: readonly Digest[];
      /** How many packages they list, together and as they stand. */
      readonly count: number;
      readonly unread: readonly string[];
    }
  /** Nobody whom policy lets speak for the image signed one; `refused` says why signed ones don't count. */
  | { readonly kind: "none"; readonly refused: readonly string[] }
  /** There may be one: something could not be looked at, or not be read. */
  | { readonly kind: "unread"; readonly reasons: readonly string[] }
  /** They are longer than is read, or more. What is missing from one that was cut is no package that went. */
  | { readonly kind: "cut" }
  /** What is listed is listed in another format: scanners call one package by different names. */
  | { readonly kind: "other-format" }
  /** What is listed is listed of all platforms together, or of each. */
  | { readonly kind: "other-scope" }
  /** Policy no longer believes what is signed about it. */
  | { readonly kind: "revoked" }
  /** There is no image for the platform, or none that can be read in one way. */
  | { readonly kind: "no-image" };

/** What differs between what two images list for one platform in one format. */
export interface PackagesChange {
  /** Undefined: of the index as a whole, or where neither image is known. */
  readonly platform: string | undefined;
  /** Undefined where neither has any. */
  readonly format: ListFormat | undefined;
  readonly before: ListedPackages;
  readonly after: ListedPackages;
  /** Undefined where not both are `listed`: that nothing is compared doesn't mean that nothing differs. */
  readonly change: PackageChange | undefined;
}

/** Lists of these platforms, or of the index as a whole. */
interface Scope {
  readonly platform: string | undefined;
  readonly ofIndex: boolean;
}

/**
 * Compares the packages of two images, platform by platform and format by format. Several lists of one image are one set: BuildKit writes
 * one for each stage that is scanned.
 */
export function packagesChange(
  before: readonly PlatformPackages[],
  after: readonly PlatformPackages[],
): readonly PackagesChange[] {
  const both = [...before, ...after];
  const names = [...new Set(both.flatMap(({ platform }) => platform ?? []))];
  const ofIndex: Scope = { platform: undefined, ofIndex: true };
  const isIndexListed = formatsIn(both, ofIndex).length > 0;
  const rowsOf = (scope: Scope): readonly PackagesChange[] => {
    const formats = formatsIn(both, scope);
    if (formats.length === 0 && isIndexListed) return [];
    return (formats.length === 0 ? [undefined] : formats).map((format) => rowOf(before, after, scope, format));
  };
  return [
    ...names.flatMap((platform) => rowsOf({ platform, ofIndex: false })),
    ...(isIndexListed || names.length === 0 ? rowsOf(ofIndex) : []),
  ];
}

function rowOf(
  before: readonly PlatformPackages[],
  after: readonly PlatformPackages[],
  scope: Scope,
  format: ListFormat | undefined,
): PackagesChange {
  const from = listedIn(before, scope, format);
  const to = listedIn(after, scope, format);
  const packages = (side: readonly PlatformPackages[]) =>
    listsOf(side, scope, format).flatMap((each) => each.packages.packages);
  const isCompared = from.kind === "listed" && to.kind === "listed";
  const change = isCompared ? packageChange(packages(before), packages(after)) : undefined;
  return { platform: scope.platform, format, before: from, after: to, change };
}

function listedIn(side: readonly PlatformPackages[], scope: Scope, format: ListFormat | undefined): ListedPackages {
  const here = side.filter(({ platform }) => scope.ofIndex || platform === scope.platform);
  // Of an image that couldn't be read so far it isn't known which platforms it has.
  const concerned = here.length > 0 ? here : side.filter(({ platform }) => platform === undefined);
  const lists = listsOf(side, scope, format);
  const unread = [...new Set(concerned.flatMap(unreadOf))];
  const isCut = lists.some(({ packages }) => packages.omitted > 0);
  if (isCut || lists.length > MAX_LISTS || (lists.length > 0 && isTooLarge(side))) return { kind: "cut" };
  if (lists.length > 0) {
    const count = lists.reduce((sum, { packages }) => sum + packages.packages.length, 0);
    return { kind: "listed", bundles: [...new Set(lists.map(bundleOf))], count, unread };
  }
  if (unread.length > 0) return { kind: "unread", reasons: unread };
  if (concerned.some(({ finding }) => finding.kind === "revoked")) return { kind: "revoked" };
  if (!concerned.some(({ isLookedFor }) => isLookedFor)) return { kind: "no-image" };
  if (listsOf(side, scope, undefined).length > 0) return { kind: "other-format" };
  if (concerned.some(({ sboms }) => sboms.length > 0)) return { kind: "other-scope" };
  return { kind: "none", refused: [...new Set(concerned.flatMap(({ refused }) => refused))] };
}

function isTooLarge(side: readonly PlatformPackages[]): boolean {
  let characters = 0;
  for (const { packages } of side.flatMap(({ sboms }) => sboms)) {
    for (const { name, version, purl, licences } of packages.packages)
      characters += [name, version, purl, ...licences].reduce((sum, word) => sum + (word?.length ?? 0), 0);
    if (characters > MAX_CHARACTERS) return true;
  }
  return false;
}

function unreadOf({ finding, isLookedFor, unread, omitted }: PlatformPackages): readonly string[] {
  return [
    ...(finding.kind === "unreachable" && !isLookedFor ? [finding.reason] : []),
    ...unread,
    ...(omitted > 0 ? [`${omitted} more attestations were not read`] : []),
  ];
}

function formatsIn(side: readonly PlatformPackages[], scope: Scope): readonly ListFormat[] {
  return [...new Set(listsOf(side, scope, undefined).map(({ packages }) => packages.format))].sort();
}

/** Each list once: that of an index is found at each of its platforms. @param format - Any if undefined. */
function listsOf(
  side: readonly PlatformPackages[],
  { platform: wanted, ofIndex }: Scope,
  format: ListFormat | undefined,
): readonly AcceptedSbom[] {
  const found = side.flatMap(({ platform, sboms }) =>
    ofIndex || platform === wanted ? sboms.filter(({ coversIndex }) => coversIndex === ofIndex) : [],
  );
  const inFormat = found.filter(({ packages }) => format === undefined || packages.format === format);
  return ofIndex ? [...new Map(inFormat.map((each) => [bundleOf(each), each])).values()] : inFormat;
}

function bundleOf({ by }: AcceptedSbom): Digest {
  return by.found.verified.bundle;
}
