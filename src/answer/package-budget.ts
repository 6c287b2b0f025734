import type { PackageList } from "./facts.ts";

/**
 * Cuts lists of packages to what may be kept. Each has the same share, and what short ones leave goes to the longer: an image of one
 * platform with a long list must not take the others' away.
 *
 * @param limit - Of all packages together, in bytes of JSON.
 */
export function withinBudget(lists: readonly PackageList[], limit: number): readonly PackageList[] {
  const sizes = new Map(lists.map((list) => [list, list.packages.map(sizeOf)]));
  const total = (list: PackageList) => sizes.get(list)?.reduce((sum, size) => sum + size, 0) ?? 0;
  const cut = new Map<PackageList, PackageList>();
  let left = limit;
  for (const [place, list] of lists.toSorted((one, other) => total(one) - total(other)).entries()) {
    const share = Math.floor(left / (lists.length - place));
    let used = 0;
    let count = 0;
    for (const size of sizes.get(list) ?? []) {
      if (used + size > share) break;
      used += size;
      count++;
    }
    left -= used;
    cut.set(list, {
      ...list,
      packages: list.packages.slice(0, count),
      omitted: list.omitted + list.packages.length - count,
    });
  }
  return lists.flatMap((list) => cut.get(list) ?? []);
}

function sizeOf(each: PackageList["packages"][number]): number {
  return Buffer.byteLength(JSON.stringify(each)) + 1;
}
