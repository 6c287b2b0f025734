import { z } from "zod";
import { readValue } from "../image/json.ts";
import { type AttestedPackages, type PackageWords, packagesOf } from "./packages.ts";

/** Where source may be had, the likeliest first: a distribution is as often what was compiled of it. */
const SOURCES = ["source-distribution", "vcs", "distribution"];

/** Components that are no packages: the files of a package, and what the image is called. */
const NO_PACKAGES = ["file", "container"];

const text = z.string().nullish();

const component = z.object({
  type: text,
  group: text,
  name: z.string(),
  version: text,
  purl: text,
  licenses: z.array(z.object({ expression: text, license: z.object({ id: text, name: text }).nullish() })).nullish(),
  externalReferences: z.array(z.object({ type: text, url: text })).nullish(),
  get components() {
    return z.array(component).nullish();
  },
});

type Component = z.output<typeof component>;

const bom = z.object({
  bomFormat: z.literal("CycloneDX"),
  specVersion: z.enum(["1.4", "1.5", "1.6"]),
  components: z.array(component).nullish(),
});

/**
 * Reads a CycloneDX document, components inside components included.
 *
 * @throws {JsonError} for another version, or another form.
 * @see CycloneDX 1.6, "components"; 1.4 and 1.5 have the same names
 */
export function readCycloneDx(predicate: unknown): AttestedPackages {
  const { components } = readValue(bom, predicate);
  return packagesOf(
    "cyclonedx",
    inOrder(components ?? [])
      .filter(isPackage)
      .map(wordsOf),
  );
}

/** All of them, each before what is inside it. */
function inOrder(components: readonly Component[]): readonly Component[] {
  const all: Component[] = [];
  const open = components.toReversed();
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    all.push(next);
    for (const inner of (next.components ?? []).toReversed()) open.push(inner);
  }
  return all;
}

function isPackage({ type }: Component): boolean {
  return !NO_PACKAGES.includes(type ?? "");
}

function wordsOf({ group, name, version, purl, licenses, externalReferences }: Component): PackageWords {
  const references = externalReferences ?? [];
  return {
    name: group ? `${group}/${name}` : name,
    version,
    licences: (licenses ?? []).flatMap(({ expression, license }) => [expression, license?.id ?? license?.name]),
    purls: [purl],
    sources: SOURCES.flatMap((wanted) => references.filter(({ type }) => type === wanted).map(({ url }) => url)),
  };
}
