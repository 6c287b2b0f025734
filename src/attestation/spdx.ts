import { z } from "zod";
import { readValue } from "../image/json.ts";
import { type AttestedPackages, type PackageWords, packagesOf } from "./packages.ts";

const text = z.string().nullish();

const spdxPackage = z.object({
  SPDXID: text,
  name: z.string(),
  versionInfo: text,
  downloadLocation: text,
  licenseConcluded: text,
  licenseDeclared: text,
  externalRefs: z.array(z.object({ referenceType: text, referenceLocator: text })).nullish(),
});

const document = z.object({
  spdxVersion: z.enum(["SPDX-2.2", "SPDX-2.3"]),
  packages: z.array(spdxPackage).nullish(),
  documentDescribes: z.array(z.string()).nullish(),
  relationships: z.array(z.object({ spdxElementId: text, relationshipType: text, relatedSpdxElement: text })).nullish(),
});

/**
 * Reads an SPDX document. What it describes as a whole (the image, or its root directory) is left out where it lists anything else.
 *
 * @throws {JsonError} for another version, or another form.
 * @see SPDX 2.3, 7 "Package information section" and its JSON schema; 2.2 has the same names
 */
export function readSpdx(predicate: unknown): AttestedPackages {
  const { packages, documentDescribes, relationships } = readValue(document, predicate);
  const described = new Set(documentDescribes ?? []);
  for (const { spdxElementId: from, relationshipType: type, relatedSpdxElement: to } of relationships ?? []) {
    if (type === "DESCRIBES" && from === "SPDXRef-DOCUMENT" && to) described.add(to);
    if (type === "DESCRIBED_BY" && to === "SPDXRef-DOCUMENT" && from) described.add(from);
  }
  const all = packages ?? [];
  const others = all.filter(({ SPDXID: id }) => id === undefined || id === null || !described.has(id));
  return packagesOf("spdx", (others.length > 0 ? others : all).map(wordsOf));
}

function wordsOf({ name, versionInfo, externalRefs, ...spdx }: z.output<typeof spdxPackage>): PackageWords {
  return {
    name,
    version: versionInfo,
    licences: [spdx.licenseConcluded, spdx.licenseDeclared],
    purls: (externalRefs ?? [])
      .filter(({ referenceType }) => referenceType === "purl")
      .map((ref) => ref.referenceLocator),
    sources: [spdx.downloadLocation],
  };
}
