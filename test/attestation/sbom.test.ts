import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_PACKAGES } from "../../src/attestation/packages.ts";
import { isSbomType, parseSbom, SbomError } from "../../src/attestation/sbom.ts";

const read = (predicateType: string, predicate: unknown) =>
  parseSbom({ type: "https://in-toto.io/Statement/v1", subject: [], predicateType, predicate });
const spdx = (packages: readonly object[], more: object = {}) =>
  read("https://spdx.dev/Document", { spdxVersion: "SPDX-2.3", SPDXID: "SPDXRef-DOCUMENT", packages, ...more });
const cyclonedx = (components: readonly object[], more: object = {}) =>
  read("https://cyclonedx.org/bom", { bomFormat: "CycloneDX", specVersion: "1.6", components, ...more });

/** What `npm sbom --sbom-format=spdx` (npm 11.19) wrote of two packages, as far as it goes. */
const npmSpdx = {
  spdxVersion: "SPDX-2.3",
  dataLicense: "CC0-1.0",
  SPDXID: "SPDXRef-DOCUMENT",
  name: "app@1.0.0",
  documentDescribes: ["SPDXRef-Package-app-1.0.0"],
  packages: [
    {
      name: "app",
      SPDXID: "SPDXRef-Package-app-1.0.0",
      versionInfo: "1.0.0",
      packageFileName: "",
      primaryPackagePurpose: "LIBRARY",
      downloadLocation: "NOASSERTION",
      filesAnalyzed: false,
      licenseDeclared: "MIT",
    },
    {
      name: "@acme/right",
      SPDXID: "SPDXRef-Package-acme.right-0.1.0",
      versionInfo: "0.1.0",
      downloadLocation: "NOASSERTION",
      filesAnalyzed: false,
      homepage: "https://acme.example/right",
      licenseDeclared: "NOASSERTION",
      externalRefs: [
        {
          referenceCategory: "PACKAGE-MANAGER",
          referenceType: "purl",
          referenceLocator: "pkg:npm/%40acme/right@0.1.0",
        },
      ],
    },
    {
      name: "left",
      SPDXID: "SPDXRef-Package-left-1.2.3",
      versionInfo: "1.2.3",
      downloadLocation: "NOASSERTION",
      filesAnalyzed: false,
      licenseDeclared: "(MIT OR Apache-2.0)",
      externalRefs: [
        { referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: "pkg:npm/left@1.2.3" },
      ],
    },
  ],
  relationships: [
    {
      spdxElementId: "SPDXRef-DOCUMENT",
      relatedSpdxElement: "SPDXRef-Package-app-1.0.0",
      relationshipType: "DESCRIBES",
    },
  ],
};

/** What `npm sbom --sbom-format=cyclonedx` wrote of the same. */
const npmCycloneDx = {
  $schema: "http://cyclonedx.org/schema/bom-1.5.schema.json",
  bomFormat: "CycloneDX",
  specVersion: "1.5",
  version: 1,
  metadata: { component: { "bom-ref": "app@1.0.0", type: "library", name: "npm", version: "1.0.0" } },
  components: [
    {
      "bom-ref": "@acme/right@0.1.0",
      type: "library",
      name: "@acme/right",
      version: "0.1.0",
      scope: "required",
      purl: "pkg:npm/%40acme/right@0.1.0",
      properties: [],
      externalReferences: [{ type: "website", url: "https://acme.example/right" }],
    },
    {
      "bom-ref": "left@1.2.3",
      type: "library",
      name: "left",
      version: "1.2.3",
      purl: "pkg:npm/left@1.2.3",
      externalReferences: [{ type: "vcs", url: "git+https://github.com/acme/left.git" }],
      licenses: [{ expression: "(MIT OR Apache-2.0)" }],
    },
  ],
  dependencies: [{ ref: "left@1.2.3", dependsOn: [] }],
};

const right = {
  name: "@acme/right",
  version: "0.1.0",
  licences: [],
  purl: "pkg:npm/%40acme/right@0.1.0",
  source: null,
};
const left = { name: "left", version: "1.2.3", licences: ["(MIT OR Apache-2.0)"], purl: "pkg:npm/left@1.2.3" };

test("reads the packages of genuine documents of both formats alike", () => {
  assert.deepEqual(read("https://spdx.dev/Document/v2.3", npmSpdx), {
    format: "spdx",
    packages: [right, { ...left, source: null }],
    omitted: 0,
  });
  assert.deepEqual(read("https://cyclonedx.org/bom/v1.5", npmCycloneDx), {
    format: "cyclonedx",
    packages: [right, { ...left, source: "git+https://github.com/acme/left.git" }],
    omitted: 0,
  });
});

test("a statement of another type is no SBOM, however its type begins", () => {
  const types = ["https://spdx.dev/Document", "https://spdx.dev/Document/v2.3", "https://cyclonedx.org/bom/v1.6"];
  assert.deepEqual(types.map(isSbomType), [true, true, true]);
  assert.ok(isSbomType("https://cyclonedx.org/bom/1.4"));
  const others = ["https://slsa.dev/provenance/v1", "https://spdx.dev/Documents", "https://spdx.dev/Document/", ""];
  assert.deepEqual(others.map(isSbomType), [false, false, false, false]);
  assert.equal(read("https://slsa.dev/provenance/v1", npmSpdx), undefined);
});

test("SPDX: nothing known and nothing there say nothing, and both licences are told where they differ", () => {
  const listed = spdx([
    { name: "a", versionInfo: "", downloadLocation: "NONE", licenseConcluded: "NONE", licenseDeclared: "MIT" },
    { name: "b", licenseConcluded: "MIT", licenseDeclared: "MIT", downloadLocation: "git+https://a.example/b@1" },
    { name: "c", licenseConcluded: "GPL-2.0-only", licenseDeclared: "LicenseRef-Debian", externalRefs: null },
  ]);
  assert.deepEqual(listed?.packages, [
    { name: "a", version: null, licences: ["MIT"], purl: null, source: null },
    { name: "b", version: null, licences: ["MIT"], purl: null, source: "git+https://a.example/b@1" },
    { name: "c", version: null, licences: ["GPL-2.0-only", "LicenseRef-Debian"], purl: null, source: null },
  ]);
});

test("SPDX: what the document describes as a whole is a package only where nothing else is", () => {
  const image = { name: "app", SPDXID: "SPDXRef-Image" };
  const of = (relationship: object) => ({ relationships: [relationship] });
  const describes = of({
    spdxElementId: "SPDXRef-DOCUMENT",
    relationshipType: "DESCRIBES",
    relatedSpdxElement: "SPDXRef-Image",
  });
  const described = of({
    spdxElementId: "SPDXRef-Image",
    relationshipType: "DESCRIBED_BY",
    relatedSpdxElement: "SPDXRef-DOCUMENT",
  });
  const names = (packages: readonly object[], more: object) => spdx(packages, more)?.packages.map(({ name }) => name);
  for (const more of [describes, described, { documentDescribes: ["SPDXRef-Image"] }])
    assert.deepEqual(names([image, { name: "musl" }], more), ["musl"]);
  assert.deepEqual(names([image], describes), ["app"]);
  const foreign = of({
    spdxElementId: "SPDXRef-Other",
    relationshipType: "DESCRIBES",
    relatedSpdxElement: "SPDXRef-Image",
  });
  assert.deepEqual(names([image, { name: "musl" }], foreign), ["app", "musl"]);
});

test("CycloneDX: components in components, groups, and where source is to be had", () => {
  const references = (...types: readonly string[]) => types.map((type) => ({ type, url: `https://a.example/${type}` }));
  const listed = cyclonedx([
    {
      type: "library",
      group: "org.acme",
      name: "core",
      licenses: [{ license: { id: "MIT" } }, { license: { name: "Own licence" } }],
      externalReferences: references("website", "distribution", "vcs"),
      components: [{ type: "file", name: "/bin/x", components: [{ type: "library", name: "inner" }] }],
    },
    { type: "application", name: "tool", externalReferences: references("vcs", "source-distribution") },
    { type: "operating-system", name: "debian", version: "13" },
  ]);
  assert.deepEqual(
    listed?.packages.map(({ name, source }) => [name, source]),
    [
      ["org.acme/core", "https://a.example/vcs"],
      ["inner", null],
      ["tool", "https://a.example/source-distribution"],
      ["debian", null],
    ],
  );
  assert.deepEqual(listed?.packages[0]?.licences, ["MIT", "Own licence"]);
});

test("a document of another version or form can't be read, and neither can one of keys in another case", () => {
  const bad: readonly (() => unknown)[] = [
    () => spdx([], { spdxVersion: "SPDX-3.0" }),
    () => spdx([{ versionInfo: "1" }]),
    () => spdx([{ name: "a", Name: "b" }]),
    () => spdx([], { packages: "all" }),
    () => cyclonedx([], { specVersion: "1.3" }),
    () => cyclonedx([], { bomFormat: "Cyclone" }),
    () => cyclonedx([{ name: "a", components: [{ type: "library" }] }]),
    () => read("https://spdx.dev/Document", "SPDXVersion: SPDX-2.3"),
    () => read("https://spdx.dev/Document", undefined),
  ];
  for (const parse of bad) assert.throws(parse, SbomError);
});

test("a hostile document is cut: so many packages, so many licences, words so long, and none that can't be kept", () => {
  const many = spdx(Array.from({ length: MAX_PACKAGES + 7 }, (_, i) => ({ name: `p${i}` })));
  assert.deepEqual([many?.packages.length, many?.omitted], [MAX_PACKAGES, 7]);
  const licenses = Array.from({ length: 1000 }, (_, i) => ({ license: { name: `L${i}` } }));
  const [long] = cyclonedx([{ name: "x".repeat(1e6), version: "1\0\ud800", licenses }])?.packages ?? [];
  assert.ok(long);
  assert.ok(long.name.length < 3000 && long.licences.length < 50);
  assert.equal(long.version, "1\ufffd\ufffd");
});

test("components in components are read to the depth that JSON is read to", () => {
  let component: object = { name: "innermost" };
  for (let depth = 0; depth < 100; depth++) component = { name: `at ${depth}`, components: [component] };
  assert.equal(cyclonedx([component])?.packages.length, 101);
});
